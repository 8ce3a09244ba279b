/* analytics.groups */
WITH scanned AS
(SELECT CAST(mod((CAST(floor(EXTRACT(epoch FROM instance.occurred_at)) AS BIGINT) + ($2::BIGINT[])[width_bucket(instance.occurred_at, $3::TIMESTAMP WITH TIME ZONE[])] + 60480000000::bigint) / 3600, 24) AS INTEGER) AS hour_of_day, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.hour_of_day AS hour_of_day, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0)
SELECT page.hour_of_day, page.clicks, counted.total
FROM (SELECT count(*) AS total
FROM grouped) AS counted
LEFT OUTER JOIN (SELECT grouped.hour_of_day AS hour_of_day, grouped.clicks AS clicks
FROM grouped
ORDER BY grouped.hour_of_day ASC NULLS LAST
LIMIT $6::BIGINT) AS page ON true
ORDER BY page.hour_of_day ASC NULLS LAST;
-- $1 tenant: uuid
-- $2 offsets: bigint[]
-- $3 offset_starts: timestamp with time zone[]
-- $4 range_start: timestamp with time zone
-- $5 range_end: timestamp with time zone
-- $6 limit: bigint
