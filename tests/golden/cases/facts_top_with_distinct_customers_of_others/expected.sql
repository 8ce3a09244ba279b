/* analytics.totals */
WITH scanned AS
(SELECT count(customer.customer_id) AS customers
FROM (SELECT chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT 1000000000::bigint AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1) AS customer)
SELECT CAST(sum(scanned.customers) AS BIGINT) AS customers
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone

/* analytics.top */
WITH scanned AS
(SELECT customer.influencer AS influencer, count(customer.customer_id) AS customers
FROM (SELECT chosen.influencer AS influencer, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.influencer_id AS influencer, credit.weight_booked AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1),
grouped AS
(SELECT scanned.influencer AS influencer, CAST(sum(scanned.customers) AS BIGINT) AS customers
FROM scanned
GROUP BY 1
HAVING sum(scanned.customers) != 0),
fitting AS
(SELECT valued.influencer AS influencer, valued.customers AS customers, valued.term_0 AS term_0
FROM (SELECT grouped.influencer AS influencer, grouped.customers AS customers, CAST(grouped.customers AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE valued.influencer IS NOT NULL)
SELECT fitting.influencer, fitting.customers, fitting.term_0
FROM fitting
ORDER BY fitting.term_0 DESC NULLS LAST, fitting.influencer ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT customer.influencer AS influencer, customer.influencer_others AS influencer_others, count(customer.customer_id) AS customers, count(customer.customer_id) FILTER (WHERE NOT (EXISTS (SELECT 1
FROM credits AS earlier
WHERE earlier.tenant_id = $1 AND earlier.customer_id = customer.customer_id AND earlier.occurred_at < $2::TIMESTAMP WITH TIME ZONE))) AS new_customers
FROM (SELECT chosen.influencer AS influencer, chosen.influencer_others AS influencer_others, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT CASE WHEN (credit.influencer_id IS NULL OR credit.influencer_id = ANY ($3::UUID[])) THEN credit.influencer_id END AS influencer, CASE WHEN (credit.influencer_id IS NULL OR credit.influencer_id = ANY ($3::UUID[])) THEN false ELSE true END AS influencer_others, credit.weight_booked AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2, 3) AS customer
GROUP BY 1, 2),
grouped AS
(SELECT scanned.influencer AS influencer, scanned.influencer_others AS influencer_others, CAST(sum(scanned.customers) AS BIGINT) AS customers, CAST(sum(scanned.new_customers) AS BIGINT) AS new_customers
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.customers) != 0 OR sum(scanned.new_customers) != 0)
SELECT grouped.influencer, grouped.influencer_others, grouped.customers, grouped.new_customers
FROM grouped
ORDER BY grouped.influencer_others ASC NULLS LAST, grouped.influencer ASC NULLS LAST
LIMIT $5::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 top_influencer: uuid[]
-- $4 range_end: timestamp with time zone
-- $5 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT customer.influencer AS influencer, count(customer.customer_id) AS customers, count(customer.customer_id) FILTER (WHERE NOT (EXISTS (SELECT 1
FROM credits AS earlier
WHERE earlier.tenant_id = $1 AND earlier.customer_id = customer.customer_id AND earlier.occurred_at < $2::TIMESTAMP WITH TIME ZONE))) AS new_customers
FROM (SELECT chosen.influencer AS influencer, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT credit.influencer_id AS influencer, credit.weight_booked AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1),
grouped AS
(SELECT scanned.influencer AS influencer, CAST(sum(scanned.customers) AS BIGINT) AS customers, CAST(sum(scanned.new_customers) AS BIGINT) AS new_customers
FROM scanned
GROUP BY 1
HAVING sum(scanned.customers) != 0 OR sum(scanned.new_customers) != 0)
SELECT grouped.influencer, grouped.customers, grouped.new_customers
FROM grouped
ORDER BY grouped.influencer ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
