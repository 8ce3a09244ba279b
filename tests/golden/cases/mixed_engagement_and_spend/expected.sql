/* analytics.totals */
WITH scanned AS
(SELECT 0 AS likes, 0 AS likes_known, 0 AS comments, 0 AS shares, 0 AS comments_known, 0 AS shares_known, 0 AS views, rollup.clicks AS clicks, 0 AS spend, rollup.gross_e9 AS gross_e9, rollup.commission_reversed AS commission_reversed, rollup.refunds_e9 AS refunds_e9, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT 0 AS likes, 0 AS likes_known, 0 AS comments, 0 AS shares, 0 AS comments_known, 0 AS shares_known, 0 AS views, delta.clicks AS clicks, 0 AS spend, delta.gross_e9 AS gross_e9, delta.commission_reversed AS commission_reversed, delta.refunds_e9 AS refunds_e9, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT coalesce(sum(snapshot.likes - coalesce((SELECT likes_before.likes
FROM engagement_snapshots AS likes_before
WHERE likes_before.tenant_id = $1 AND likes_before.platform = snapshot.platform AND likes_before.post_id = snapshot.post_id AND likes_before.occurred_at < snapshot.occurred_at AND likes_before.likes IS NOT NULL
ORDER BY likes_before.occurred_at DESC
LIMIT 1), 0)), 0) AS likes, count(snapshot.likes) AS likes_known, coalesce(sum(snapshot.comments - coalesce((SELECT comments_before.comments
FROM engagement_snapshots AS comments_before
WHERE comments_before.tenant_id = $1 AND comments_before.platform = snapshot.platform AND comments_before.post_id = snapshot.post_id AND comments_before.occurred_at < snapshot.occurred_at AND comments_before.comments IS NOT NULL
ORDER BY comments_before.occurred_at DESC
LIMIT 1), 0)), 0) AS comments, coalesce(sum(snapshot.shares - coalesce((SELECT shares_before.shares
FROM engagement_snapshots AS shares_before
WHERE shares_before.tenant_id = $1 AND shares_before.platform = snapshot.platform AND shares_before.post_id = snapshot.post_id AND shares_before.occurred_at < snapshot.occurred_at AND shares_before.shares IS NOT NULL
ORDER BY shares_before.occurred_at DESC
LIMIT 1), 0)), 0) AS shares, count(snapshot.comments) AS comments_known, count(snapshot.shares) AS shares_known, coalesce(sum(snapshot.views - coalesce((SELECT views_before.views
FROM engagement_snapshots AS views_before
WHERE views_before.tenant_id = $1 AND views_before.platform = snapshot.platform AND views_before.post_id = snapshot.post_id AND views_before.occurred_at < snapshot.occurred_at AND views_before.views IS NOT NULL
ORDER BY views_before.occurred_at DESC
LIMIT 1), 0)), 0) AS views, 0 AS clicks, 0 AS spend, 0 AS gross_e9, 0 AS commission_reversed, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid
FROM engagement_snapshots AS snapshot
WHERE snapshot.tenant_id = $1 AND snapshot.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND snapshot.occurred_at < $9::TIMESTAMP WITH TIME ZONE
UNION ALL
SELECT 0 AS likes, 0 AS likes_known, 0 AS comments, 0 AS shares, 0 AS comments_known, 0 AS shares_known, 0 AS views, 0 AS clicks, coalesce(sum(spent.amount_base_minor), 0) AS spend, 0 AS gross_e9, 0 AS commission_reversed, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid
FROM spend AS spent
WHERE spent.tenant_id = $1 AND spent.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND spent.occurred_at < $9::TIMESTAMP WITH TIME ZONE)
SELECT CAST(sum(scanned.likes) AS BIGINT) AS likes, CAST(sum(scanned.likes_known) AS BIGINT) AS likes_known, CAST(sum(scanned.comments) + sum(scanned.shares) AS BIGINT) AS comments_combined, CAST(sum(scanned.comments_known) AS BIGINT) AS comments_known, CAST(sum(scanned.shares_known) AS BIGINT) AS shares_known, CAST(sum(scanned.views) AS BIGINT) AS views, CAST(sum(scanned.clicks) AS BIGINT) AS clicks, sum(scanned.spend) AS spend, sum(scanned.gross_e9) - sum(scanned.refunds_e9) AS gross_e9_combined, (((sum(scanned.commission_reversed) - sum(scanned.commission_pending)) - sum(scanned.commission_held)) - sum(scanned.commission_approved)) - sum(scanned.commission_paid) AS commission_reversed_combined
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

