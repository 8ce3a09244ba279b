/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9, rollup.gross_e9 AS gross_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9, delta.gross_e9 AS gross_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9
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
(SELECT nullif(rollup.platform, '') AS platform, rollup.orders_e9 AS orders_e9, rollup.gross_e9 AS gross_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.platform, '') AS platform, delta.orders_e9 AS orders_e9, delta.gross_e9 AS gross_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.platform AS platform, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0),
fitting AS
(SELECT valued.platform AS platform, valued.orders_e9 AS orders_e9, valued.gross_e9 AS gross_e9, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.orders_e9 AS orders_e9, grouped.gross_e9 AS gross_e9, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.term_0 IS NOT NULL AND (valued.term_0 >= $8::NUMERIC))
SELECT page.platform, page.orders_e9, page.gross_e9, page.term_0, counted.total
FROM (SELECT count(*) AS total
FROM fitting) AS counted
LEFT OUTER JOIN (SELECT fitting.platform AS platform, fitting.orders_e9 AS orders_e9, fitting.gross_e9 AS gross_e9, fitting.term_0 AS term_0
FROM fitting
ORDER BY fitting.platform COLLATE "C" ASC NULLS LAST
LIMIT $9::BIGINT) AS page ON true
ORDER BY page.platform COLLATE "C" ASC NULLS LAST;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 bound_0: numeric
-- $9 limit: bigint
