/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances, rollup.orders_e9 AS orders_e9
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1]), (($3::TEXT[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2], ($5::TIMESTAMP WITH TIME ZONE[])[2]), (($3::TEXT[])[3], ($4::TIMESTAMP WITH TIME ZONE[])[3], ($5::TIMESTAMP WITH TIME ZONE[])[3])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances, delta.orders_e9 AS orders_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(instance.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, count(*) AS instances, 0 AS orders_e9
FROM instances AS instance
WHERE instance.tenant_id = $1 AND (instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[1] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[1] OR instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[2] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[2]) AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_4)) AS bucket, 0 AS instances, coalesce(sum(1000000000::bigint), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND (credit.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[1] AND credit.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[1] OR credit.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[2] AND credit.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[2]) AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.orders_e9) AS orders_e9, (sum(scanned.instances) != 0 OR sum(scanned.orders_e9) != 0) IS true AS known
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
-- $9 rest_starts: timestamp with time zone[]
-- $10 rest_ends: timestamp with time zone[]
