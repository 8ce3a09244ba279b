/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_last AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_last > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_last), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_last > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_last), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_last AS weight_last, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_last > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_first AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_first > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_first), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_first > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_first), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_first AS weight_first, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_first > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_linear AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_linear AS weight_linear, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_linear > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_linear AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_linear AS weight_linear, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_linear > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_time_decay AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_time_decay > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_time_decay), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_time_decay > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_time_decay), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_time_decay AS weight_time_decay, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_time_decay > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.code AS code, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) AS customers, 0 AS gross_e9, 0 AS refunds_e9
FROM (SELECT chosen.code AS code, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.code AS code, credit.weight_position AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_position > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_position), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_position > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_position), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_position AS weight_position, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_position > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS orders_e9, 0 AS customers, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.customers) AS BIGINT) AS customers, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.customers) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT grouped.code, grouped.orders_e9, grouped.customers, grouped.gross_e9_combined
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
