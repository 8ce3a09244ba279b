/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, rollup.orders_e9 AS orders_e9_1, rollup.gross_e9 AS gross_e9_1, rollup.refunds_e9 AS refunds_e9_1
FROM (VALUES (($8::TEXT[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1]), (($8::TEXT[])[2], ($9::TIMESTAMP WITH TIME ZONE[])[2], ($10::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $11::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, delta.orders_e9 AS orders_e9_1, delta.gross_e9 AS gross_e9_1, delta.refunds_e9 AS refunds_e9_1
FROM (VALUES (($12::TIMESTAMP WITH TIME ZONE[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.orders_e9_1) AS orders_e9_1, sum(scanned.gross_e9_1) - sum(scanned.refunds_e9_1) AS gross_e9_combined_1
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 part_grains_1: text[]
-- $9 part_starts_1: timestamp with time zone[]
-- $10 part_ends_1: timestamp with time zone[]
-- $11 rollup_set_1: text
-- $12 delta_starts_1: timestamp with time zone[]
-- $13 delta_ends_1: timestamp with time zone[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT ($9::INTEGER[])[width_bucket(rollup.bucket, (SELECT CAST($10::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3))] AS bucket, 0 AS orders_e9, rollup.orders_e9 AS orders_e9_1
FROM (VALUES (($11::TEXT[])[1], ($12::TIMESTAMP WITH TIME ZONE[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1]), (($11::TEXT[])[2], ($12::TIMESTAMP WITH TIME ZONE[])[2], ($13::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $14::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT ($9::INTEGER[])[width_bucket(delta.occurred_at, (SELECT CAST($10::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4))] AS bucket, 0 AS orders_e9, delta.orders_e9 AS orders_e9_1
FROM (VALUES (($15::TIMESTAMP WITH TIME ZONE[])[1], ($16::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
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
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 aligned_1: integer[]
-- $10 edges_1: text
-- $11 part_grains_1: text[]
-- $12 part_starts_1: timestamp with time zone[]
-- $13 part_ends_1: timestamp with time zone[]
-- $14 rollup_set_1: text
-- $15 delta_starts_1: timestamp with time zone[]
-- $16 delta_ends_1: timestamp with time zone[]

/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, 0 AS orders_e9_1, 0 AS gross_e9_1, 0 AS refunds_e9_1
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, rollup.orders_e9 AS orders_e9_1, rollup.gross_e9 AS gross_e9_1, rollup.refunds_e9 AS refunds_e9_1
FROM (VALUES (($8::TEXT[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $11::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, delta.orders_e9 AS orders_e9_1, delta.gross_e9 AS gross_e9_1, delta.refunds_e9 AS refunds_e9_1
FROM (VALUES (($12::TIMESTAMP WITH TIME ZONE[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.orders_e9_1) AS orders_e9_1, sum(scanned.gross_e9_1) - sum(scanned.refunds_e9_1) AS gross_e9_combined_1
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 part_grains_1: text[]
-- $9 part_starts_1: timestamp with time zone[]
-- $10 part_ends_1: timestamp with time zone[]
-- $11 rollup_set_1: text
-- $12 delta_starts_1: timestamp with time zone[]
-- $13 delta_ends_1: timestamp with time zone[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.orders_e9 AS orders_e9, 0 AS orders_e9_1
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT ($9::INTEGER[])[width_bucket(rollup.bucket, (SELECT CAST($10::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3))] AS bucket, 0 AS orders_e9, rollup.orders_e9 AS orders_e9_1
FROM (VALUES (($11::TEXT[])[1], ($12::TIMESTAMP WITH TIME ZONE[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $14::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT ($9::INTEGER[])[width_bucket(delta.occurred_at, (SELECT CAST($10::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4))] AS bucket, 0 AS orders_e9, delta.orders_e9 AS orders_e9_1
FROM (VALUES (($15::TIMESTAMP WITH TIME ZONE[])[1], ($16::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
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
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 aligned_1: integer[]
-- $10 edges_1: text
-- $11 part_grains_1: text[]
-- $12 part_starts_1: timestamp with time zone[]
-- $13 part_ends_1: timestamp with time zone[]
-- $14 rollup_set_1: text
-- $15 delta_starts_1: timestamp with time zone[]
-- $16 delta_ends_1: timestamp with time zone[]
