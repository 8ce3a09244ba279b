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

/* analytics.top */
WITH scanned AS
(SELECT credit.code AS code, coalesce(sum(credit.weight_booked), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0),
fitting AS
(SELECT valued.code AS code, valued.orders_e9 AS orders_e9, valued.term_0 AS term_0
FROM (SELECT grouped.code AS code, grouped.orders_e9 AS orders_e9, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.code IS NOT NULL)
SELECT fitting.code, fitting.orders_e9, fitting.term_0
FROM fitting
ORDER BY fitting.term_0 DESC NULLS LAST, fitting.code COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT credit.code AS code, coalesce(sum(credit.weight_booked), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code = ANY ($4::TEXT[])
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0)
SELECT page.code, page.orders_e9, counted.total
FROM (SELECT count(*) AS total
FROM grouped) AS counted
LEFT OUTER JOIN (SELECT grouped.code AS code, grouped.orders_e9 AS orders_e9
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST
LIMIT $5::BIGINT) AS page ON true
ORDER BY page.code COLLATE "C" ASC NULLS LAST;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 top_code: text[]
-- $5 limit: bigint
