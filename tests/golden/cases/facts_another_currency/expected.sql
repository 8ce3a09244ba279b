/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(CAST(price.amount AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed, 0 AS spend, count(*) FILTER (WHERE price.amount IS NULL) AS missing_rates, 0 AS missing_spend_rates
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], line.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], line.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = line.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = line.currency) AND published.day >= CAST(timezone('UTC', line.occurred_at) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', line.occurred_at) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = line.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = line.currency) AND own.day >= CAST(timezone('UTC', line.occurred_at) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', line.occurred_at) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (line.currency = $5::VARCHAR) THEN CAST(line.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down) = 0) THEN div(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down) ELSE div(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down) + CASE WHEN (2 * abs(mod(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down)) = abs(rate.down) AND mod(div(CAST(line.amount_minor AS NUMERIC) * rate.up, rate.down), 2) != 0) THEN sign(CAST(line.amount_minor AS NUMERIC) * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $7::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
UNION ALL
SELECT 0 AS gross_e9, coalesce(sum(CAST(price.amount AS NUMERIC) * credit.weight_booked), 0) AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed, 0 AS spend, count(*) FILTER (WHERE price.amount IS NULL) AS missing_rates, 0 AS missing_spend_rates
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.occurred_at AS occurred_at
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_booked > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], refund_line.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], refund_line.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = refund_line.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = refund_line.currency) AND published.day >= CAST(timezone('UTC', credit.occurred_at) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', credit.occurred_at) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = refund_line.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = refund_line.currency) AND own.day >= CAST(timezone('UTC', credit.occurred_at) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', credit.occurred_at) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (refund_line.currency = $5::VARCHAR) THEN CAST(refund_line.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down) = 0) THEN div(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down) ELSE div(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down) + CASE WHEN (2 * abs(mod(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down)) = abs(rate.down) AND mod(div(CAST(refund_line.amount_minor AS NUMERIC) * rate.up, rate.down), 2) != 0) THEN sign(CAST(refund_line.amount_minor AS NUMERIC) * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $7::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
UNION ALL
SELECT 0 AS gross_e9, coalesce(sum(price.amount), 0) * 1000000000::bigint AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed, 0 AS spend, count(*) FILTER (WHERE price.amount IS NULL) AS missing_rates, 0 AS missing_spend_rates
FROM adjustments AS adjustment
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], adjustment.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], adjustment.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = adjustment.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = adjustment.currency) AND published.day >= CAST(timezone('UTC', adjustment.occurred_at) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', adjustment.occurred_at) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = adjustment.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = adjustment.currency) AND own.day >= CAST(timezone('UTC', adjustment.occurred_at) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', adjustment.occurred_at) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (adjustment.currency = $5::VARCHAR) THEN CAST(adjustment.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down) = 0) THEN div(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down) ELSE div(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down) + CASE WHEN (2 * abs(mod(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down)) = abs(rate.down) AND mod(div(CAST(adjustment.amount_minor AS NUMERIC) * rate.up, rate.down), 2) != 0) THEN sign(CAST(adjustment.amount_minor AS NUMERIC) * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $7::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-price.amount) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed, 0 AS spend, count(*) FILTER (WHERE price.amount IS NULL) AS missing_rates, 0 AS missing_spend_rates
FROM commissions AS commission
LEFT OUTER JOIN LATERAL (SELECT ordered.occurred_at AS occurred_at
FROM orders AS ordered
WHERE ordered.tenant_id = $1 AND ordered.id = commission.order_id
LIMIT ALL OFFSET 0) AS commissioned ON true
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], commission.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], commission.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = commission.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = commission.currency) AND published.day >= CAST(timezone('UTC', coalesce(commissioned.occurred_at, commission.occurred_at)) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', coalesce(commissioned.occurred_at, commission.occurred_at)) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = commission.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = commission.currency) AND own.day >= CAST(timezone('UTC', coalesce(commissioned.occurred_at, commission.occurred_at)) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', coalesce(commissioned.occurred_at, commission.occurred_at)) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (commission.currency = $5::VARCHAR) THEN CAST(commission.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down) = 0) THEN div(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down) ELSE div(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down) + CASE WHEN (2 * abs(mod(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down)) = abs(rate.down) AND mod(div(CAST(commission.amount_minor AS NUMERIC) * rate.up, rate.down), 2) != 0) THEN sign(CAST(commission.amount_minor AS NUMERIC) * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $7::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS gross_e9, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid, 0 AS commission_reversed, coalesce(sum(price.amount), 0) AS spend, 0 AS missing_rates, count(*) FILTER (WHERE price.amount IS NULL) AS missing_spend_rates
FROM spend AS spent
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], spent.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], spent.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = spent.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = spent.currency) AND published.day >= CAST(timezone('UTC', spent.occurred_at) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', spent.occurred_at) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = spent.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = spent.currency) AND own.day >= CAST(timezone('UTC', spent.occurred_at) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', spent.occurred_at) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (spent.currency = $5::VARCHAR) THEN CAST(spent.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down) = 0) THEN div(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down) ELSE div(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down) + CASE WHEN (2 * abs(mod(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down)) = abs(rate.down) AND mod(div(CAST(spent.amount_minor AS NUMERIC) * rate.up, rate.down), 2) != 0) THEN sign(CAST(spent.amount_minor AS NUMERIC) * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE spent.tenant_id = $1 AND spent.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND spent.occurred_at < $7::TIMESTAMP WITH TIME ZONE)
SELECT sum(scanned.gross_e9) AS gross_e9, sum(scanned.refunds_e9) AS refunds_e9, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined, sum(scanned.spend) AS spend, CAST(sum(scanned.missing_rates) AS BIGINT) AS missing_rates, CAST(sum(scanned.missing_spend_rates) AS BIGINT) AS missing_spend_rates
FROM scanned;
-- $1 tenant: uuid
-- $2 minors: numeric
-- $3 currency_minors: numeric[]
-- $4 currencies: text[]
-- $5 currency: text
-- $6 range_start: timestamp with time zone
-- $7 range_end: timestamp with time zone
