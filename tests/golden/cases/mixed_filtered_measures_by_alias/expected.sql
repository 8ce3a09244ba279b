/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(rollup.bucket, (SELECT CAST($9::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, 0 AS orders_e9, rollup.orders_e9 AS orders_e9_1, rollup.gross_e9 AS gross_e9_1, rollup.refunds_e9 AS refunds_e9_1
FROM (VALUES (($10::TEXT[])[1], ($11::TIMESTAMP WITH TIME ZONE[])[1], ($12::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $13::VARCHAR AND rollup.grain = part.grain AND rollup.campaign_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.influencer_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.platform != '' AND rollup.platform = ($14::TEXT[])[1]
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($9::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4)) AS bucket, 0 AS orders_e9, delta.orders_e9 AS orders_e9_1, delta.gross_e9 AS gross_e9_1, delta.refunds_e9 AS refunds_e9_1
FROM (VALUES (($15::TIMESTAMP WITH TIME ZONE[])[1], ($16::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.platform != '' AND delta.platform = ($14::TEXT[])[1])
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.orders_e9_1) AS orders_e9_1, sum(scanned.gross_e9_1) - sum(scanned.refunds_e9_1) AS gross_e9_combined_1, (sum(scanned.orders_e9) != 0 OR sum(scanned.orders_e9_1) != 0 OR sum(scanned.gross_e9_1) != 0 OR sum(scanned.refunds_e9_1) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 edges_1: text
-- $10 part_grains_1: text[]
-- $11 part_starts_1: timestamp with time zone[]
-- $12 part_ends_1: timestamp with time zone[]
-- $13 rollup_set_1: text
-- $14 in_0: text[]
-- $15 delta_starts_1: timestamp with time zone[]
-- $16 delta_ends_1: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, rollup.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, delta.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT credit.campaign_id AS campaign, 0 AS orders_e9, coalesce(sum(credit.weight_booked), 0) AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $9::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL
GROUP BY 1),
grouped AS
(SELECT scanned.campaign AS campaign, sum(scanned.orders_e9) AS orders_e9, sum(scanned.orders_e9_1) AS orders_e9_1
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.orders_e9_1) != 0)
SELECT valued.campaign, valued.orders_e9, valued.orders_e9_1, valued.term_0
FROM (SELECT grouped.campaign AS campaign, grouped.orders_e9 AS orders_e9, grouped.orders_e9_1 AS orders_e9_1, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.campaign ASC NULLS LAST
LIMIT $10::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 range_start_1: timestamp with time zone
-- $9 range_end_1: timestamp with time zone
-- $10 limit: bigint
