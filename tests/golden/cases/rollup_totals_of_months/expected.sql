/* analytics.totals */
WITH scanned AS
(SELECT rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.orders_e9 AS orders_e9, rollup.clicks AS clicks, rollup.purchases AS purchases, rollup.instances AS instances, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, delta.orders_e9 AS orders_e9, delta.clicks AS clicks, delta.purchases AS purchases, delta.instances AS instances, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, CAST(sum(scanned.purchases) AS BIGINT) AS purchases, CAST(sum(scanned.instances) AS BIGINT) AS instances, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
