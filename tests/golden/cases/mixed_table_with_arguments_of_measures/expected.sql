/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, 0 AS orders_e9_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, 0 AS orders_e9_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, width_bucket(rollup.bucket, (SELECT CAST($9::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, 0 AS orders_e9, 0 AS commission_pending, 0 AS commission_held, rollup.orders_e9 AS orders_e9_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($10::TEXT[])[1], ($11::TIMESTAMP WITH TIME ZONE[])[1], ($12::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $13::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.platform != '' AND rollup.platform = ($14::TEXT[])[1]
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, width_bucket(delta.occurred_at, (SELECT CAST($9::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4)) AS bucket, 0 AS orders_e9, 0 AS commission_pending, 0 AS commission_held, delta.orders_e9 AS orders_e9_1, 0 AS order_value_2, 0 AS valued_orders_2
FROM (VALUES (($15::TIMESTAMP WITH TIME ZONE[])[1], ($16::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.platform != '' AND delta.platform = ($14::TEXT[])[1]
UNION ALL
SELECT chosen.campaign AS campaign, chosen.bucket AS bucket, 0 AS orders_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS orders_e9_1, percentile_disc($17::FLOAT) WITHIN GROUP (ORDER BY value.gross) AS order_value_2, count(value.gross) AS valued_orders_2
FROM (SELECT DISTINCT credit.campaign_id AS campaign, width_bucket(credit.occurred_at, (SELECT CAST($18::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_5)) AS bucket, credit.order_id AS order_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $19::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $20::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
JOIN LATERAL (SELECT CASE WHEN (count(*) FILTER (WHERE line.amount_base_minor IS NULL) = 0) THEN coalesce(sum(line.amount_base_minor), 0) END AS gross
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.order_id = chosen.order_id AND line.kind IN ('DISCOUNT', 'ITEM')) AS value ON true
GROUP BY 1, 2),
grouped AS
(SELECT scanned.campaign AS campaign, scanned.bucket AS bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.commission_pending) + sum(scanned.commission_held) AS commission_pending_combined, sum(scanned.orders_e9_1) AS orders_e9_1, sum(scanned.order_value_2) AS order_value_2, CAST(sum(scanned.valued_orders_2) AS BIGINT) AS valued_orders_2
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.orders_e9_1) != 0 OR sum(scanned.order_value_2) != 0 OR sum(scanned.valued_orders_2) != 0),
fitting AS
(SELECT valued.campaign AS campaign, valued.bucket AS bucket, valued.orders_e9 AS orders_e9, valued.commission_pending_combined AS commission_pending_combined, valued.orders_e9_1 AS orders_e9_1, valued.order_value_2 AS order_value_2, valued.valued_orders_2 AS valued_orders_2, valued.term_0 AS term_0
FROM (SELECT grouped.campaign AS campaign, grouped.bucket AS bucket, grouped.orders_e9 AS orders_e9, grouped.commission_pending_combined AS commission_pending_combined, grouped.orders_e9_1 AS orders_e9_1, grouped.order_value_2 AS order_value_2, grouped.valued_orders_2 AS valued_orders_2, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.term_0 IS NOT NULL AND (valued.term_0 > $21::NUMERIC))
SELECT fitting.campaign, fitting.bucket, fitting.orders_e9, fitting.commission_pending_combined, fitting.orders_e9_1, fitting.order_value_2, fitting.valued_orders_2, fitting.term_0
FROM fitting
ORDER BY fitting.bucket ASC NULLS LAST, fitting.term_0 DESC NULLS LAST, fitting.campaign ASC NULLS LAST
LIMIT $22::BIGINT;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 edges_1: text
-- $10 part_grains_1: text[]
-- $11 part_starts_1: timestamp with time zone[]
-- $12 part_ends_1: timestamp with time zone[]
-- $13 rollup_set_1: text
-- $14 in_0: text[]
-- $15 delta_starts_1: timestamp with time zone[]
-- $16 delta_ends_1: timestamp with time zone[]
-- $17 at_2: double precision
-- $18 edges_2: text
-- $19 range_start_2: timestamp with time zone
-- $20 range_end_2: timestamp with time zone
-- $21 bound_0: numeric
-- $22 limit: bigint
