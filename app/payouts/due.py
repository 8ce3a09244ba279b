"""What is due to whom: balances, by which rules they are paid out now, and what comes up against paying what is already
reserved. Rules are pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.core.money import divide_half_even
from app.core.payout_words import PayoutMethodStatus, PayoutObstacle, PayoutProviderName, TaxState
from app.core.words import InfluencerStatus
from app.db.session import ReadSession
from app.payouts.machine import Item
from app.payouts.methods import MethodRow, PolicyRow

RATE_DIGITS = 10
"""Digits of a rate that are kept."""

_MOVED = """moved AS (
          SELECT influencer_id, currency, amount_minor
          FROM ledger_balances
          WHERE tenant_id = $1 AND account = 'PAYABLE' AND ($2::uuid[] IS NULL OR influencer_id = ANY($2::uuid[]))
          UNION ALL
          SELECT influencer_id, currency, amount_minor
          FROM ledger_deltas
          WHERE tenant_id = $1 AND account = 'PAYABLE' AND ($2::uuid[] IS NULL OR influencer_id = ANY($2::uuid[]))
        )"""

TAX_DONE = frozenset({TaxState.NOT_NEEDED, TaxState.COLLECTED})


@dataclass(frozen=True, slots=True)
class Balance:
    """What is approved and owed to an influencer in a currency, minor units; negative where they owe.

    commission_ids: the approved commissions in it. requested_at: when the influencer asked to be paid.
    """

    influencer_id: UUID
    name: str
    status: InfluencerStatus
    currency: str
    amount: int
    requested_at: datetime | None
    commission_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A balance, and how it is paid: by which method, as how much of its currency. obstacle: why it is not, now.

    rate: units of the method's currency for one of the balance's; None where both are one.
    """

    balance: Balance
    method: MethodRow | None
    amount: int | None
    rate: Decimal | None
    obstacle: PayoutObstacle | None


Factors = Mapping[tuple[str, str], tuple[Fraction, Decimal]]
"""(from, to) → minor units for a minor unit, and the rate between whole units, as it is kept."""


def judged(
    balance: Balance,
    methods: Sequence[MethodRow],
    policy: PolicyRow | None,
    factors: Factors,
    providers: Collection[PayoutProviderName],
) -> Due:
    """How the balance is paid. methods: the influencer's. providers: those that the tenant can use."""
    method = method_for(balance.currency, methods)
    if balance.amount <= 0:
        return Due(balance, method, None, None, PayoutObstacle.NOT_DUE)
    if method is None:
        has_one = any(_takes(each, balance.currency) for each in methods)
        obstacle = PayoutObstacle.METHOD_DISABLED if has_one else PayoutObstacle.NO_METHOD
        return Due(balance, None, None, None, obstacle)
    amount, rate = balance.amount, None
    if method.currency != balance.currency:
        found = factors.get((balance.currency, method.currency))
        if found is None:
            return Due(balance, method, None, None, PayoutObstacle.NO_EXCHANGE_RATE)
        factor, rate = found
        amount = divide_half_even(balance.amount * factor.numerator, factor.denominator)
    return Due(balance, method, amount, rate, _obstacle(balance, method, amount, policy, providers))


def _obstacle(
    balance: Balance,
    method: MethodRow,
    amount: int,
    policy: PolicyRow | None,
    providers: Collection[PayoutProviderName],
) -> PayoutObstacle | None:
    if balance.status is InfluencerStatus.SUSPENDED:
        return PayoutObstacle.INFLUENCER_SUSPENDED
    if method.provider not in providers:
        return PayoutObstacle.NO_ACCOUNT
    if method.provider is not PayoutProviderName.MANUAL and method.reference is None:
        return PayoutObstacle.NO_METHOD
    if policy is not None and policy.needs_tax_data and method.tax_state not in TAX_DONE:
        return PayoutObstacle.TAX_DATA_MISSING
    threshold = 0 if policy is None or balance.requested_at is not None else policy.threshold_minor
    if balance.amount < threshold or amount == 0:
        return PayoutObstacle.BELOW_THRESHOLD
    return None


def method_for(currency: str, methods: Sequence[MethodRow]) -> MethodRow | None:
    """The method of the currency, else the default one, the older first; active ones only."""
    active = sorted(
        (method for method in methods if method.status is PayoutMethodStatus.ACTIVE),
        key=lambda method: (method.created_at, method.id),
    )
    fitting = [method for method in active if _takes(method, currency)]
    return min(fitting, key=lambda method: method.currency != currency, default=None)


