/* analytics.groups */
WITH scanned AS
(SELECT credit.code AS code, credit.platform AS platform, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1, 2
UNION ALL
SELECT credit.code AS code, credit.platform AS platform, 0 AS orders_e9, coalesce(sum(credit.weight_booked), 0) AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1, 2),
grouped AS
(SELECT scanned.code AS code, scanned.platform AS platform, sum(scanned.orders_e9) AS orders_e9, sum(scanned.orders_e9_1) AS orders_e9_1
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.orders_e9) != 0 OR sum(scanned.orders_e9_1) != 0)
SELECT derived.code, derived.platform, derived.orders_e9, derived.orders_e9_1, derived.term_0, derived.before_0
FROM (SELECT valued.code AS code, valued.platform AS platform, valued.orders_e9 AS orders_e9, valued.orders_e9_1 AS orders_e9_1, CASE WHEN (valued.before_0 = 0) THEN NULL WHEN (mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) = 0) THEN div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) ELSE div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) + CASE WHEN (2 * abs(mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0)) > abs(valued.before_0) OR 2 * abs(mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0)) = abs(valued.before_0) AND mod(div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0), 2) != 0) THEN sign((valued.term_0 - valued.before_0) * 1000000::numeric) * sign(valued.before_0) ELSE 0 END END AS term_0, valued.before_0 AS before_0
FROM (SELECT grouped.code AS code, grouped.platform AS platform, grouped.orders_e9 AS orders_e9, grouped.orders_e9_1 AS orders_e9_1, CAST(grouped.orders_e9 AS NUMERIC) AS term_0, CAST(grouped.orders_e9_1 AS NUMERIC) AS before_0
FROM grouped) AS valued) AS derived
ORDER BY derived.term_0 DESC NULLS LAST, derived.code COLLATE "C" ASC NULLS LAST, derived.platform COLLATE "C" ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 range_start_1: timestamp with time zone
-- $5 range_end_1: timestamp with time zone
-- $6 limit: bigint
