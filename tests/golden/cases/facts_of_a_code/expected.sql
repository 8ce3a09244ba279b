/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND (credit.code IS NULL OR credit.code IS NOT NULL AND credit.code = ANY ($4::TEXT[])) AND NOT (credit.country IS NOT NULL AND credit.country = ANY ($5::TEXT[]))
UNION ALL
SELECT 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND (credit.code IS NULL OR credit.code IS NOT NULL AND credit.code = ANY ($4::TEXT[])) AND NOT (credit.country IS NOT NULL AND credit.country = ANY ($5::TEXT[]))
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.code AS code, of_order.country AS country
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_booked > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM') AND (credit.code IS NULL OR credit.code IS NOT NULL AND credit.code = ANY ($4::TEXT[])) AND NOT (credit.country IS NOT NULL AND credit.country = ANY ($5::TEXT[]))
UNION ALL
SELECT 0 AS orders_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND (true OR false) AND NOT (adjustment.country IS NOT NULL AND adjustment.country = ANY ($5::TEXT[])))
SELECT sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 in_0: text[]
-- $5 in_1: text[]
