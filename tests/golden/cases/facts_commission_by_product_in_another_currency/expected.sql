/* analytics.totals */
WITH scanned AS
(SELECT coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-price.amount) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed
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
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $7::TIMESTAMP WITH TIME ZONE)
SELECT (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned;
-- $1 tenant: uuid
-- $2 minors: numeric
-- $3 currency_minors: numeric[]
-- $4 currencies: text[]
-- $5 currency: text
-- $6 range_start: timestamp with time zone
-- $7 range_end: timestamp with time zone

/* analytics.groups */
WITH scanned AS
(SELECT part.product_id AS product, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(price.amount) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-price.amount) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed
FROM commissions AS commission
JOIN LATERAL (SELECT of_whole.product_id AS product_id, of_whole.amount_minor AS amount_minor, of_whole.occurred_at AS occurred_at, sum(of_whole.amount_minor) OVER (ORDER BY of_whole.id) - of_whole.amount_minor AS before_minor
FROM commission_lines AS of_whole
WHERE of_whole.tenant_id = $1 AND of_whole.commission_id = commission.id
LIMIT ALL OFFSET 0) AS part ON true
LEFT OUTER JOIN LATERAL (SELECT ordered.occurred_at AS occurred_at
FROM orders AS ordered
WHERE ordered.tenant_id = $1 AND ordered.id = commission.order_id
LIMIT ALL OFFSET 0) AS commissioned ON true
LEFT OUTER JOIN LATERAL (SELECT CASE WHEN known.is_inverse THEN $2::NUMERIC ELSE known.rate * $2::NUMERIC END AS up, CASE WHEN known.is_inverse THEN known.rate * coalesce(($3::NUMERIC[])[array_position($4::TEXT[], commission.currency)], 100::numeric) ELSE coalesce(($3::NUMERIC[])[array_position($4::TEXT[], commission.currency)], 100::numeric) END AS down
FROM (SELECT published.day AS day, published.rate AS rate, published.base = $5::VARCHAR AS is_inverse, false AS is_own, NULL::uuid AS id
FROM exchange_rates AS published
WHERE (published.base = commission.currency AND published.quote = $5::VARCHAR OR published.base = $5::VARCHAR AND published.quote = commission.currency) AND published.day >= CAST(timezone('UTC', coalesce(commissioned.occurred_at, part.occurred_at)) AS DATE) - 7 AND published.day <= CAST(timezone('UTC', coalesce(commissioned.occurred_at, part.occurred_at)) AS DATE)
UNION ALL
SELECT own.day AS day, own.rate AS rate, own.base = $5::VARCHAR AS is_inverse, true AS is_own, own.id AS id
FROM own_rates AS own
WHERE (own.base = commission.currency AND own.quote = $5::VARCHAR OR own.base = $5::VARCHAR AND own.quote = commission.currency) AND own.day >= CAST(timezone('UTC', coalesce(commissioned.occurred_at, part.occurred_at)) AS DATE) - 7 AND own.day <= CAST(timezone('UTC', coalesce(commissioned.occurred_at, part.occurred_at)) AS DATE) AND own.tenant_id = $1) AS known
ORDER BY known.day DESC, known.is_own DESC, known.is_inverse, known.id DESC
LIMIT 1 OFFSET 0) AS rate ON true
JOIN LATERAL (SELECT CASE WHEN (commission.currency = $5::VARCHAR) THEN CAST(part.amount_minor AS NUMERIC) WHEN (rate.down IS NOT NULL) THEN CASE WHEN (rate.down = 0) THEN NULL WHEN (mod((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down) = 0) THEN div((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down) ELSE div((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down) + CASE WHEN (2 * abs(mod((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down)) = abs(rate.down) AND mod(div((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up, rate.down), 2) != 0) THEN sign((part.before_minor + CAST(part.amount_minor AS NUMERIC)) * rate.up) * sign(rate.down) ELSE 0 END END - CASE WHEN (rate.down = 0) THEN NULL WHEN (mod(part.before_minor * rate.up, rate.down) = 0) THEN div(part.before_minor * rate.up, rate.down) ELSE div(part.before_minor * rate.up, rate.down) + CASE WHEN (2 * abs(mod(part.before_minor * rate.up, rate.down)) > abs(rate.down) OR 2 * abs(mod(part.before_minor * rate.up, rate.down)) = abs(rate.down) AND mod(div(part.before_minor * rate.up, rate.down), 2) != 0) THEN sign(part.before_minor * rate.up) * sign(rate.down) ELSE 0 END END END AS amount) AS price ON true
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $6::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $7::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.product AS product, (sum(scanned.commission_pending) + sum(scanned.commission_held) + sum(scanned.commission_approved) + sum(scanned.commission_paid)) - sum(scanned.commission_reversed) AS commission_pending_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0)
SELECT valued.product, valued.commission_pending_combined, valued.term_0
FROM (SELECT grouped.product AS product, grouped.commission_pending_combined AS commission_pending_combined, CAST(grouped.commission_pending_combined AS NUMERIC) AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.product ASC NULLS LAST
LIMIT $8::BIGINT;
-- $1 tenant: uuid
-- $2 minors: numeric
-- $3 currency_minors: numeric[]
-- $4 currencies: text[]
-- $5 currency: text
-- $6 range_start: timestamp with time zone
-- $7 range_end: timestamp with time zone
-- $8 limit: bigint
