/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.platform, '') AS platform, rollup.clicks AS clicks
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.platform, '') AS platform, delta.clicks AS clicks
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.platform AS platform, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0)
SELECT valued.platform, valued.clicks, valued.term_0
FROM (SELECT grouped.platform AS platform, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.platform COLLATE "C" ASC NULLS LAST
LIMIT $8::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 limit: bigint

/* analytics.group_series */
WITH scanned AS
(SELECT nullif(rollup.platform, '') AS platform, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.clicks AS clicks, rollup.purchases AS purchases, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.platform, '') AS platform, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.clicks AS clicks, delta.purchases AS purchases, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT scanned.platform, scanned.bucket, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, CAST(sum(scanned.purchases) AS BIGINT) AS purchases, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.clicks) != 0 OR sum(scanned.purchases) != 0 OR sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY 1, 2;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
