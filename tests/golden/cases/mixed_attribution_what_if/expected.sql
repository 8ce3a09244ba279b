/* analytics.totals */
WITH scanned AS
(SELECT rollup.orders_e9 AS orders_e9, rollup.gross_e9 AS gross_e9, rollup.refunds_e9 AS refunds_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.orders_e9 AS orders_e9, delta.gross_e9 AS gross_e9, delta.refunds_e9 AS refunds_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
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
(SELECT nullif(rollup.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid, rollup.commission_reversed AS commission_reversed
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.influencer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS influencer, 0 AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid, delta.commission_reversed AS commission_reversed
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT credit.influencer_id AS influencer, coalesce(sum(credit.weight_linear), 0) AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $9::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.influencer_id AS influencer, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS gross_e9, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $9::TIMESTAMP WITH TIME ZONE AND credit.weight_linear > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.influencer_id AS influencer, 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_linear), 0) AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_linear AS weight_linear, of_order.influencer_id AS influencer_id
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_linear > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $9::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS UUID) AS influencer, 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $9::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.influencer AS influencer, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0 OR sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0)
SELECT valued.influencer, valued.orders_e9, valued.gross_e9_combined, valued.commission_pending_combined, valued.term_0
FROM (SELECT grouped.influencer AS influencer, grouped.orders_e9 AS orders_e9, grouped.gross_e9_combined AS gross_e9_combined, grouped.commission_pending_combined AS commission_pending_combined, CAST(grouped.orders_e9 AS NUMERIC) AS term_0
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