/* analytics.groups */
WITH scanned AS
(SELECT nullif(rollup.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, 0 AS views, 0 AS views_known, 0 AS likes, 0 AS comments, 0 AS shares, 0 AS likes_known, 0 AS comments_known, 0 AS shares_known, 0 AS spend, rollup.gross_e9 AS gross_e9, rollup.commission_reversed AS commission_reversed, rollup.refunds_e9 AS refunds_e9, rollup.commission_pending AS commission_pending, rollup.commission_held AS commission_held, rollup.commission_approved AS commission_approved, rollup.commission_paid AS commission_paid
FROM (VALUES (($2::TEXT[])[1], ($3::TIMESTAMP WITH TIME ZONE[])[1], ($4::TIMESTAMP WITH TIME ZONE[])[1])) AS part (grain, span_start, span_end)
JOIN rollups AS rollup ON true
WHERE rollup.tenant_id = $1 AND rollup.rollup_set = $5::VARCHAR AND rollup.grain = part.grain AND rollup.bucket >= part.span_start AND rollup.bucket < part.span_end
UNION ALL
SELECT nullif(delta.campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) AS campaign, 0 AS views, 0 AS views_known, 0 AS likes, 0 AS comments, 0 AS shares, 0 AS likes_known, 0 AS comments_known, 0 AS shares_known, 0 AS spend, delta.gross_e9 AS gross_e9, delta.commission_reversed AS commission_reversed, delta.refunds_e9 AS refunds_e9, delta.commission_pending AS commission_pending, delta.commission_held AS commission_held, delta.commission_approved AS commission_approved, delta.commission_paid AS commission_paid
FROM (VALUES (($6::TIMESTAMP WITH TIME ZONE[])[1], ($7::TIMESTAMP WITH TIME ZONE[])[1])) AS span (span_start, span_end)
JOIN rollup_delta AS delta ON true
WHERE delta.tenant_id = $1 AND delta.occurred_at >= span.span_start AND delta.occurred_at < span.span_end
UNION ALL
SELECT snapshot.campaign_id AS campaign, coalesce(sum(snapshot.views - coalesce((SELECT views_before.views
FROM engagement_snapshots AS views_before
WHERE views_before.tenant_id = $1 AND views_before.platform = snapshot.platform AND views_before.post_id = snapshot.post_id AND views_before.occurred_at < snapshot.occurred_at AND views_before.views IS NOT NULL
ORDER BY views_before.occurred_at DESC
LIMIT 1), 0)), 0) AS views, count(snapshot.views) AS views_known, coalesce(sum(snapshot.likes - coalesce((SELECT likes_before.likes
FROM engagement_snapshots AS likes_before
WHERE likes_before.tenant_id = $1 AND likes_before.platform = snapshot.platform AND likes_before.post_id = snapshot.post_id AND likes_before.occurred_at < snapshot.occurred_at AND likes_before.likes IS NOT NULL
ORDER BY likes_before.occurred_at DESC
LIMIT 1), 0)), 0) AS likes, coalesce(sum(snapshot.comments - coalesce((SELECT comments_before.comments
FROM engagement_snapshots AS comments_before
WHERE comments_before.tenant_id = $1 AND comments_before.platform = snapshot.platform AND comments_before.post_id = snapshot.post_id AND comments_before.occurred_at < snapshot.occurred_at AND comments_before.comments IS NOT NULL
ORDER BY comments_before.occurred_at DESC
LIMIT 1), 0)), 0) AS comments, coalesce(sum(snapshot.shares - coalesce((SELECT shares_before.shares
FROM engagement_snapshots AS shares_before
WHERE shares_before.tenant_id = $1 AND shares_before.platform = snapshot.platform AND shares_before.post_id = snapshot.post_id AND shares_before.occurred_at < snapshot.occurred_at AND shares_before.shares IS NOT NULL
ORDER BY shares_before.occurred_at DESC
LIMIT 1), 0)), 0) AS shares, count(snapshot.likes) AS likes_known, count(snapshot.comments) AS comments_known, count(snapshot.shares) AS shares_known, 0 AS spend, 0 AS gross_e9, 0 AS commission_reversed, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid
FROM engagement_snapshots AS snapshot
WHERE snapshot.tenant_id = $1 AND snapshot.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND snapshot.occurred_at < $9::TIMESTAMP WITH TIME ZONE
GROUP BY 1
UNION ALL
SELECT spent.campaign_id AS campaign, 0 AS views, 0 AS views_known, 0 AS likes, 0 AS comments, 0 AS shares, 0 AS likes_known, 0 AS comments_known, 0 AS shares_known, coalesce(sum(spent.amount_base_minor), 0) AS spend, 0 AS gross_e9, 0 AS commission_reversed, 0 AS refunds_e9, 0 AS commission_pending, 0 AS commission_held, 0 AS commission_approved, 0 AS commission_paid
FROM spend AS spent
WHERE spent.tenant_id = $1 AND spent.occurred_at >= $8::TIMESTAMP WITH TIME ZONE AND spent.occurred_at < $9::TIMESTAMP WITH TIME ZONE
GROUP BY 1),
grouped AS
(SELECT scanned.campaign AS campaign, CAST(sum(scanned.views) AS BIGINT) AS views, CAST(sum(scanned.views_known) AS BIGINT) AS views_known, CAST(sum(scanned.likes) + sum(scanned.comments) + sum(scanned.shares) AS BIGINT) AS likes_combined, CAST(sum(scanned.likes_known) AS BIGINT) AS likes_known, CAST(sum(scanned.comments_known) AS BIGINT) AS comments_known, CAST(sum(scanned.shares_known) AS BIGINT) AS shares_known, sum(scanned.spend) AS spend, (((((sum(scanned.gross_e9) + sum(scanned.commission_reversed) * 1000000000::numeric) - sum(scanned.refunds_e9)) - sum(scanned.commission_pending) * 1000000000::numeric) - sum(scanned.commission_held) * 1000000000::numeric) - sum(scanned.commission_approved) * 1000000000::numeric) - sum(scanned.commission_paid) * 1000000000::numeric AS gross_e9_combined
FROM scanned
GROUP BY 1
HAVING sum(scanned.views) != 0 OR sum(scanned.views_known) != 0 OR sum(scanned.likes) != 0 OR sum(scanned.comments) != 0 OR sum(scanned.shares) != 0 OR sum(scanned.likes_known) != 0 OR sum(scanned.comments_known) != 0 OR sum(scanned.shares_known) != 0 OR sum(scanned.spend) != 0 OR sum(scanned.gross_e9) != 0 OR sum(scanned.commission_reversed) != 0 OR sum(scanned.refunds_e9) != 0 OR sum(scanned.commission_pending) != 0 OR sum(scanned.commission_held) != 0 OR sum(scanned.commission_approved) != 0 OR sum(scanned.commission_paid) != 0)
SELECT valued.campaign, valued.views, valued.views_known, valued.likes_combined, valued.likes_known, valued.comments_known, valued.shares_known, valued.spend, valued.gross_e9_combined, valued.term_0
FROM (SELECT grouped.campaign AS campaign, grouped.views AS views, grouped.views_known AS views_known, grouped.likes_combined AS likes_combined, grouped.likes_known AS likes_known, grouped.comments_known AS comments_known, grouped.shares_known AS shares_known, grouped.spend AS spend, grouped.gross_e9_combined AS gross_e9_combined, CASE WHEN (1000000000::numeric = 0) THEN NULL WHEN (mod(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric) = 0) THEN div(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric) ELSE div(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric) + CASE WHEN (2 * abs(mod(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric)) > abs(1000000000::numeric) OR 2 * abs(mod(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric)) = abs(1000000000::numeric) AND mod(div(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined, 1000000000::numeric), 2) != 0) THEN sign(CAST(grouped.spend AS NUMERIC) * -1000000000::numeric + grouped.gross_e9_combined) * sign(1000000000::numeric) ELSE 0 END END AS term_0
FROM grouped) AS valued
ORDER BY valued.term_0 DESC NULLS LAST, valued.campaign ASC NULLS LAST
LIMIT $10::BIGINT;
-- $1 tenant: uuid
-- $2 part_grains: text[]
-- $3 part_starts: timestamp with time zone[]
-- $4 part_ends: timestamp with time zone[]
-- $5 rollup_set: text
-- $6 delta_starts: timestamp with time zone[]
-- $7 delta_ends: timestamp with time zone[]
-- $8 range_start: timestamp with time zone
-- $9 range_end: timestamp with time zone
-- $10 limit: bigint
