/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($6::UUID[])[1]
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($6::UUID[])[1]
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, rollup.gross_e9 AS gross_e9_1, rollup.refunds_e9 AS refunds_e9_1
FROM (VALUES (($9::TEXT[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1], ($11::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $12::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($6::UUID[])[1]
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, delta.gross_e9 AS gross_e9_1, delta.refunds_e9 AS refunds_e9_1
FROM (VALUES (($13::TIMESTAMP WITH TIME ZONE[])[1], ($14::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($6::UUID[])[1])
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.gross_e9_1) - sum(scanned.refunds_e9_1) AS gross_e9_combined_1
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 parents: uuid[]
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 part_grains_1: text[]
-- $10 part_starts_1: timestamp with time zone[]
-- $11 part_ends_1: timestamp with time zone[]
-- $12 rollup_set_1: text
-- $13 delta_starts_1: timestamp with time zone[]
-- $14 delta_ends_1: timestamp with time zone[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($7::UUID[])[1]
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($8::TIMESTAMP WITH TIME ZONE[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($7::UUID[])[1]
UNION ALL
SELECT ($10::INTEGER[])[width_bucket(rollup.bucket, (SELECT CAST($11::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3))] AS bucket, 0 AS orders_e9, rollup.orders_e9 AS orders_e9_1
FROM (VALUES (($12::TEXT[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1], ($14::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $15::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($7::UUID[])[1]
UNION ALL
SELECT ($10::INTEGER[])[width_bucket(delta.occurred_at, (SELECT CAST($11::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4))] AS bucket, 0 AS orders_e9, delta.orders_e9 AS orders_e9_1
FROM (VALUES (($16::TIMESTAMP WITH TIME ZONE[])[1], ($17::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($7::UUID[])[1])
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.orders_e9_1) AS orders_e9_1, (sum(scanned.orders_e9) != 0) IS true AS known
FROM scanned
WHERE scanned.bucket IS NOT NULL
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 parents: uuid[]
-- $8 delta_starts: timestamp with time zone[]
-- $9 delta_ends: timestamp with time zone[]
-- $10 aligned_1: integer[]
-- $11 edges_1: text
-- $12 part_grains_1: text[]
-- $13 part_starts_1: timestamp with time zone[]
-- $14 part_ends_1: timestamp with time zone[]
-- $15 rollup_set_1: text
-- $16 delta_starts_1: timestamp with time zone[]
-- $17 delta_ends_1: timestamp with time zone[]

/* analytics.top */
WITH scanned AS
(SELECT nullif(rollup.platform, '') AS platform, rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
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
HAVING sum(scanned.orders_e9) != 0),
fitting AS
(SELECT valued.platform AS platform, valued.orders_e9 AS orders_e9, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.orders_e9 AS orders_e9, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.platform IS NOT NULL)
SELECT fitting.platform, fitting.orders_e9, fitting.term_0
FROM fitting
ORDER BY fitting.term_0 DESC NULLS LAST, fitting.platform COLLATE "C" ASC NULLS LAST
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

/* analytics.groups */
WITH scanned AS
(SELECT CASE WHEN (nullif(rollup.platform, '') IS NULL OR nullif(rollup.platform, '') = ANY ($2::TEXT[])) THEN nullif(rollup.platform, '') END AS platform, CASE WHEN (nullif(rollup.platform, '') IS NULL OR nullif(rollup.platform, '') = ANY ($2::TEXT[])) THEN false ELSE true END AS platform_others, rollup.orders_e9 AS orders_e9
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($7::UUID[])[1]
UNION ALL
SELECT CASE WHEN (nullif(delta.platform, '') IS NULL OR nullif(delta.platform, '') = ANY ($2::TEXT[])) THEN nullif(delta.platform, '') END AS platform, CASE WHEN (nullif(delta.platform, '') IS NULL OR nullif(delta.platform, '') = ANY ($2::TEXT[])) THEN false ELSE true END AS platform_others, delta.orders_e9 AS orders_e9
FROM (VALUES (($8::TIMESTAMP WITH TIME ZONE[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($7::UUID[])[1]),
grouped AS
(SELECT scanned.platform AS platform, scanned.platform_others AS platform_others, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.orders_e9) != 0),
fitting AS
(SELECT valued.platform AS platform, valued.platform_others AS platform_others, valued.orders_e9 AS orders_e9, valued.term_0 AS term_0
FROM (SELECT grouped.platform AS platform, grouped.platform_others AS platform_others, grouped.orders_e9 AS orders_e9, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.term_0 IS NOT NULL AND (valued.term_0 > $10::NUMERIC))
SELECT fitting.platform, fitting.platform_others, fitting.orders_e9, fitting.term_0
FROM fitting
ORDER BY fitting.platform_others ASC NULLS LAST, fitting.platform COLLATE "C" ASC NULLS LAST
LIMIT $11::BIGINT;
-- $1 tenant: uuid
-- $2 top_platform: text[]
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 parents: uuid[]
-- $8 delta_starts: timestamp with time zone[]
-- $9 delta_ends: timestamp with time zone[]
-- $10 bound_0: numeric
-- $11 limit: bigint

/* analytics.group_series */
WITH scanned AS
(SELECT CASE WHEN (nullif(rollup.platform, '') IS NULL OR nullif(rollup.platform, '') = ANY ($2::TEXT[])) THEN nullif(rollup.platform, '') END AS platform, CASE WHEN (nullif(rollup.platform, '') IS NULL OR nullif(rollup.platform, '') = ANY ($2::TEXT[])) THEN false ELSE true END AS platform_others, width_bucket(rollup.bucket, (SELECT CAST($3::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9
FROM (VALUES (($4::TEXT[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1], ($6::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $7::VARCHAR AND rollup.grain = part.grain AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.campaign_id = ($8::UUID[])[1]
UNION ALL
SELECT CASE WHEN (nullif(delta.platform, '') IS NULL OR nullif(delta.platform, '') = ANY ($2::TEXT[])) THEN nullif(delta.platform, '') END AS platform, CASE WHEN (nullif(delta.platform, '') IS NULL OR nullif(delta.platform, '') = ANY ($2::TEXT[])) THEN false ELSE true END AS platform_others, width_bucket(delta.occurred_at, (SELECT CAST($3::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9
FROM (VALUES (($9::TIMESTAMP WITH TIME ZONE[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.campaign_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.campaign_id = ($8::UUID[])[1])
SELECT scanned.platform, scanned.platform_others, scanned.bucket, sum(scanned.orders_e9) AS orders_e9, (sum(scanned.orders_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1, 2, 3;
-- $1 tenant: uuid
-- $2 top_platform: text[]
-- $3 edges: text
-- $4 part_grains: text[]
-- $5 part_starts: timestamp with time zone[]
-- $6 part_ends: timestamp with time zone[]
-- $7 rollup_set: text
-- $8 parents: uuid[]
-- $9 delta_starts: timestamp with time zone[]
-- $10 delta_ends: timestamp with time zone[]
