/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2]), (($2::TEXT[])[3], ($3::TIMESTAMP WITH TIME ZONE[])[3], ($4::TIMESTAMP WITH TIME ZONE[])[3])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT credit.campaign_id AS campaign, coalesce(sum(credit.weight_booked), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND (credit.occurred_at >= ($8::TIMESTAMP WITH TIME ZONE[])[1] AND credit.occurred_at < ($9::TIMESTAMP WITH TIME ZONE[])[1] OR credit.occurred_at >= ($8::TIMESTAMP WITH TIME ZONE[])[2] AND credit.occurred_at < ($9::TIMESTAMP WITH TIME ZONE[])[2]) AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.campaign AS campaign, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0)
SELECT valued.campaign, valued.orders_e9, valued.term_0
FROM (SELECT grouped.campaign AS campaign, grouped.orders_e9 AS orders_e9, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
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
-- $8 rest_starts: timestamp with time zone[]
-- $9 rest_ends: timestamp with time zone[]
-- $10 limit: bigint
