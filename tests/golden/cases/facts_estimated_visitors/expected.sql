/* analytics.totals */
WITH scanned AS
(SELECT count(visitor.visitor_id) AS visitors, 0 AS visitors_1
FROM (SELECT instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1) AS visitor
UNION ALL
SELECT 0 AS visitors, count(visitor.visitor_id) * ($4::BIGINT + 1) AS visitors_1
FROM (SELECT instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $5::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $6::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz AND (hashtextextended(instance.visitor_id, 0) & $4::BIGINT) = 0
GROUP BY 1) AS visitor)
SELECT CAST(sum(scanned.visitors) AS BIGINT) AS visitors, CAST(sum(scanned.visitors_1) AS BIGINT) AS visitors_1
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 sample_1: bigint
-- $5 range_start_1: timestamp with time zone
-- $6 range_end_1: timestamp with time zone
