/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS refunds_e9, count(*) FILTER (WHERE line.amount_base_minor IS NULL) AS missing_rates, 0 AS visitors_1
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND (credit.country IS NULL OR credit.country != ALL ($4::TEXT[]))
UNION ALL
SELECT 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS refunds_e9, count(*) FILTER (WHERE refund_line.amount_base_minor IS NULL) AS missing_rates, 0 AS visitors_1
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.country AS country
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_booked > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM') AND (credit.country IS NULL OR credit.country != ALL ($4::TEXT[]))
UNION ALL
SELECT 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9, count(*) FILTER (WHERE adjustment.amount_base_minor IS NULL) AS missing_rates, 0 AS visitors_1
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND (adjustment.country IS NULL OR adjustment.country != ALL ($4::TEXT[]))
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, count(*) FILTER (WHERE commission.amount_base_minor IS NULL) AS missing_rates, 0 AS visitors_1
FROM commissions AS commission
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND true
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, 0 AS missing_rates, count(visitor.visitor_id) * ($5::BIGINT + 1) AS visitors_1
FROM (SELECT instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $7::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND (instance.country IS NULL OR instance.country != ALL ($8::TEXT[])) AND (hashtextextended(instance.visitor_id, 0) & $5::BIGINT) = 0
GROUP BY 1) AS visitor)
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, CAST(sum(scanned.missing_rates) AS BIGINT) AS missing_rates, CAST(sum(scanned.visitors_1) AS BIGINT) AS visitors_1
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 not_in_0: text[]
-- $5 sample_1: bigint
-- $6 range_start_1: timestamp with time zone
-- $7 range_end_1: timestamp with time zone
-- $8 not_in_1: text[]

/* analytics.series */
WITH scanned AS
(SELECT visitor.bucket AS bucket, count(visitor.visitor_id) * ($2::BIGINT + 1) AS visitors_1
FROM (SELECT width_bucket(instance.occurred_at, (SELECT CAST($3::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND (instance.country IS NULL OR instance.country != ALL ($6::TEXT[])) AND (hashtextextended(instance.visitor_id, 0) & $2::BIGINT) = 0
GROUP BY 1, 2) AS visitor
GROUP BY 1)
SELECT scanned.bucket, CAST(sum(scanned.visitors_1) AS BIGINT) AS visitors_1, (sum(scanned.visitors_1) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 sample_1: bigint
-- $3 edges_1: text
-- $4 range_start_1: timestamp with time zone
-- $5 range_end_1: timestamp with time zone
-- $6 not_in_1: text[]

/* analytics.groups */
WITH scanned AS
(SELECT instance.channel AS channel, width_bucket(instance.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, count(*) AS instances
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND (instance.country IS NULL OR instance.country != ALL ($5::TEXT[]))
GROUP BY 1, 2),
grouped AS
(SELECT scanned.channel AS channel, scanned.bucket AS bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.instances) != 0)
SELECT grouped.channel, grouped.bucket, grouped.instances
FROM grouped
ORDER BY grouped.bucket ASC NULLS LAST, grouped.channel COLLATE "C" ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 not_in_0: text[]
-- $6 limit: bigint
