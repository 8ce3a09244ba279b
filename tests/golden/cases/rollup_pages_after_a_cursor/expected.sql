/* analytics.groups */
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
HAVING sum(scanned.clicks) != 0)
SELECT page.platform, page.bucket, page.clicks, page.term_0, counted.total
FROM (SELECT count(*) AS total
FROM grouped) AS counted
LEFT OUTER JOIN (SELECT valued.platform AS platform, valued.bucket AS bucket, valued.clicks AS clicks, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.bucket AS bucket, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.bucket DESC NULLS LAST, valued.term_0 DESC NULLS LAST, valued.platform COLLATE "C" ASC NULLS LAST
LIMIT $9::BIGINT) AS page ON true
ORDER BY page.bucket DESC NULLS LAST, page.term_0 DESC NULLS LAST, page.platform COLLATE "C" ASC NULLS LAST;
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
HAVING sum(scanned.clicks) != 0)
SELECT page.platform, page.bucket, page.clicks, page.term_0, counted.total
FROM (SELECT count(*) AS total
FROM grouped) AS counted
LEFT OUTER JOIN (SELECT valued.platform AS platform, valued.bucket AS bucket, valued.clicks AS clicks, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.bucket AS bucket, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.bucket < $9::INTEGER OR valued.bucket IS NULL OR valued.bucket = $9::INTEGER AND (valued.term_0 < $10::NUMERIC OR valued.term_0 IS NULL) OR valued.bucket = $9::INTEGER AND valued.term_0 = $10::NUMERIC AND ((valued.platform COLLATE "C") > $11::VARCHAR OR (valued.platform COLLATE "C") IS NULL)
ORDER BY valued.bucket DESC NULLS LAST, valued.term_0 DESC NULLS LAST, valued.platform COLLATE "C" ASC NULLS LAST
LIMIT $12::BIGINT) AS page ON true
ORDER BY page.bucket DESC NULLS LAST, page.term_0 DESC NULLS LAST, page.platform COLLATE "C" ASC NULLS LAST;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 place_0: integer
-- $10 place_1: numeric
-- $11 place_2: text
-- $12 limit: bigint
