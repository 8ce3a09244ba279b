/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(rollup.gross_e9), 0) AS gross_e9, coalesce(sum(rollup.refunds_e9), 0) AS refunds_e9, coalesce(sum(rollup.orders_e9), 0) AS orders_e9, coalesce(sum(rollup.clicks), 0) AS clicks, coalesce(sum(rollup.purchases), 0) AS purchases, coalesce(sum(rollup.instances), 0) AS instances, coalesce(sum(rollup.commission_pending), 0) AS commission_pending, coalesce(sum(rollup.commission_held), 0) AS commission_held, coalesce(sum(rollup.commission_approved), 0) AS commission_approved, coalesce(sum(rollup.commission_paid), 0) AS commission_paid, coalesce(sum(rollup.commission_reversed), 0) AS commission_reversed
FROM unnest($2::TEXT[], $3::TIMESTAMP WITH TIME ZONE[], $4::TIMESTAMP WITH TIME ZONE[]) AS part(grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT coalesce(sum(delta.gross_e9), 0) AS gross_e9, coalesce(sum(delta.refunds_e9), 0) AS refunds_e9, coalesce(sum(delta.orders_e9), 0) AS orders_e9, coalesce(sum(delta.clicks), 0) AS clicks, coalesce(sum(delta.purchases), 0) AS purchases, coalesce(sum(delta.instances), 0) AS instances, coalesce(sum(delta.commission_pending), 0) AS commission_pending, coalesce(sum(delta.commission_held), 0) AS commission_held, coalesce(sum(delta.commission_approved), 0) AS commission_approved, coalesce(sum(delta.commission_paid), 0) AS commission_paid, coalesce(sum(delta.commission_reversed), 0) AS commission_reversed
FROM unnest($6::TIMESTAMP WITH TIME ZONE[], $7::TIMESTAMP WITH TIME ZONE[]) AS span(span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.gross_e9) AS gross_e9, sum(scanned.refunds_e9) AS refunds_e9, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, CAST(sum(scanned.purchases) AS BIGINT) AS purchases, CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.commission_pending) AS commission_pending, sum(scanned.commission_held) AS commission_held, sum(scanned.commission_approved) AS commission_approved, sum(scanned.commission_paid) AS commission_paid, sum(scanned.commission_reversed) AS commission_reversed, (SELECT max(rollup_state.generation) AS max_1
FROM rollup_state
WHERE rollup_state.tenant_id = $1) AS generation
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
