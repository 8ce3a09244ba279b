/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.orders_e9 AS orders_e9, 0 AS gross_e9_1, 0 AS refunds_e9_1, 0 AS orders_e9_1
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, delta.orders_e9 AS orders_e9, 0 AS gross_e9_1, 0 AS refunds_e9_1, 0 AS orders_e9_1
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, 0 AS orders_e9, rollup.gross_e9 AS gross_e9_1, rollup.refunds_e9 AS refunds_e9_1, rollup.orders_e9 AS orders_e9_1
FROM (VALUES (($8::TEXT[])[1], ($9::TIMESTAMP WITH TIME ZONE[])[1], ($10::TIMESTAMP WITH TIME ZONE[])[1]), (($8::TEXT[])[2], ($9::TIMESTAMP WITH TIME ZONE[])[2], ($10::TIMESTAMP WITH TIME ZONE[])[2]), (($8::TEXT[])[3], ($9::TIMESTAMP WITH TIME ZONE[])[3], ($10::TIMESTAMP WITH TIME ZONE[])[3])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $11::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, 0 AS orders_e9, delta.gross_e9 AS gross_e9_1, delta.refunds_e9 AS refunds_e9_1, delta.orders_e9 AS orders_e9_1
FROM (VALUES (($12::TIMESTAMP WITH TIME ZONE[])[1], ($13::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9_1) - sum(scanned.refunds_e9_1) AS gross_e9_combined_1, sum(scanned.orders_e9_1) AS orders_e9_1
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
