"""Writes commissions with their lines and events, and posts them to the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from app import ledger
from app.analytics.rollups.deltas import Contribution
from app.commissions.accrue import Amount
from app.commissions.clawbacks import write_takings
from app.commissions.standing import Taking
from app.core.context import Ctx
from app.core.ids import new_ids
from app.core.money import from_minor
from app.core.words import TAKING_BACK_KINDS, CommissionKind, CommissionState, LedgerAccount
from app.db.parts import in_parts
from app.db.session import ReadSession, WriteSession


class Terms(NamedTuple):
    """Whose credit earns, and how much of it: the rate is kept as it was when the order was booked.

    credit_id: None of adjustments and bonuses. plan_version_id: of the plan whose rules gave it; the rate is None then,
    unless it is the same for all lines. What a credit earned without a plan has a rate.
    """

    credit_id: UUID | None
    influencer_id: UUID
    campaign_id: UUID | None
    code: str | None
    weight: int
    rate: Decimal | None
    plan_version_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewCommission:
    """A row of commissions about to be written. What takes back is negative and REVERSED from the start.

    starts_as: the state it starts in (`Standing.state` for further rows of a credit), with a reason where it is not
    PENDING. takings: of a row that takes back, from which rows (`Standing.take`).
    """

    id: UUID
    kind: CommissionKind
    terms: Terms
    order_id: UUID | None
    refund_id: UUID | None
    currency: str
    amount: Amount
    occurred_at: datetime
    starts_as: CommissionState = CommissionState.PENDING
    reason: str | None = None
    takings: tuple[Taking, ...] = ()

    def to_json(self, *, lacks_rate: bool) -> dict[str, Any]:
        """The row as the answer of a recorded order shows it. lacks_rate: as its rating says."""
        return accrual_json(
            id=self.id,
            influencer_id=self.terms.influencer_id,
            campaign_id=self.terms.campaign_id,
            rate=self.terms.rate,
            plan_version_id=self.terms.plan_version_id,
            amount_minor=self.amount.amount,
            currency=self.currency,
            lacks_rate=lacks_rate,
        )

    @property
    def takes_back(self) -> bool:
        """Whether it takes back what was earned."""
        return self.kind in TAKING_BACK_KINDS

    @property
    def state(self) -> CommissionState:
        """The state it is written in."""
        return CommissionState.REVERSED if self.takes_back else self.starts_as


async def post(ctx: Ctx, session: WriteSession, commissions: Sequence[NewCommission]) -> None:
    """Insert commissions, their lines and first events, and their ledger postings, set-wise."""
    if not commissions:
        return
    await session.later(
        """/* commissions.insert */
        INSERT INTO commissions (tenant_id, id, kind, state, order_id, credit_id, refund_id, influencer_id, campaign_id,
          code, plan_version_id, rate, basis_minor, currency, amount_minor, amount_base_minor, occurred_at, taken_minor,
          recorded_at, updated_at)
        SELECT $1, new.*, 0, $2, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[],
            $11::text[], $12::uuid[], $13::numeric[], $14::bigint[], $15::text[], $16::bigint[], $17::bigint[],
            $18::timestamptz[])
          AS new (id, kind, state, order_id, credit_id, refund_id, influencer_id, campaign_id, code, plan_version_id,
            rate, basis_minor, currency, amount_minor, amount_base_minor, occurred_at)""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in commissions],
        [row.kind for row in commissions],
        [row.state for row in commissions],
        [row.order_id for row in commissions],
        [row.terms.credit_id for row in commissions],
        [row.refund_id for row in commissions],
        [row.terms.influencer_id for row in commissions],
        [row.terms.campaign_id for row in commissions],
        [row.terms.code for row in commissions],
        [row.terms.plan_version_id for row in commissions],
        [row.terms.rate for row in commissions],
        [row.amount.basis for row in commissions],
        [row.currency for row in commissions],
        [row.amount.amount for row in commissions],
        [row.amount.base for row in commissions],
        [row.occurred_at for row in commissions],
    )
    await _insert_lines(ctx, session, commissions)
    await session.later(
        """/* commissions.insert_events */
        INSERT INTO commission_events (tenant_id, id, commission_id, from_state, to_state, reason, recorded_at, key_id)
        SELECT $1, event.id, event.commission_id, NULL, event.to_state, event.reason, $2, $3
        FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS event (id, commission_id, to_state, reason)""",
        ctx.tenant_id,
        ctx.now,
        ctx.principal.key_id,
        new_ids(len(commissions)),
        [row.id for row in commissions],
        [row.state for row in commissions],
        [row.reason for row in commissions],
    )
    await write_takings(ctx, session, [taking for row in commissions for taking in row.takings])
    postings = (_posting(row) for row in commissions)
    await ledger.append(ctx, session, [posting for posting in postings if posting is not None])


