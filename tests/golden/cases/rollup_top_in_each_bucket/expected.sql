/* analytics.top */
WITH fresh AS
(SELECT nullif(delta.platform, '') AS platform, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.clicks AS clicks
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
scanned AS
(SELECT nullif(rollup.platform, '') AS platform, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, rollup.clicks AS clicks
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT fresh.platform AS platform, fresh.bucket AS bucket, fresh.clicks AS clicks
FROM fresh),
grouped AS
(SELECT stored.platform AS platform, stored.bucket AS bucket, CAST(stored.clicks AS BIGINT) AS clicks
FROM (SELECT nullif(rollup.platform, '') AS platform, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.clicks AS clicks
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end) AS stored
WHERE NOT (EXISTS (SELECT 1
FROM fresh)) AND stored.clicks != 0
UNION ALL
SELECT scanned.platform AS platform, scanned.bucket AS bucket, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
WHERE EXISTS (SELECT 1
FROM fresh)
GROUP BY 1, 2
HAVING sum(scanned.clicks) != 0),
fitting AS
(SELECT valued.platform AS platform, valued.bucket AS bucket, valued.clicks AS clicks, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.bucket AS bucket, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.platform IS NOT NULL)
SELECT numbered.platform, numbered.bucket, numbered.clicks, numbered.term_0
FROM (SELECT fitting.platform AS platform, fitting.bucket AS bucket, fitting.clicks AS clicks, fitting.term_0 AS term_0, row_number() OVER (PARTITION BY fitting.bucket
ORDER BY fitting.term_0 DESC NULLS LAST, fitting.platform COLLATE "C" ASC NULLS LAST) AS place
FROM fitting) AS numbered
WHERE numbered.place <= $9::BIGINT
ORDER BY numbered.place;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT CASE WHEN (nullif(rollup.platform, '') IS NULL OR (nullif(rollup.platform, ''), width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1))) IN (SELECT top.key, top.bucket
FROM unnest($3::TEXT[], $4::INTEGER[]) AS top(key, bucket))) THEN nullif(rollup.platform, '') END AS platform, CASE WHEN (nullif(rollup.platform, '') IS NULL OR (nullif(rollup.platform, ''), width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1))) IN (SELECT top.key, top.bucket
FROM unnest($3::TEXT[], $4::INTEGER[]) AS top(key, bucket))) THEN false ELSE true END AS platform_others, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, rollup.clicks AS clicks
FROM (VALUES (($5::TEXT[])[1], ($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $8::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT CASE WHEN (nullif(delta.platform, '') IS NULL OR (nullif(delta.platform, ''), width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3))) IN (SELECT top.key, top.bucket
FROM unnest($3::TEXT[], $4::INTEGER[]) AS top(key, bucket))) THEN nullif(delta.platform, '') END AS platform, CASE WHEN (nullif(delta.platform, '') IS NULL OR (nullif(delta.platform, ''), width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3))) IN (SELECT top.key, top.bucket
FROM unnest($3::TEXT[], $4::INTEGER[]) AS top(key, bucket))) THEN false ELSE true END AS platform_others, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4)) AS bucket, delta.clicks AS clicks
FROM (VALUES (($9::TIMESTAMP WITH TIME ZONE[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.platform AS platform, scanned.platform_others AS platform_others, scanned.bucket AS bucket, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1, 2, 3
HAVING sum(scanned.clicks) != 0)
SELECT valued.platform, valued.platform_others, valued.bucket, valued.clicks, valued.term_0
FROM (SELECT grouped.platform AS platform, grouped.platform_others AS platform_others, grouped.bucket AS bucket, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.bucket ASC NULLS LAST, valued.platform_others ASC NULLS LAST, valued.term_0 DESC NULLS LAST, valued.platform COLLATE "C" ASC NULLS LAST
LIMIT $11::BIGINT;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 top_platform: text[]
-- $4 top_platform_buckets: integer[]
-- $5 part_grains: text[]
-- $6 part_starts: timestamp with time zone[]
-- $7 part_ends: timestamp with time zone[]
-- $8 rollup_set: text
-- $9 delta_starts: timestamp with time zone[]
-- $10 delta_ends: timestamp with time zone[]
-- $11 limit: bigint
