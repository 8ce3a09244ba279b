/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.clicks AS clicks
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.platform != '' AND rollup.platform = ANY ($7::TEXT[])
UNION ALL
SELECT nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.clicks AS clicks
FROM (VALUES (($8::TIMESTAMP WITH TIME ZONE[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.platform != '' AND delta.platform = ANY ($7::TEXT[])),
grouped AS
(SELECT scanned.influencer AS influencer, scanned.bucket AS bucket, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.clicks) != 0)
SELECT valued.influencer, valued.bucket, valued.clicks, valued.term_0
FROM (SELECT grouped.influencer AS influencer, grouped.bucket AS bucket, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.bucket ASC NULLS LAST, valued.term_0 DESC NULLS LAST, valued.influencer ASC NULLS LAST
LIMIT $10::BIGINT;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 in_0: text[]
-- $8 delta_starts: timestamp with time zone[]
-- $9 delta_ends: timestamp with time zone[]
-- $10 limit: bigint
