/* analytics.groups */
WITH scanned AS
(SELECT customer.day_of_week AS day_of_week, coalesce(sum(customer.weight), 0) AS orders_e9, count(customer.customer_id) FILTER (WHERE (SELECT min(earlier.occurred_at) AS min_1
FROM credits AS earlier
WHERE earlier.tenant_id = $1 AND earlier.customer_id = customer.customer_id) >= $2::TIMESTAMP WITH TIME ZONE AND CAST(mod((CAST(floor(EXTRACT(epoch FROM (SELECT min(earlier.occurred_at) AS min_1
FROM credits AS earlier
WHERE earlier.tenant_id = $1 AND earlier.customer_id = customer.customer_id))) AS BIGINT) + ($3::BIGINT[])[width_bucket((SELECT min(earlier.occurred_at) AS min_1
FROM credits AS earlier
WHERE earlier.tenant_id = $1 AND earlier.customer_id = customer.customer_id), $4::TIMESTAMP WITH TIME ZONE[])] + 60480000000::bigint) / 86400 + 3, 7) + 1 AS INTEGER) = customer.day_of_week) AS new_customers
FROM (SELECT chosen.day_of_week AS day_of_week, chosen.customer_id AS customer_id, sum(chosen.weight) AS weight
FROM (SELECT CAST(mod((CAST(floor(EXTRACT(epoch FROM credit.occurred_at)) AS BIGINT) + ($3::BIGINT[])[width_bucket(credit.occurred_at, $4::TIMESTAMP WITH TIME ZONE[])] + 60480000000::bigint) / 86400 + 3, 7) + 1 AS INTEGER) AS day_of_week, 1000000000::bigint AS weight, credit.customer_id AS customer_id
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.position = 0 AND credit.superseded_at >= 'infinity'::timestamptz) AS chosen
GROUP BY 1, 2) AS customer
GROUP BY 1),
grouped AS
(SELECT scanned.day_of_week AS day_of_week, sum(scanned.orders_e9) AS orders_e9, CAST(sum(scanned.new_customers) AS BIGINT) AS new_customers
FROM scanned
GROUP BY 1
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.new_customers) != 0)
SELECT grouped.day_of_week, grouped.orders_e9, grouped.new_customers
FROM grouped
ORDER BY grouped.day_of_week ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 offsets: bigint[]
-- $4 offset_starts: timestamp with time zone[]
-- $5 range_end: timestamp with time zone
-- $6 limit: bigint
