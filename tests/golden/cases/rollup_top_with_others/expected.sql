/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.top */
WITH scanned AS
(SELECT nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.influencer AS influencer, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0),
fitting AS
(SELECT valued.influencer AS influencer, valued.gross_e9_combined AS gross_e9_combined, valued.term_0 AS term_0
FROM (SELECT grouped.influencer AS influencer, grouped.gross_e9_combined AS gross_e9_combined, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9_combined AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued
WHERE valued.influencer IS NOT NULL)
SELECT fitting.influencer, fitting.gross_e9_combined, fitting.term_0
FROM fitting
ORDER BY fitting.term_0 DESC NULLS LAST, fitting.influencer ASC NULLS LAST
LIMIT $8::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT CASE WHEN (nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) IS NULL OR nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) = ANY ($2::UUID[])) THEN nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) END AS influencer, CASE WHEN (nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) IS NULL OR nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) = ANY ($2::UUID[])) THEN false ELSE true END AS influencer_others, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.orders_e9 AS orders_e9
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT CASE WHEN (nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) IS NULL OR nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) = ANY ($2::UUID[])) THEN nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) END AS influencer, CASE WHEN (nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) IS NULL OR nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) = ANY ($2::UUID[])) THEN false ELSE true END AS influencer_others, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, delta.orders_e9 AS orders_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.influencer AS influencer, scanned.influencer_others AS influencer_others, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0 OR sum(scanned.orders_e9) != 0)
SELECT ranked.influencer, ranked.influencer_others, ranked.gross_e9_combined, ranked.orders_e9, ranked.term_0, ranked.rank
FROM (SELECT valued.influencer AS influencer, valued.influencer_others AS influencer_others, valued.gross_e9_combined AS gross_e9_combined, valued.orders_e9 AS orders_e9, valued.term_0 AS term_0, row_number() OVER (ORDER BY valued.influencer_others ASC NULLS LAST, valued.term_0 DESC NULLS LAST, valued.influencer ASC NULLS LAST) AS rank
FROM (SELECT grouped.influencer AS influencer, grouped.influencer_others AS influencer_others, grouped.gross_e9_combined AS gross_e9_combined, grouped.orders_e9 AS orders_e9, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9_combined AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued) AS ranked
ORDER BY ranked.influencer_others ASC NULLS LAST, ranked.term_0 DESC NULLS LAST, ranked.influencer ASC NULLS LAST
LIMIT $9::BIGINT;
-- $1 tenant: uuid
-- $2 top_influencer: uuid[]
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint
