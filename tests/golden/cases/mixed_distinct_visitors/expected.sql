/* analytics.totals */
WITH scanned AS
(SELECT 0 AS visitors, 0 AS clicks, rollup.orders_e9 AS orders_e9
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT 0 AS visitors, 0 AS clicks, delta.orders_e9 AS orders_e9
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT count(visitor.visitor_id) AS visitors, coalesce(sum(visitor.clicks), 0) AS clicks, 0 AS orders_e9
FROM (SELECT instance.visitor_id AS visitor_id, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $9::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1) AS visitor)
SELECT CAST(sum(scanned.visitors) AS BIGINT) AS visitors, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.orders_e9) AS orders_e9
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 range_start: timestamp with time zone
-- $9 range_end: timestamp with time zone
