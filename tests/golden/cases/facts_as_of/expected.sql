/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(1000000000::bigint), 0) AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.recorded_at <= $4::TIMESTAMP WITH TIME ZONE AND credit.superseded_at > $4::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS orders_e9, coalesce(sum(line.amount_base_minor), 0) * 1000000000::bigint AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND line.recorded_at <= $4::TIMESTAMP WITH TIME ZONE AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.recorded_at <= $4::TIMESTAMP WITH TIME ZONE AND credit.superseded_at > $4::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(refund_line.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.position = 0 AND of_order.recorded_at <= $4::TIMESTAMP WITH TIME ZONE AND of_order.superseded_at > $4::TIMESTAMP WITH TIME ZONE
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM') AND refund_line.recorded_at <= $4::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND adjustment.recorded_at <= $4::TIMESTAMP WITH TIME ZONE)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 as_of: timestamp with time zone

/* analytics.groups */
WITH scanned AS
(SELECT coalesce(passed.to_state, commission.state) AS commission_state, coalesce(sum(commission.amount_base_minor) FILTER (WHERE coalesce(passed.to_state, commission.state) = 'PENDING'), 0) AS commission_pending, coalesce(sum(commission.amount_base_minor) FILTER (WHERE coalesce(passed.to_state, commission.state) = 'HELD'), 0) AS commission_held, coalesce(sum(commission.amount_base_minor) FILTER (WHERE coalesce(passed.to_state, commission.state) = 'APPROVED'), 0) AS commission_approved, coalesce(sum(commission.amount_base_minor) FILTER (WHERE coalesce(passed.to_state, commission.state) = 'PAID'), 0) AS commission_paid, coalesce(sum(-commission.amount_base_minor) FILTER (WHERE coalesce(passed.to_state, commission.state) = 'REVERSED'), 0) AS commission_reversed
FROM commissions AS commission
LEFT OUTER JOIN LATERAL (SELECT event.to_state AS to_state
FROM commission_events AS event
WHERE event.tenant_id = $1 AND event.commission_id = commission.id AND event.recorded_at <= $2::TIMESTAMP WITH TIME ZONE
ORDER BY event.recorded_at DESC, event.id DESC
LIMIT 1 OFFSET 0) AS passed ON true
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND commission.recorded_at <= $2::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.commission_state AS commission_state, sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid) AS commission_pending_combined, sum(scanned.commission_reversed) AS commission_reversed
FROM scanned
GROUP BY 1
HAVING sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0)
SELECT grouped.commission_state, grouped.commission_pending_combined, grouped.commission_reversed
FROM grouped
ORDER BY grouped.commission_state COLLATE "C" ASC NULLS LAST
LIMIT $5::BIGINT;
-- $1 tenant: uuid
-- $2 as_of: timestamp with time zone
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 limit: bigint
