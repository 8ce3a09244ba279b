/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9, 0 AS order_value_1, 0 AS valued_orders_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9, 0 AS order_value_1, 0 AS valued_orders_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT 0 AS orders_e9, percentile_disc($8::FLOAT) WITHIN GROUP (ORDER BY value.gross) AS order_value_1, count(value.gross) AS valued_orders_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (SELECT DISTINCT credit.order_id AS order_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $9::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $10::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
JOIN LATERAL (SELECT CASE WHEN (count(*) FILTER (WHERE line.amount_base_minor IS NULL) = 0) THEN coalesce(sum(line.amount_base_minor), 0) END AS gross
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.order_id = chosen.order_id AND line.kind IN ('DISCOUNT', 'ITEM')) AS value ON true
UNION ALL
SELECT 0 AS orders_e9, 0 AS order_value_1, 0 AS valued_orders_1, percentile_disc($11::FLOAT) WITHIN GROUP (ORDER BY value.gross) AS order_value_2, count(value.gross) AS valued_orders_2
FROM (SELECT DISTINCT credit.order_id AS order_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $12::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $13::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
JOIN LATERAL (SELECT CASE WHEN (count(*) FILTER (WHERE line.amount_base_minor IS NULL) = 0) THEN coalesce(sum(line.amount_base_minor), 0) END AS gross
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.order_id = chosen.order_id AND line.kind IN ('DISCOUNT', 'ITEM')) AS value ON true)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.order_value_1) AS order_value_1, CAST(sum(scanned.valued_orders_1) AS BIGINT) AS valued_orders_1, sum(scanned.order_value_2) AS order_value_2, CAST(sum(scanned.valued_orders_2) AS BIGINT) AS valued_orders_2
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 at_1: double precision
-- $9 range_start_1: timestamp with time zone
-- $10 range_end_1: timestamp with time zone
-- $11 at_2: double precision
-- $12 range_start_2: timestamp with time zone
-- $13 range_end_2: timestamp with time zone

/* analytics.series */
WITH scanned AS
(SELECT chosen.bucket AS bucket, percentile_disc($2::FLOAT) WITHIN GROUP (ORDER BY value.gross) AS order_value_1, count(value.gross) AS valued_orders_1
FROM (SELECT DISTINCT width_bucket(credit.occurred_at, (SELECT CAST($3::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, credit.order_id AS order_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
JOIN LATERAL (SELECT CASE WHEN (count(*) FILTER (WHERE line.amount_base_minor IS NULL) = 0) THEN coalesce(sum(line.amount_base_minor), 0) END AS gross
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.order_id = chosen.order_id AND line.kind IN ('DISCOUNT', 'ITEM')) AS value ON true
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.order_value_1) AS order_value_1, CAST(sum(scanned.valued_orders_1) AS BIGINT) AS valued_orders_1, (sum(scanned.order_value_1) != 0 OR sum(scanned.valued_orders_1) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 at_1: double precision
-- $3 edges_1: text
-- $4 range_start_1: timestamp with time zone
-- $5 range_end_1: timestamp with time zone
