/* analytics.totals */
WITH scanned AS
(SELECT rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.commission_pending) + sum(scanned.commission_held) AS commission_pending_combined, sum(scanned.commission_approved) + sum(scanned.commission_paid) AS commission_approved_combined, sum(scanned.commission_reversed) AS commission_reversed
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT commission.state AS commission_state, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-commission.amount_base_minor) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed
FROM commissions AS commission
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.commission_state AS commission_state, sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid) AS commission_pending_combined, sum(scanned.commission_reversed) AS commission_reversed
FROM scanned
GROUP BY 1
HAVING sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0)
SELECT grouped.commission_state, grouped.commission_pending_combined, grouped.commission_reversed
FROM grouped
ORDER BY grouped.commission_state COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
