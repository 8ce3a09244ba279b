/* analytics.totals */
WITH scanned AS
(SELECT rollup.clicks AS clicks
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT delta.clicks AS clicks
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end)
SELECT CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]

/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks, 0 AS gross_e9, 0 AS refunds_e9
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS clicks, coalesce(sum(CAST(line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS gross_e9, 0 AS refunds_e9
FROM credits AS credit
JOIN order_lines AS line ON line.order_id = credit.order_id
WHERE line.tenant_id = $1 AND line.kind IN ('DISCOUNT', 'ITEM') AND credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS clicks, 0 AS gross_e9, coalesce(sum(CAST(refund_line.amount_base_minor AS NUMERIC) * credit.weight_booked), 0) AS refunds_e9
FROM refund_lines AS refund_line
JOIN LATERAL (SELECT of_order.weight_booked AS weight_booked, of_order.code AS code
FROM credits AS of_order
WHERE of_order.tenant_id = $1 AND of_order.order_id = refund_line.order_id AND of_order.weight_booked > 0 AND of_order.superseded_at >= 'infinity'::timestamptz
LIMIT ALL OFFSET 0) AS credit ON true
WHERE refund_line.tenant_id = $1 AND refund_line.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND refund_line.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND refund_line.kind IN ('DISCOUNT', 'ITEM')
GROUP BY 1
UNION ALL
SELECT CAST(NULL AS TEXT) AS code, 0 AS clicks, 0 AS gross_e9, coalesce(sum(adjustment.amount_base_minor), 0) * 1000000000::bigint AS refunds_e9
FROM adjustments AS adjustment
WHERE adjustment.tenant_id = $1 AND adjustment.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND adjustment.occurred_at < $3::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.refunds_e9) != 0),
fitting AS
(SELECT valued.code AS code, valued.clicks AS clicks, valued.gross_e9_combined AS gross_e9_combined, valued.term_0 AS term_0
FROM (SELECT grouped.code AS code, grouped.clicks AS clicks, grouped.gross_e9_combined AS gross_e9_combined, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) = 0) THEN div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) ELSE div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.gross_e9_combined AS NUMERIC), 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.gross_e9_combined AS NUMERIC)) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued
WHERE valued.term_0 IS NOT NULL AND (valued.term_0 > $4::NUMERIC) AND (valued.term_0 <= $5::NUMERIC))
SELECT fitting.code, fitting.clicks, fitting.gross_e9_combined, fitting.term_0
FROM fitting
ORDER BY fitting.code COLLATE "C" ASC NULLS LAST
LIMIT $6::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 bound_0: numeric
-- $5 bound_1: numeric
-- $6 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks, 0 AS orders_e9_1
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS clicks, coalesce(sum(credit.weight_booked), 0) AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.orders_e9_1) AS orders_e9_1
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0 OR sum(scanned.orders_e9_1) != 0),
fitting AS
(SELECT valued.code AS code, valued.clicks AS clicks, valued.orders_e9_1 AS orders_e9_1, valued.term_0 AS term_0
FROM (SELECT grouped.code AS code, grouped.clicks AS clicks, grouped.orders_e9_1 AS orders_e9_1, CAST(grouped.orders_e9_1 AS NUMERIC) AS term_0
FROM grouped) AS valued
WHERE NOT (valued.term_0 IS NOT NULL AND (valued.term_0 < $6::NUMERIC)))
SELECT fitting.code, fitting.clicks, fitting.orders_e9_1, fitting.term_0
FROM fitting
ORDER BY fitting.code COLLATE "C" ASC NULLS LAST
LIMIT $7::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 range_start_1: timestamp with time zone
-- $5 range_end_1: timestamp with time zone
-- $6 bound_0: numeric
-- $7 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks, 0 AS orders_e9, 0 AS orders_e9_1
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS clicks, coalesce(sum(credit.weight_booked), 0) AS orders_e9, 0 AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $2::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $3::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1
UNION ALL
SELECT credit.code AS code, 0 AS clicks, 0 AS orders_e9, coalesce(sum(credit.weight_booked), 0) AS orders_e9_1
FROM credits AS credit
WHERE credit.tenant_id = $1 AND credit.occurred_at >= $4::TIMESTAMP WITH TIME ZONE AND credit.occurred_at < $5::TIMESTAMP WITH TIME ZONE AND credit.weight_booked > 0 AND credit.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.orders_e9) AS orders_e9, sum(scanned.orders_e9_1) AS orders_e9_1
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0 OR sum(scanned.orders_e9) != 0 OR sum(scanned.orders_e9_1) != 0),
fitting AS
(SELECT derived.code AS code, derived.clicks AS clicks, derived.orders_e9 AS orders_e9, derived.orders_e9_1 AS orders_e9_1, derived.term_0 AS term_0, derived.before_0 AS before_0
FROM (SELECT valued.code AS code, valued.clicks AS clicks, valued.orders_e9 AS orders_e9, valued.orders_e9_1 AS orders_e9_1, CASE WHEN (valued.before_0 = 0) THEN NULL WHEN (mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) = 0) THEN div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) ELSE div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0) + CASE WHEN (2 * abs(mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0)) > abs(valued.before_0) OR 2 * abs(mod((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0)) = abs(valued.before_0) AND mod(div((valued.term_0 - valued.before_0) * 1000000::numeric, valued.before_0), 2) != 0) THEN sign((valued.term_0 - valued.before_0) * 1000000::numeric) * sign(valued.before_0) ELSE 0 END END AS term_0, valued.before_0 AS before_0
FROM (SELECT grouped.code AS code, grouped.clicks AS clicks, grouped.orders_e9 AS orders_e9, grouped.orders_e9_1 AS orders_e9_1, CAST(grouped.orders_e9 AS NUMERIC) AS term_0, CAST(grouped.orders_e9_1 AS NUMERIC) AS before_0
FROM grouped) AS valued) AS derived
WHERE derived.term_0 IS NULL OR derived.term_0 IS NOT NULL AND (derived.term_0 >= $6::NUMERIC))
SELECT fitting.code, fitting.clicks, fitting.orders_e9, fitting.orders_e9_1, fitting.term_0, fitting.before_0
FROM fitting
ORDER BY fitting.code COLLATE "C" ASC NULLS LAST
LIMIT $7::BIGINT;
-- $1 tenant: uuid
-- $2 range_start: timestamp with time zone
-- $3 range_end: timestamp with time zone
-- $4 range_start_1: timestamp with time zone
-- $5 range_end_1: timestamp with time zone
-- $6 bound_0: numeric
-- $7 limit: bigint

