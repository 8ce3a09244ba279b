/* analytics.groups */
WITH scanned AS
(SELECT commission.state AS commission_state, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'PENDING'), 0) AS commission_pending, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'HELD'), 0) AS commission_held, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'APPROVED'), 0) AS commission_approved, coalesce(sum(commission.amount_base_minor) FILTER (WHERE commission.state = 'PAID'), 0) AS commission_paid, coalesce(sum(-commission.amount_base_minor) FILTER (WHERE commission.state = 'REVERSED'), 0) AS commission_reversed
FROM commissions AS commission
WHERE commission.tenant_id = $1 AND commission.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND commission.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.commission_state AS commission_state, sum(scanned.commission_pending) AS commission_pending, sum(scanned.commission_held) AS commission_held, sum(scanned.commission_approved) AS commission_approved, sum(scanned.commission_paid) AS commission_paid, sum(scanned.commission_reversed) AS commission_reversed
FROM scanned
GROUP BY 1
HAVING sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0 OR sum(scanned.commission_reversed) != 0)
SELECT page.commission_state, page.commission_pending, page.commission_held, page.commission_approved, page.commission_paid, page.commission_reversed, counted.total
FROM (SELECT count(*) AS total
FROM grouped) AS counted
LEFT OUTER JOIN (SELECT grouped.commission_state AS commission_state, grouped.commission_pending AS commission_pending, grouped.commission_held AS commission_held, grouped.commission_approved AS commission_approved, grouped.commission_paid AS commission_paid, grouped.commission_reversed AS commission_reversed
FROM grouped
ORDER BY grouped.commission_state COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT) AS page ON true
ORDER BY page.commission_state COLLATE "C" ASC NULLS LAST;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, instance.channel AS channel, count(*) AS instances, 0 AS orders_e9
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1, 2
UNION ALL
SELECT credit.code AS code, credit.channel AS channel, 0 AS instances, coalesce(sum(credit.weight_booked), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1, 2),
grouped AS
(SELECT scanned.code AS code, scanned.channel AS channel, CAST(sum(scanned.instances) AS BIGINT) AS instances, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.instances) != 0 OR sum(scanned.orders_e9) != 0)
SELECT grouped.code, grouped.channel, grouped.instances, grouped.orders_e9
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST, grouped.channel COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT CASE WHEN (credit.customer_id IS NULL) THEN NULL::text WHEN (EXISTS (SELECT 1
FROM credits AS before
WHERE before.tenant_id = $1 AND before.customer_id = credit.customer_id AND before.occurred_at - credit.occurred_at < interval '0')) THEN 'RETURNING' ELSE 'NEW' END AS customer_kind, coalesce(sum(1000000000::bigint), 0) AS orders_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.customer_kind AS customer_kind, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0)
SELECT grouped.customer_kind, grouped.orders_e9
FROM grouped
ORDER BY grouped.customer_kind COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT item.product_id AS product, coalesce(sum(1000000000::bigint), 0) AS orders_e9
FROM credits AS credit
JOIN LATERAL (SELECT line.product_id AS product_id
FROM order_lines AS line
WHERE line.tenant_id = $1 AND line.order_id = credit.order_id AND line.kind = 'ITEM'
GROUP BY line.product_id
HAVING count(*) FILTER (WHERE NOT line.is_reversal) > count(*) FILTER (WHERE line.is_reversal)) AS item ON true
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.product AS product, sum(scanned.orders_e9) AS orders_e9
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0)
SELECT grouped.product, grouped.orders_e9
FROM grouped
ORDER BY grouped.product ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