def _posting(row: NewCommission) -> ledger.Posting | None:
    parts = [(each.against, each.owed, each.amount) for each in row.takings]
    if not row.takes_back:
        parts = [(LedgerAccount.EXPENSE, ledger.ACCOUNTS[row.starts_as], row.amount.amount)]
    assert sum(amount for *_, amount in parts) == row.amount.amount, "what is taken back is taken from somewhere"
    return ledger.of_commission(
        commission_id=row.id, influencer_id=row.terms.influencer_id, currency=row.currency, parts=parts
    )


async def _insert_lines(ctx: Ctx, session: WriteSession, commissions: Sequence[NewCommission]) -> None:
    # Many per commission: what they share with it is sent once and joined here.
    lines = [(number, share) for number, row in enumerate(commissions, start=1) for share in row.amount.shares]
    for part in in_parts(lines):
        await session.later(
            """/* commissions.insert_lines */
            INSERT INTO commission_lines (tenant_id, id, commission_id, position, product_id, rule, rate, amount_minor,
              amount_base_minor, occurred_at, recorded_at)
            SELECT $1, line.id, earned.id, line.position, line.product_id, line.rule, line.rate, line.amount_minor,
              line.amount_base_minor, earned.occurred_at, $12
            FROM unnest($2::integer[], $3::uuid[], $4::integer[], $5::uuid[], $6::bigint[], $7::bigint[], $8::text[],
                $9::numeric[])
              AS line (number, id, position, product_id, amount_minor, amount_base_minor, rule, rate)
            JOIN unnest($10::uuid[], $11::timestamptz[]) WITH ORDINALITY AS earned (id, occurred_at, number)
              ON earned.number = line.number""",
            ctx.tenant_id,
            [number for number, _ in part],
            new_ids(len(part)),
            [share.place[0] for _, share in part],
            [share.place[1] for _, share in part],
            [share.amount for _, share in part],
            [share.base for _, share in part],
            [share.rule for _, share in part],
            [share.rate for _, share in part],
            [row.id for row in commissions],
            [row.occurred_at for row in commissions],
            ctx.now,
        )


async def accruals(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What was accrued when the orders were booked, as JSON values, by order; in the order of the credits."""
    rows = await session.fetch(
        """/* commissions.accruals */
        SELECT commissions.order_id, commissions.id, commissions.influencer_id, commissions.campaign_id,
          commissions.rate, commissions.plan_version_id, commissions.amount_minor, commissions.currency,
          coalesce((
            SELECT (rating.facts -> 'lacksRate')::boolean
            FROM commission_ratings AS rating
            WHERE rating.tenant_id = $1 AND rating.order_id = commissions.order_id
              AND rating.credit_id = commissions.credit_id
            ORDER BY rating.id DESC
            LIMIT 1
          ), false) AS lacks_rate
        FROM commissions
        JOIN credits ON credits.tenant_id = $1 AND credits.order_id = commissions.order_id
          AND coalesce(credits.continues_id, credits.id) = commissions.credit_id AND credits.superseded_at = 'infinity'
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[]) AND commissions.kind = 'ACCRUAL'
        ORDER BY commissions.order_id, credits.position""",
        ctx.tenant_id,
        list(order_ids),
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(accrual_json(**{key: row[key] for key in _ACCRUAL}))
    return found


_ACCRUAL = ("id", "influencer_id", "campaign_id", "rate", "plan_version_id", "amount_minor", "currency", "lacks_rate")


def accrual_json(
    *,
    id: UUID,
    influencer_id: UUID,
    campaign_id: UUID | None,
    rate: Decimal | None,
    plan_version_id: UUID | None,
    amount_minor: int,
    currency: str,
    lacks_rate: bool,
) -> dict[str, Any]:
    """A commission as the answer of a recorded order shows it, amount in major units."""
    return {
        "id": str(id),
        "influencerId": str(influencer_id),
        "campaignId": None if campaign_id is None else str(campaign_id),
        "rate": None if rate is None else format(rate.normalize(), "f"),
        "planVersionId": None if plan_version_id is None else str(plan_version_id),
        "amount": format(from_minor(amount_minor, currency), "f"),
        "currency": currency,
        "lacksExchangeRate": lacks_rate,
    }


def contribution_of(row: NewCommission) -> Contribution:
    """What a commission adds to the rollups, at its own time: never by platform."""
    base = row.amount.base or 0
    return Contribution(
        occurred_at=row.occurred_at,
        campaign_id=row.terms.campaign_id,
        influencer_id=row.terms.influencer_id,
        missing_rates=1 if row.amount.base is None else 0,
        **in_state(row.state, -base if row.takes_back else base),
    )


def in_state(state: CommissionState, base: int) -> dict[str, Any]:
    """The sum of a contribution that an amount in this state adds to."""
    return {f"commission_{state.lower()}": base}
