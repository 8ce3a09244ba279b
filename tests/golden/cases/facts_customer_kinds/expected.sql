/* analytics.groups */
WITH scanned AS
(SELECT customer.customer_kind AS customer_kind, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.customer_kind AS customer_kind, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT CASE WHEN (credit.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = credit.customer_id AND before.occurred_at - credit.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END AS customer_kind, 1000000000::bigint AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT CASE WHEN (credit.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = credit.customer_id AND before.occurred_at - credit.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END AS customer_kind, 0 AS orders_e9, 0 AS customers, coalesce(sum(line.amount_base_minor), 0) * 1000000000::bigint AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.customer_kind AS customer_kind, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(refund_line.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, CASE WHEN (of_order.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = of_order.customer_id AND before.occurred_at - of_order.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END AS customer_kind
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS customer_kind, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.customer_kind AS customer_kind, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.customer_kind, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.customer_kind COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(1000000000::bigint), 0) AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz AND CASE WHEN (credit.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = credit.customer_id AND before.occurred_at - credit.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END IS NOT NULL AND CASE WHEN (credit.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = credit.customer_id AND before.occurred_at - credit.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END = ANY ($5::TEXT[])
GROUP BY 1),
grouped AS
(SELECT scanned.bucket AS bucket, sum(scanned.orders_e9_1) AS orders_e9_1
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9_1) != 0)
SELECT grouped.bucket, grouped.orders_e9_1
FROM grouped
ORDER BY grouped.bucket ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 edges_1: text
-- $3 range_start_1: timestamp with time zone
-- $4 range_end_1: timestamp with time zone
-- $5 in_0: text[]
-- $6 limit: bigint