def _takes(method: MethodRow, currency: str) -> bool:
    return method.currency == currency or method.is_default


async def balances(
    ctx: Ctx,
    session: ReadSession,
    *,
    influencer_ids: Collection[UUID] | None = None,
    with_commissions: bool = False,
    limit: int | None = None,
) -> list[Balance]:
    """What is payable, and not 0, in one statement and so at one moment; in order of influencer and currency."""
    commissions = (
        """ARRAY(
            SELECT commission.id
            FROM commissions AS commission
            WHERE commission.tenant_id = $1 AND commission.influencer_id = payable.influencer_id
              AND commission.currency = payable.currency AND commission.state = 'APPROVED'
              AND NOT EXISTS (
                SELECT 1
                FROM payout_item_commissions AS part
                JOIN payout_items AS item ON item.tenant_id = $1 AND item.id = part.item_id
                WHERE part.tenant_id = $1 AND part.commission_id = commission.id
                  AND item.state NOT IN ('FAILED', 'RETURNED', 'CANCELLED')
              )
            ORDER BY commission.id
          )"""
        if with_commissions
        else "'{}'::uuid[]"
    )
    rows = await session.fetch(
        f"""/* payouts.balances */
        WITH {_MOVED}, payable AS (
          SELECT influencer_id, currency, (- sum(amount_minor))::bigint AS amount
          FROM moved
          GROUP BY influencer_id, currency
          HAVING sum(amount_minor) <> 0
          ORDER BY influencer_id, currency
          LIMIT $3
        )
        SELECT payable.influencer_id, payable.currency, payable.amount, influencer.name, influencer.status,
          request.requested_at, {commissions} AS commission_ids
        FROM payable
        JOIN influencers AS influencer ON influencer.tenant_id = $1 AND influencer.id = payable.influencer_id
        LEFT JOIN payout_requests AS request
          ON request.tenant_id = $1 AND request.influencer_id = payable.influencer_id
          AND request.currency = payable.currency
        ORDER BY payable.influencer_id, payable.currency""",  # noqa: S608 - constant texts
        ctx.tenant_id,
        None if influencer_ids is None else list(influencer_ids),
        limit,
    )
    return [
        Balance(
            influencer_id=row["influencer_id"],
            name=row["name"],
            status=InfluencerStatus(row["status"]),
            currency=row["currency"],
            amount=row["amount"],
            requested_at=row["requested_at"],
            commission_ids=tuple(row["commission_ids"]),
        )
        for row in rows
    ]


async def obstacles_of(ctx: Ctx, session: ReadSession, items: Collection[Item]) -> dict[UUID, PayoutObstacle]:
    """What came up against paying items since their balances were reserved, by item; those that can be paid are left
    out.

    NOT_DUE: beyond what is reserved the influencer owes, for it was taken back, or paid already by what was given up.
    """
    if not items:
        return {}
    rows = await session.fetch(
        f"""/* payouts.obstacles */
        WITH {_MOVED}, owing AS (
          SELECT influencer_id, currency
          FROM moved
          GROUP BY influencer_id, currency
          HAVING sum(amount_minor) > 0
        )
        SELECT item.id, influencer.status AS influencer_status, method.status AS method_status,
          owing.influencer_id IS NOT NULL AS is_owing
        FROM payout_items AS item
        JOIN influencers AS influencer ON influencer.tenant_id = $1 AND influencer.id = item.influencer_id
        JOIN payout_methods AS method ON method.tenant_id = $1 AND method.id = item.method_id
        LEFT JOIN owing ON owing.influencer_id = item.influencer_id AND owing.currency = item.reserved_currency
        WHERE item.tenant_id = $1 AND item.id = ANY($3::uuid[])""",  # noqa: S608 - constant texts
        ctx.tenant_id,
        list({item.influencer_id for item in items}),
        [item.id for item in items],
    )
    found: dict[UUID, PayoutObstacle] = {}
    for row in rows:
        if row["is_owing"]:
            found[plain(row["id"])] = PayoutObstacle.NOT_DUE
        elif row["influencer_status"] == InfluencerStatus.SUSPENDED:
            found[plain(row["id"])] = PayoutObstacle.INFLUENCER_SUSPENDED
        elif row["method_status"] == PayoutMethodStatus.DISABLED:
            found[plain(row["id"])] = PayoutObstacle.METHOD_DISABLED
    return found
