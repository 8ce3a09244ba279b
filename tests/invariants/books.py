"""What holds of a tenant's rows at any moment, whatever was written, repeated, refused, cancelled or killed.

Each law is a statement that finds what breaks it. Used by every test that treats the writes badly.
"""

from uuid import UUID

from app.analytics.rollups.verify import verify
from app.db.session import Database
from app.ledger import balances

TIMEOUT_S = 600.0
"""Seconds that one law may take: it reads all rows."""

LAWS: dict[str, str] = {
    "an order's lines add up to the total of its newest version, and of the order": """
        SELECT orders.external_id FROM orders
        JOIN order_versions AS newest
          ON newest.tenant_id = $1 AND newest.order_id = orders.id AND newest.version = orders.version
        JOIN LATERAL (
          SELECT coalesce(sum(amount_minor), 0) AS total,
            coalesce(sum(amount_minor) FILTER (WHERE kind IN ('ITEM', 'DISCOUNT')), 0) AS gross
          FROM order_lines WHERE tenant_id = $1 AND order_id = orders.id
        ) AS lines ON true
        WHERE orders.tenant_id = $1 AND (
          (lines.total, lines.gross) <> (newest.total_minor, newest.gross_minor)
          OR (lines.total, lines.gross) <> (orders.total_minor, orders.gross_minor)
        )""",
    "no more is taken back of a line than was sold": """
        SELECT order_id, position FROM (
          SELECT order_id, position, amount_minor AS sold, 0 AS refunded FROM order_lines WHERE tenant_id = $1
          UNION ALL
          SELECT order_id, position, 0, amount_minor FROM refund_lines WHERE tenant_id = $1
        ) AS moves
        GROUP BY order_id, position
        HAVING abs(sum(refunded)) > abs(sum(sold)) OR sum(refunded) * sum(sold) < 0""",
    "the credits of an order sum to one under every model": """
        SELECT orders.external_id FROM orders
        LEFT JOIN credits
          ON credits.tenant_id = $1 AND credits.order_id = orders.id AND credits.superseded_at = 'infinity'
        WHERE orders.tenant_id = $1 AND NOT orders.is_test
        GROUP BY orders.id, orders.external_id
        HAVING array_remove(ARRAY[
            sum(weight_booked), sum(weight_last), sum(weight_first), sum(weight_linear), sum(weight_time_decay),
            sum(weight_position)], 1000000000) <> '{}'""",
    "a test order earns nothing": """
        SELECT orders.external_id FROM orders
        JOIN credits ON credits.tenant_id = $1 AND credits.order_id = orders.id
        WHERE orders.tenant_id = $1 AND orders.is_test""",
    "the lines of a commission add up to it": """
        SELECT commissions.id FROM commissions
        LEFT JOIN commission_lines ON commission_lines.tenant_id = $1 AND commission_id = commissions.id
        WHERE commissions.tenant_id = $1
        GROUP BY commissions.id, commissions.amount_minor
        HAVING coalesce(sum(commission_lines.amount_minor), 0) <> commissions.amount_minor""",
    "no more commission is reversed than was accrued": """
        SELECT credit_id FROM commissions
        WHERE tenant_id = $1 AND credit_id IS NOT NULL
        GROUP BY credit_id
        HAVING sum(amount_minor) * sum(amount_minor) FILTER (WHERE kind NOT IN ('REVERSAL', 'REJECTION')) < 0""",
    "plans have counted of an influencer what their newest ratings say": """
        SELECT plan_id, influencer_id FROM (
          SELECT plan_id, influencer_id, (facts ->> 'earned')::bigint AS earned,
            coalesce((facts -> 'added' -> ':revenue' ->> 0)::bigint, 0) AS revenue
          FROM (
            SELECT DISTINCT ON (credit_id) * FROM commission_ratings WHERE tenant_id = $1 ORDER BY credit_id, id DESC
          ) AS newest
          WHERE sequence IS NOT NULL
          UNION ALL
          SELECT plan_id, holder_id, CASE counter WHEN ':earned' THEN -earned_minor ELSE 0 END,
            CASE WHEN counter LIKE '%:revenue' THEN -volume_minor ELSE 0 END
          FROM commission_tallies
          WHERE tenant_id = $1 AND holder_id IN (SELECT id FROM influencers WHERE tenant_id = $1)
        ) AS counted
        GROUP BY plan_id, influencer_id
        HAVING sum(earned) <> 0 OR sum(revenue) <> 0""",
    "no two ratings of a plan and influencer have one number": """
        SELECT plan_id, influencer_id, sequence FROM commission_ratings
        WHERE tenant_id = $1 AND sequence IS NOT NULL
        GROUP BY plan_id, influencer_id, sequence HAVING count(*) > 1""",
    "every posting sums to zero in every currency": """
        SELECT posting_id FROM ledger_entries
        WHERE tenant_id = $1 GROUP BY posting_id, currency HAVING sum(amount_minor) <> 0""",
    "the ledger says of a commission what the commission says": """
        SELECT commissions.id FROM commissions
        LEFT JOIN ledger_entries AS expense
          ON expense.tenant_id = $1 AND expense.cause_id = commissions.id
            AND expense.account IN ('EXPENSE', 'CLAWED_BACK')
        WHERE commissions.tenant_id = $1
        GROUP BY commissions.id, commissions.amount_minor
        HAVING coalesce(sum(expense.amount_minor), 0) <> commissions.amount_minor
          OR count(DISTINCT expense.posting_id) FILTER (WHERE expense.cause_kind = 'commission') > 1""",
    "what was taken back was taken from what was earned": """
        SELECT credit_id FROM commissions
        WHERE tenant_id = $1 AND credit_id IS NOT NULL
        GROUP BY credit_id
        HAVING sum(taken_minor) <> - coalesce(sum(amount_minor) FILTER (WHERE state = 'REVERSED'), 0)""",
    "what a credit earned and is not paid stands in one state": """
        SELECT credit_id FROM commissions
        WHERE tenant_id = $1 AND credit_id IS NOT NULL AND state NOT IN ('REVERSED', 'PAID')
        GROUP BY credit_id HAVING count(DISTINCT state) > 1""",
    "nothing is clawed back, or invoiced, but what was paid": """
        SELECT item.credit_id FROM commissions AS item
        JOIN ledger_entries AS entry ON entry.tenant_id = $1 AND entry.cause_id = item.id
        WHERE item.tenant_id = $1 AND item.credit_id IS NOT NULL
        GROUP BY item.order_id, item.credit_id
        HAVING sum(CASE entry.account WHEN 'CLAWED_BACK' THEN -entry.amount_minor ELSE 0 END) NOT BETWEEN 0 AND (
            SELECT coalesce(sum(abs(part.taken_minor)), 0) FROM commissions AS part
            WHERE part.tenant_id = $1 AND part.order_id = item.order_id AND part.credit_id = item.credit_id
              AND part.state = 'PAID')
          OR sum(CASE entry.account WHEN 'INVOICED' THEN entry.amount_minor ELSE 0 END) NOT BETWEEN 0
            AND sum(CASE entry.account WHEN 'CLAWED_BACK' THEN -entry.amount_minor ELSE 0 END)""",
    "what is owed stands where the commissions' states say": """
        SELECT influencer_id, currency, account FROM (
          SELECT item.influencer_id, item.currency, item.amount_minor - item.taken_minor AS amount_minor,
            CASE item.state WHEN 'PENDING' THEN 'ACCRUED' WHEN 'HELD' THEN 'HELD' ELSE 'PAYABLE' END AS account
          FROM commissions AS item
          WHERE item.tenant_id = $1 AND item.state <> 'REVERSED'
          UNION ALL
          SELECT entry.influencer_id, entry.currency, entry.amount_minor,
            CASE WHEN entry.account IN ('ACCRUED', 'HELD') THEN entry.account ELSE 'PAYABLE' END
          FROM ledger_entries AS entry
          WHERE entry.tenant_id = $1 AND entry.influencer_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM ledger_entries AS fx
            WHERE fx.tenant_id = $1 AND fx.posting_id = entry.posting_id AND fx.account = 'FX')
        ) AS both_sides
        GROUP BY influencer_id, currency, account
        HAVING sum(amount_minor) <> 0""",
    "a commission is in the state that its last passage led to": """
        SELECT item.id FROM commissions AS item
        WHERE item.tenant_id = $1 AND item.state IS DISTINCT FROM (
          SELECT event.to_state FROM commission_events AS event
          WHERE event.tenant_id = $1 AND event.commission_id = item.id
          ORDER BY event.recorded_at DESC, event.id DESC LIMIT 1)""",
    "every order told of itself once": """
        SELECT orders.external_id FROM orders
        LEFT JOIN outbox ON outbox.tenant_id = $1 AND subject_id = orders.id AND topic = 'order.recorded'
        WHERE orders.tenant_id = $1 GROUP BY orders.id, orders.external_id HAVING count(outbox.id) <> 1""",
    "an attributed order has one purchase, and no other has one": """
        SELECT orders.external_id FROM orders
        LEFT JOIN instances AS purchase
          ON purchase.tenant_id = $1 AND purchase.order_id = orders.id AND purchase.kind = 'PURCHASE'
            AND purchase.superseded_at = 'infinity'
        LEFT JOIN credits AS credit
          ON credit.tenant_id = $1 AND credit.order_id = orders.id AND credit.position = 0
            AND credit.superseded_at = 'infinity'
        WHERE orders.tenant_id = $1
        GROUP BY orders.id, orders.external_id, credit.influencer_id
        HAVING count(purchase.id) <> CASE WHEN credit.influencer_id IS NULL THEN 0 ELSE 1 END""",
    "nothing is left of what a credit earned whose order is judged otherwise": """
        SELECT commissions.credit_id FROM commissions
        WHERE commissions.tenant_id = $1 AND commissions.credit_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM credits
          WHERE credits.tenant_id = $1 AND credits.order_id = commissions.order_id
            AND coalesce(credits.continues_id, credits.id) = commissions.credit_id
            AND credits.superseded_at = 'infinity')
        GROUP BY commissions.credit_id
        HAVING sum(amount_minor) <> 0 OR sum(amount_base_minor) <> 0""",
    "every judgement that was replaced is kept, once": """
        SELECT judged.order_id FROM attributions AS judged
        LEFT JOIN attribution_changes AS former
          ON former.tenant_id = $1 AND former.order_id = judged.order_id
        WHERE judged.tenant_id = $1
        GROUP BY judged.order_id, judged.revision
        HAVING count(former.revision) <> judged.revision - 1""",
    "whoever waits for a touch is credited to nobody": """
        SELECT awaited.order_id FROM awaited_touches AS awaited
        JOIN credits ON credits.tenant_id = $1 AND credits.order_id = awaited.order_id
        WHERE awaited.tenant_id = $1 AND credits.superseded_at = 'infinity' AND credits.influencer_id IS NOT NULL""",
    "an order is judged again for a late touch at most once": """
        SELECT order_id FROM attribution_changes
        WHERE tenant_id = $1 AND cause = 'LATE_TOUCH' GROUP BY order_id HAVING count(*) > 1""",
    "a refund that waits has an order that is not known": """
        SELECT refunds.external_id FROM refunds
        JOIN orders ON orders.tenant_id = $1 AND orders.external_id = refunds.order_external_id
        WHERE refunds.tenant_id = $1 AND refunds.state = 'WAITING'""",
    "every slug in the directory has its link, and every link its slug": """
        SELECT coalesce(claimed.slug, links.slug), claimed.link_id, links.id
        FROM (SELECT slug, link_id FROM slug_directory WHERE tenant_id = $1) AS claimed
        FULL JOIN (SELECT slug, id FROM links WHERE tenant_id = $1) AS links
          ON links.slug = claimed.slug AND links.id = claimed.link_id
        WHERE claimed.slug IS NULL OR links.slug IS NULL""",
    "no claim outlives its transaction": "SELECT external_id FROM order_claims WHERE tenant_id = $1",
}


async def broken_laws(db: Database, tenant_id: UUID) -> dict[str, list[str]]:
    """The laws that do not hold, with the first rows that break each; rollups against facts included."""
    broken: dict[str, list[str]] = {}
    async with db.snapshot(tenant_id, timeout_s=TIMEOUT_S) as session:
        for law, finder in LAWS.items():
            rows = await session.fetch(f"/* test.law */ {finder} LIMIT 3", tenant_id)
            if rows:
                broken[law] = [str(tuple(row.values())) for row in rows]
    wrong = await balances.verify(db, tenant_id)
    if any(wrong):
        broken["balances equal entries"] = [str(each) for found in wrong for each in found[:3]]
    differences = await verify(db, tenant_id)
    if differences:
        broken["rollups equal facts"] = [str(difference) for difference in differences[:3]]
    return broken
