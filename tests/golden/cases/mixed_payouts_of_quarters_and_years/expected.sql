/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, 0 AS payouts, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed, rollup.missing_rates AS missing_rates, 0 AS missing_payout_rates
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS payouts, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed, delta.missing_rates AS missing_rates, 0 AS missing_payout_rates
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(paid.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, coalesce(sum(paid.amount_base_minor), 0) AS payouts, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed, 0 AS missing_rates, count(*) FILTER (WHERE paid.amount_base_minor IS NULL) AS missing_payout_rates
FROM payout_payments AS paid
WHERE paid.tenant_id = $1 AND paid.occurred_at >= $9::TIMESTAMP WITH TIME ZONE AND paid.occurred_at < $10::TIMESTAMP WITH TIME ZONE
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.payouts) AS payouts, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined, CAST(sum(scanned.missing_rates) AS BIGINT) AS missing_rates, CAST(sum(scanned.missing_payout_rates) AS BIGINT) AS missing_payout_rates, (sum(scanned.payouts) != 0 OR sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0) IS true AS known
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
-- $9 range_start: timestamp with time zone
-- $10 range_end: timestamp with time zone

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(rollup.bucket, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, 0 AS payouts, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed
FROM (VALUES (($3::TEXT[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1], ($5::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $6::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT width_bucket(delta.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS payouts, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT width_bucket(paid.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_3)) AS bucket, coalesce(sum(paid.amount_base_minor), 0) AS payouts, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM payout_payments AS paid
WHERE paid.tenant_id = $1 AND paid.occurred_at >= $9::TIMESTAMP WITH TIME ZONE AND paid.occurred_at < $10::TIMESTAMP WITH TIME ZONE
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.payouts) AS payouts, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined, (sum(scanned.payouts) != 0 OR sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0) IS true AS known
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
-- $9 range_start: timestamp with time zone
-- $10 range_end: timestamp with time zone

/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, 0 AS payouts, rollup.commission_paid AS commission_paid
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, 0 AS payouts, delta.commission_paid AS commission_paid
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT paid.influencer_id AS influencer, coalesce(sum(paid.amount_base_minor), 0) AS payouts, 0 AS commission_paid
FROM payout_payments AS paid
WHERE paid.tenant_id = $1 AND paid.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND paid.occurred_at < $9::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.influencer AS influencer, sum(scanned.payouts) AS payouts, sum(scanned.commission_paid) AS commission_paid
FROM scanned
GROUP BY 1
HAVING sum(scanned.payouts) != 0 OR sum(scanned.commission_paid) != 0)
SELECT valued.influencer, valued.payouts, valued.commission_paid, valued.term_0
FROM (SELECT grouped.influencer AS influencer, grouped.payouts AS payouts, grouped.commission_paid AS commission_paid, CAST(grouped.payouts AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.influencer ASC NULLS LAST
LIMIT $10::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 range_start: timestamp with time zone
-- $9 range_end: timestamp with time zone
-- $10 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT paid.currency AS currency, coalesce(sum(paid.amount_minor), 0) AS payouts
FROM payout_payments AS paid
WHERE paid.tenant_id = $1 AND paid.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND paid.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.currency AS currency, sum(scanned.payouts) AS payouts
FROM scanned
GROUP BY 1
HAVING sum(scanned.payouts) != 0)
SELECT grouped.currency, grouped.payouts
FROM grouped
ORDER BY grouped.currency COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