/* analytics.groups */
WITH scanned AS
(SELECT instance.code AS code, count(*) FILTER (WHERE instance.kind = 'CLICK') AS clicks
FROM instances AS instance
WHERE instance.tenant_id = $1 AND instance.occurred_at >= $3::TIMESTAMP WITH TIME ZONE AND instance.occurred_at < $4::TIMESTAMP WITH TIME ZONE AND instance.superseded_at >= 'infinity'::timestamptz
GROUP BY 1),
grouped AS
(SELECT scanned.code AS code, CAST(sum(scanned.clicks) AS BIGINT) AS clicks
FROM scanned
GROUP BY 1
HAVING sum(scanned.clicks) != 0),
fitting AS
(SELECT derived.code AS code, derived.clicks AS clicks, derived.term_0 AS term_0, derived.term_1 AS term_1
FROM (SELECT valued.code AS code, valued.clicks AS clicks, CASE WHEN ($2::NUMERIC = 0) THEN NULL WHEN (mod(valued.term_0 * 1000000::numeric, $2::NUMERIC) = 0) THEN div(valued.term_0 * 1000000::numeric, $2::NUMERIC) ELSE div(valued.term_0 * 1000000::numeric, $2::NUMERIC) + CASE WHEN (2 * abs(mod(valued.term_0 * 1000000::numeric, $2::NUMERIC)) > abs($2::NUMERIC) OR 2 * abs(mod(valued.term_0 * 1000000::numeric, $2::NUMERIC)) = abs($2::NUMERIC) AND mod(div(valued.term_0 * 1000000::numeric, $2::NUMERIC), 2) != 0) THEN sign(valued.term_0 * 1000000::numeric) * sign($2::NUMERIC) ELSE 0 END END AS term_0, valued.term_1 AS term_1
FROM (SELECT grouped.code AS code, grouped.clicks AS clicks, CAST(grouped.clicks AS NUMERIC) AS term_0, CAST(grouped.clicks AS NUMERIC) AS term_1
FROM grouped) AS valued) AS derived
WHERE derived.term_0 IS NOT NULL AND (derived.term_0 >= $5::NUMERIC) AND derived.term_1 IS NOT NULL AND (derived.term_1 > $6::NUMERIC))
SELECT fitting.code, fitting.clicks, fitting.term_0, fitting.term_1
FROM fitting
ORDER BY fitting.code COLLATE "C" ASC NULLS LAST
LIMIT $7::BIGINT;
-- $1 tenant: uuid
-- $2 total_0: numeric
-- $3 range_start: timestamp with time zone
-- $4 range_end: timestamp with time zone
-- $5 bound_0: numeric
-- $6 bound_1: numeric
-- $7 limit: bigint
