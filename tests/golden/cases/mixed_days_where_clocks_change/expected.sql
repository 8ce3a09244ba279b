/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY GROUPING SETS((scanned.bucket), ());
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
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

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY GROUPING SETS((scanned.bucket), ());
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1]), (($3::TEXT[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2], ($5::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1]), (($7::TIMESTAMP WITH TIME ZONE[])[2], ($8::TIMESTAMP WITH TIME ZONE[])[2])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(instance.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, count(*) AS instances
FROM instances AS instance
WHERE instance.tenant_id = $1 AND (instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[1] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[1] OR instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[2] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[2]) AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY GROUPING SETS((scanned.bucket), ());
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

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1]), (($3::TEXT[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2], ($5::TIMESTAMP WITH TIME ZONE[])[2]), (($3::TEXT[])[3], ($4::TIMESTAMP WITH TIME ZONE[])[3], ($5::TIMESTAMP WITH TIME ZONE[])[3])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1]), (($7::TIMESTAMP WITH TIME ZONE[])[2], ($8::TIMESTAMP WITH TIME ZONE[])[2]), (($7::TIMESTAMP WITH TIME ZONE[])[3], ($8::TIMESTAMP WITH TIME ZONE[])[3])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(instance.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, count(*) AS instances
FROM instances AS instance
WHERE instance.tenant_id = $1 AND (instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[1] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[1] OR instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[2] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[2] OR instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[3] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[3] OR instance.occurred_at >= ($9::TIMESTAMP WITH TIME ZONE[])[4] AND instance.occurred_at < ($10::TIMESTAMP WITH TIME ZONE[])[4]) AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY GROUPING SETS((scanned.bucket), ());
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

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, rollup.instances AS instances
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, delta.instances AS instances
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT scanned.bucket, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.instances) != 0) IS true AS known
FROM scanned
GROUP BY GROUPING SETS((scanned.bucket), ());
-- $1 tenant: uuid
-- $2 edges: text
-- $3 part_grains: text[]
-- $4 part_starts: timestamp with time zone[]
-- $5 part_ends: timestamp with time zone[]
-- $6 rollup_set: text
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
