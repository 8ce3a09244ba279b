/* analytics.totals */
WITH scanned AS
(SELECT count(*) AS instances, 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND instance.code IS NOT NULL AND starts_with(instance.code, $4::VARCHAR) AND (instance.channel IS NULL OR instance.channel != ALL ($5::TEXT[]))
UNION ALL
SELECT 0 AS instances, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
UNION ALL
SELECT 0 AS instances, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
UNION ALL
SELECT 0 AS instances, 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.code AS code, of_order.channel AS channel
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_booked > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM') AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
UNION ALL
SELECT 0 AS instances, 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND false AND true)
SELECT CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 prefix_0: text
-- $5 not_in_1: text[]

/* analytics.groups */
WITH scanned AS
(SELECT instance.country AS country, count(*) AS instances, 0 AS orders_e9, 0 AS instances_1, 0 AS instances_2
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND instance.code IS NOT NULL AND starts_with(instance.code, $4::VARCHAR) AND (instance.channel IS NULL OR instance.channel != ALL ($5::TEXT[]))
GROUP BY 1
UNION ALL
SELECT credit.country AS country, 0 AS instances, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS instances_1, 0 AS instances_2
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
GROUP BY 1
UNION ALL
SELECT instance.country AS country, 0 AS instances, 0 AS orders_e9, count(*) AS instances_1, 0 AS instances_2
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $7::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND instance.code IS NOT NULL AND starts_with(instance.code, $8::VARCHAR) AND (instance.channel IS NULL OR instance.channel != ALL ($9::TEXT[])) AND CASE WHEN (instance.kind = 'PURCHASE') THEN 'true' ELSE 'false' END IS NOT NULL AND CASE WHEN (instance.kind = 'PURCHASE') THEN 'true' ELSE 'false' END = ANY ($10::TEXT[])
GROUP BY 1
UNION ALL
SELECT instance.country AS country, 0 AS instances, 0 AS orders_e9, 0 AS instances_1, count(*) AS instances_2
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $11::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $12::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND instance.code IS NOT NULL AND starts_with(instance.code, $13::VARCHAR) AND (instance.channel IS NULL OR instance.channel != ALL ($14::TEXT[])) AND CASE WHEN (instance.kind = 'PURCHASE') THEN 'true' ELSE 'false' END IS NOT NULL AND CASE WHEN (instance.kind = 'PURCHASE') THEN 'true' ELSE 'false' END = ANY ($15::TEXT[])
GROUP BY 1),
grouped AS
(SELECT scanned.country AS country, CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.instances_1) AS BIGINT) AS instances_1, CAST(sum(scanned.instances_2) AS BIGINT) AS instances_2
FROM scanned
GROUP BY 1
HAVING sum(scanned.instances) != 0 OR sum(scanned.orders_e9) != 0 OR sum(scanned.instances_1) != 0 OR sum(scanned.instances_2) != 0)
SELECT grouped.country, grouped.instances, grouped.orders_e9, grouped.instances_1, grouped.instances_2
FROM grouped
ORDER BY grouped.country COLLATE "C" DESC NULLS LAST
LIMIT $16::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 prefix_0: text
-- $5 not_in_1: text[]
-- $6 range_start_1: timestamp with time zone
-- $7 range_end_1: timestamp with time zone
-- $8 prefix_2: text
-- $9 not_in_3: text[]
-- $10 in_4: text[]
-- $11 range_start_2: timestamp with time zone
-- $12 range_end_2: timestamp with time zone
-- $13 prefix_5: text
-- $14 not_in_6: text[]
-- $15 in_7: text[]
-- $16 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT instance.country AS country, instance.platform AS platform, count(*) AS instances, 0 AS gross_e9, 0 AS orders_e9
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND instance.code IS NOT NULL AND starts_with(instance.code, $4::VARCHAR) AND (instance.channel IS NULL OR instance.channel != ALL ($5::TEXT[]))
GROUP BY 1, 2
UNION ALL
SELECT credit.country AS country, credit.platform AS platform, 0 AS instances, 0 AS gross_e9, coalesce(sum(credit.weight_booked), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
GROUP BY 1, 2
UNION ALL
SELECT credit.country AS country, credit.platform AS platform, 0 AS instances, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS orders_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND starts_with(credit.code, $4::VARCHAR) AND (credit.channel IS NULL OR credit.channel != ALL ($5::TEXT[]))
GROUP BY 1, 2),
grouped AS
(SELECT scanned.country AS country, scanned.platform AS platform, CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.gross_e9) AS gross_e9, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.instances) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.orders_e9) != 0)
SELECT valued.country, valued.platform, valued.instances, valued.gross_e9, valued.orders_e9, valued.term_0
FROM (SELECT grouped.country AS country, grouped.platform AS platform, grouped.instances AS instances, grouped.gross_e9 AS gross_e9, grouped.orders_e9 AS orders_e9, CASE WHEN (CAST(grouped.orders_e9 AS NUMERIC) = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC)) = 0) THEN div(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC)) ELSE div(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC)) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC))) > abs(CAST(grouped.orders_e9 AS NUMERIC)) OR 2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC))) = abs(CAST(grouped.orders_e9 AS NUMERIC)) AND mod(div(CAST(grouped.gross_e9 AS NUMERIC), CAST(grouped.orders_e9 AS NUMERIC)), 2) != 0) THEN sign(CAST(grouped.gross_e9 AS NUMERIC)) * sign(CAST(grouped.orders_e9 AS NUMERIC)) ELSE 0 END END AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 ASC NULLS FIRST, valued.country COLLATE "C" DESC NULLS LAST, valued.platform COLLATE "C" ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 prefix_0: text
-- $5 not_in_1: text[]
-- $6 limit: bigint
