/* analytics.groups */
WITH scanned AS
(SELECT line.product_id AS product, coalesce(sum(line.quantity) FILTER (WHERE line.kind = 'ITEM'), 0) * 1000000000::bigint AS units_e9, coalesce(sum(line.amount_base_minor), 0) * 1000000000::bigint AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT refund_line.product_id AS product, 0 AS units_e9, 0 AS gross_e9, coalesce(sum(refund_line.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT adjustment.product_id AS product, 0 AS units_e9, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.product AS product, sum(scanned.units_e9) AS units_e9, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.units_e9) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT valued.product, valued.units_e9, valued.gross_e9_combined, valued.term_0
FROM (SELECT grouped.product AS product, grouped.units_e9 AS units_e9, grouped.gross_e9_combined AS gross_e9_combined, CAST(grouped.units_e9 AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.product ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
