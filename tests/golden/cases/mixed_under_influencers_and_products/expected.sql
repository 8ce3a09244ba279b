/* analytics.totals */
WITH scanned AS
(SELECT rollup.clicks AS clicks, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.campaign_id = '00000000-0000-0000-0000-000000000000'::uuid AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.influencer_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.influencer_id = ($6::UUID[])[1]
UNION ALL
SELECT delta.clicks AS clicks, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.influencer_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.influencer_id = ($6::UUID[])[1])
SELECT CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 parents: uuid[]
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1]), (($2::TEXT[])[2], ($3::TIMESTAMP WITH TIME ZONE[])[2], ($4::TIMESTAMP WITH TIME ZONE[])[2])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end AND rollup.influencer_id != '00000000-0000-0000-0000-000000000000'::uuid AND rollup.influencer_id = ($6::UUID[])[1]
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9
FROM (VALUES (($7::TIMESTAMP WITH TIME ZONE[])[1], ($8::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end AND delta.influencer_id != '00000000-0000-0000-0000-000000000000'::uuid AND delta.influencer_id = ($6::UUID[])[1]),
grouped AS
(SELECT scanned.campaign AS campaign, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT valued.campaign, valued.gross_e9_combined, valued.term_0
FROM (SELECT grouped.campaign AS campaign, grouped.gross_e9_combined AS gross_e9_combined, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9_combined AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.campaign ASC NULLS LAST
LIMIT $9::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 parents: uuid[]
-- $7 delta_starts: timestamp with time zone[]
-- $8 delta_ends: timestamp with time zone[]
-- $9 limit: bigint

/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(line.quantity) FILTER (WHERE line.kind = 'ITEM'), 0) * 1000000000::bigint AS units_e9, coalesce(sum(line.amount_base_minor), 0) * 1000000000::bigint AS gross_e9, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM order_lines AS line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND line.product_id IS NOT NULL AND line.product_id = ANY ($4::UUID[])
UNION ALL
SELECT 0 AS units_e9, 0 AS gross_e9, coalesce(sum(refund_line.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM') AND refund_line.product_id IS NOT NULL AND refund_line.product_id = ANY ($4::UUID[])
UNION ALL
SELECT 0 AS units_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND adjustment.product_id IS NOT NULL AND adjustment.product_id = ANY ($4::UUID[])
UNION ALL
SELECT 0 AS units_e9, 0 AS gross_e9, 0 AS refunds_e9, coalesce(sum(part.amount_base_minor) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(part.amount_base_minor) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(part.amount_base_minor) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(part.amount_base_minor) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-part.amount_base_minor) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed
FROM commission_lines AS part
JOIN LATERAL (SELECT of_part.id AS id, of_part.state AS state, of_part.influencer_id AS influencer_id, of_part.campaign_id AS campaign_id, of_part.code AS code, of_part.currency AS currency, of_part.amount_minor AS amount_minor, of_part.amount_base_minor AS amount_base_minor, of_part.order_id AS order_id
FROM commissions AS of_part
WHERE of_part.tenant_id = $1 AND of_part.id = part.commission_id
LIMIT ALL OFFSET 0) AS commission ON true
WHERE part.tenant_id = $1 AND part.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND part.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND part.product_id IS NOT NULL AND part.product_id = ANY ($4::UUID[]))
SELECT sum(scanned.units_e9) AS units_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 parents: uuid[]

/* analytics.groups */
WITH scanned AS
(SELECT customer.country AS country, coalesce(sum(customer.weight), 0) AS orders_e9, 0 AS units_e9
FROM (SELECT chosen.country AS country, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT DISTINCT credit.country AS country, credit.id AS id, 1000000000::bigint AS weight, credit.customer_id AS customer_id
FROM (SELECT line.order_id AS order_id, line.product_id AS product_id
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND line.kind = 'ITEM'
GROUP BY line.order_id, line.product_id
HAVING count(*) FILTER (WHERE NOT line.is_reversal) > count(*) FILTER (WHERE line.is_reversal)) AS item
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.occurred_at AS occurred_at, of_order.id AS id, of_order.customer_id AS customer_id, of_order.country AS country
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = item.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE item.product_id IS NOT NULL AND item.product_id = ANY ($4::UUID[])) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1
UNION ALL
SELECT credit.country AS country, 0 AS orders_e9, coalesce(sum(line.quantity), 0) * 1000000000::bigint AS units_e9
FROM order_lines AS line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.country AS country
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE line.tenant_id = $1 AND line.kind = 'ITEM' AND line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND line.product_id IS NOT NULL AND line.product_id = ANY ($4::UUID[])
GROUP BY 1),
grouped AS
(SELECT scanned.country AS country, sum(scanned.orders_e9) AS orders_e9, sum(scanned.units_e9) AS units_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.units_e9) != 0)
SELECT grouped.country, grouped.orders_e9, grouped.units_e9
FROM grouped
ORDER BY grouped.country COLLATE "C" ASC NULLS LAST
LIMIT $5::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 parents: uuid[]
-- $5 limit: bigint
