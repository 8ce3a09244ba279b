/* analytics.totals */
WITH scanned AS
(SELECT count(visitor.visitor_id) AS visitors
FROM (SELECT instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1) AS visitor)
SELECT CAST(sum(scanned.visitors) AS BIGINT) AS visitors
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone

/* analytics.totals */
WITH scanned AS
(SELECT count(visitor.visitor_id) AS visitors
FROM (SELECT instance.visitor_id AS visitor_id
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1) AS visitor)
SELECT CAST(sum(scanned.visitors) AS BIGINT) AS visitors
FROM scanned;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
