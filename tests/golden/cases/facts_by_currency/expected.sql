/* analytics.groups */
WITH scanned AS
(SELECT credit.currency AS currency, coalesce(sum(line.amount_minor), 0) * 1000000000::bigint AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.currency AS currency, 0 AS gross_e9, coalesce(sum(refund_line.amount_minor), 0) * 1000000000::bigint AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.currency AS currency
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.position = 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT adjustment.currency AS currency, 0 AS gross_e9, coalesce(sum(adjustment.amount_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $5::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.currency AS currency, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0)
SELECT valued.currency, valued.gross_e9_combined, valued.term_0
FROM (SELECT grouped.currency AS currency, grouped.gross_e9_combined AS gross_e9_combined, (CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9_combined AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END * 10000::numeric) / CAST(coalesce(($2::NUMERIC[])[array_position($3::TEXT[], grouped.currency)], 100::numeric) AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.currency COLLATE "C" ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 currency_minors: numeric[]
-- $3 currencies: text[]
-- $4 range_start: timestamp with time zone
-- $5 range_end: timestamp with time zone
-- $6 limit: bigint
