/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.gross_e9) AS gross_e9, sum(scanned.orders_e9) AS orders_e9
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
(SELECT nullif(rollup.platform, '') AS platform, rollup.gross_e9 AS gross_e9, rollup.orders_e9 AS orders_e9
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.platform, '') AS platform, delta.gross_e9 AS gross_e9, delta.orders_e9 AS orders_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.platform AS platform, sum(scanned.gross_e9) AS gross_e9, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.orders_e9) != 0)
SELECT derived.platform, derived.gross_e9, derived.orders_e9, derived.term_0
FROM (SELECT valued.platform AS platform, valued.gross_e9 AS gross_e9, valued.orders_e9 AS orders_e9, CASE WHEN ($2::NUMERIC = 0) THEN NULL WHEN (mod(valued.term_0 * 1000000::numeric, $2::NUMERIC) = 0) THEN div(valued.term_0 * 1000000::numeric, $2::NUMERIC) ELSE div(valued.term_0 * 1000000::numeric, $2::NUMERIC) + CASE WHEN (2 * abs(mod(valued.term_0 * 1000000::numeric, $2::NUMERIC)) > abs($2::NUMERIC) OR 2 * abs(mod(valued.term_0 * 1000000::numeric, $2::NUMERIC)) = abs($2::NUMERIC) AND mod(div(valued.term_0 * 1000000::numeric, $2::NUMERIC), 2) != 0) THEN sign(valued.term_0 * 1000000::numeric) * sign($2::NUMERIC) ELSE 0 END END AS term_0
FROM (SELECT grouped.platform AS platform, grouped.gross_e9 AS gross_e9, grouped.orders_e9 AS orders_e9, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9 AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued) AS derived
ORDER BY derived.term_0 DESC NULLS LAST, derived.platform COLLATE "C" ASC NULLS LAST
LIMIT $9::BIGINT;
-- $1 tenant: uuid
-- $2 total_0: numeric
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint
