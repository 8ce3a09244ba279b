"""What the runner looks up beside facets: what rollups are stored, and when facts begin and end. The tenant is $1."""

ROLLUP_STATE = """/* analytics.rollup_state */
SELECT generation, zone, currency, sets
FROM rollup_state
WHERE tenant_id = $1"""

GENERATION = "(SELECT max(generation) FROM rollup_state WHERE tenant_id = $1) AS generation"
"""The same generation beside what is read of the rollups, in one statement: who planned with others plans again."""

# Each is one look-up in an index that begins with tenant and time.
EXTENT = """/* analytics.extent */
SELECT least(
  (SELECT min(occurred_at) FROM instances WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM credits WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM refund_lines WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM adjustments WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM engagement_snapshots WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM spend WHERE tenant_id = $1),
  (SELECT min(occurred_at) FROM payout_payments WHERE tenant_id = $1)
) AS first_at, greatest(
  (SELECT max(occurred_at) FROM instances WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM credits WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM refund_lines WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM adjustments WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM engagement_snapshots WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM spend WHERE tenant_id = $1),
  (SELECT max(occurred_at) FROM payout_payments WHERE tenant_id = $1)
) AS last_at"""
"""Commissions are dated at orders and refunds: they lie within."""

OWN_EXTENT = """/* analytics.own_extent */
SELECT least(
  (SELECT min(occurred_at) FROM instances WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT min(occurred_at) FROM credits WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT min(occurred_at) FROM engagement_snapshots WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT min(occurred_at) FROM spend WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT min(occurred_at) FROM payout_payments WHERE tenant_id = $1 AND influencer_id = $2)
) AS first_at, greatest(
  (SELECT max(occurred_at) FROM instances WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT max(occurred_at) FROM credits WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT max(occurred_at) FROM commissions WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT max(occurred_at) FROM engagement_snapshots WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT max(occurred_at) FROM spend WHERE tenant_id = $1 AND influencer_id = $2),
  (SELECT max(occurred_at) FROM payout_payments WHERE tenant_id = $1 AND influencer_id = $2)
) AS last_at"""
"""The same of one influencer's facts. A refund of theirs takes commission back at its time."""

SIZES = """/* analytics.rollup_sizes */
SELECT rollup_set, count(*) AS rows
FROM rollups
WHERE tenant_id = $1
GROUP BY rollup_set"""
