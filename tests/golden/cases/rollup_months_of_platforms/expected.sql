/* analytics.groups */
WITH fresh AS
(SELECT nullif(delta.platform, '') AS platform, width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, delta.clicks AS clicks
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
scanned AS
(SELECT nullif(rollup.platform, '') AS platform, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.clicks AS clicks
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT fresh.platform AS platform, fresh.bucket AS bucket, fresh.gross_e9 AS gross_e9, fresh.refunds_e9 AS refunds_e9, fresh.clicks AS clicks
FROM fresh),
grouped AS
(SELECT stored.platform AS platform, stored.bucket AS bucket, stored.gross_e9 - stored.refunds_e9 AS gross_e9_combined, CAST(stored.clicks AS BIGINT) AS clicks
FROM (SELECT nullif(rollup.platform, '') AS platform, width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.clicks AS clicks
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end) AS stored
WHERE NOT (EXISTS (SELECT 1
FROM fresh)) AND (stored.gross_e9 != 0 OR stored.refunds_e9 != 0 OR stored.clicks != 0)
UNION ALL
SELECT scanned.platform AS platform, scanned.bucket AS bucket, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
WHERE EXISTS (SELECT 1
FROM fresh)
GROUP BY 1, 2
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0 OR sum(scanned.clicks) != 0)
SELECT grouped.platform, grouped.bucket, grouped.gross_e9_combined, grouped.clicks
FROM grouped
ORDER BY grouped.bucket ASC NULLS LAST, grouped.platform COLLATE "C" ASC NULLS LAST
LIMIT $9::BIGINT;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint
