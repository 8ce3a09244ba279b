/* analytics.series */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1
UNION ALL
SELECT width_bucket(line.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9, (sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 in_0: text[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1
UNION ALL
SELECT width_bucket(line.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9, (sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 in_0: text[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1
UNION ALL
SELECT width_bucket(line.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9, (sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 in_0: text[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1
UNION ALL
SELECT width_bucket(line.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9, (sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 in_0: text[]

/* analytics.series */
WITH scanned AS
(SELECT width_bucket(credit.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_1)) AS bucket, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS gross_e9
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1
UNION ALL
SELECT width_bucket(line.occurred_at, (SELECT CAST($2::VARCHAR AS TIMESTAMP WITH TIME ZONE[]) AS anon_2)) AS bucket, 0 AS orders_e9, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz AND credit.code IS NOT NULL AND credit.code = ANY ($5::TEXT[])
GROUP BY 1)
SELECT scanned.bucket, sum(scanned.orders_e9) AS orders_e9, sum(scanned.gross_e9) AS gross_e9, (sum(scanned.orders_e9) != 0 OR sum(scanned.gross_e9) != 0) IS true AS known
FROM scanned
GROUP BY 1;
-- $1 tenant: uuid
-- $2 edges: text
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 in_0: text[]
