/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, instance.channel AS channel, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1, 2),
grouped AS
(SELECT scanned.code AS code, scanned.channel AS channel, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1, 2
HAVING sum(scanned.clicks) != 0)
SELECT grouped.code, grouped.channel, grouped.clicks
FROM grouped
ORDER BY grouped.code COLLATE "C" ASC NULLS LAST, grouped.channel COLLATE "C" ASC NULLS LAST
LIMIT $4::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 limit: bigint
