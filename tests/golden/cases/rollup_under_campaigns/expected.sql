/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($6::UUID[])[1]
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($6::UUID[])[1])
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 parents: uuid[]
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.platform, '') AS platform, rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($6::UUID[])[1]
UNION ALL
SELECT nullif(delta.platform, '') AS platform, delta.orders_e9 AS orders_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($6::UUID[])[1]),
grouped AS
(SELECT scanned.platform AS platform, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0)
SELECT grouped.platform, grouped.orders_e9
FROM grouped
ORDER BY grouped.platform COLLATE "C" ASC NULLS LAST
LIMIT $9::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 parents: uuid[]
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint
