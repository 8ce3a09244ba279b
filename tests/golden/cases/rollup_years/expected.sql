/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, rollup.gross_e9 AS gross_e9, rollup.purchases AS purchases
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2]), (($2::TEXT[])[3], ($3::TIMESTAMP WITH TIME ZONE[])[3], ($4::TIMESTAMP WITH TIME ZONE[])[3]), (($2::TEXT[])[4], ($3::TIMESTAMP WITH TIME ZONE[])[4], ($4::TIMESTAMP WITH TIME ZONE[])[4])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, delta.gross_e9 AS gross_e9, delta.purchases AS purchases
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end),
grouped AS
(SELECT scanned.campaign AS campaign, sum(scanned.gross_e9) AS gross_e9, CAST(sum(scanned.purchases) AS BIGINT) AS purchases
FROM scanned
GROUP BY 1
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.purchases) != 0)
SELECT valued.campaign, valued.gross_e9, valued.purchases, valued.term_0
FROM (SELECT grouped.campaign AS campaign, grouped.gross_e9 AS gross_e9, grouped.purchases AS purchases, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9 AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9 AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.campaign ASC NULLS LAST
LIMIT $8::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 limit: bigint
