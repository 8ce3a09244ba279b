"""Writes commissions with their lines and events, posts them to the ledger, and reads back what a credit has earned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app import ledger
from app.analytics.rollups.deltas import Contribution
from app.commissions.accrue import Amount, Balance, Place
from app.core.context import Ctx
from app.core.ids import new_ids
from app.core.money import from_minor
from app.core.pauses import Pauses
from app.core.words import CommissionKind, CommissionState
from app.db.parts import READ_MAX, in_parts
from app.db.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose credit earns, and how much of it: the rate is kept as it was when the order was booked."""

    credit_id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    code: str | None
    weight: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class NewCommission:
    """A row of commissions about to be written. A REVERSAL's amount is negative and is REVERSED from the start."""

    id: UUID
    kind: CommissionKind
    terms: Terms
    order_id: UUID
    refund_id: UUID | None
    currency: str
    amount: Amount
    occurred_at: datetime

    def to_json(self) -> dict[str, Any]:
        """The row as the answer of a recorded order shows it."""
        return accrual_json(
            id=self.id,
            influencer_id=self.terms.influencer_id,
            campaign_id=self.terms.campaign_id,
            rate=self.terms.rate,
            amount_minor=self.amount.amount,
            currency=self.currency,
        )

    @property
    def state(self) -> CommissionState:
        """The state it starts in."""
        return CommissionState.REVERSED if self.kind is CommissionKind.REVERSAL else CommissionState.PENDING


@dataclass(slots=True)
class Earnings:
    """A credit's terms and the sums of its commissions; kept up as the items of one batch are applied."""

    terms: Terms
    earned: Balance = field(default_factory=Balance)
    reversed: Balance = field(default_factory=Balance)


async def post(ctx: Ctx, session: WriteSession, commissions: Sequence[NewCommission]) -> None:
    """Insert commissions, their lines and first events, and their ledger postings: four statements."""
    if not commissions:
        return
    await session.execute(
        """/* commissions.insert */
        INSERT INTO commissions (tenant_id, id, kind, state, order_id, credit_id, refund_id, influencer_id, campaign_id,
          code, rate, basis_minor, currency, amount_minor, amount_base_minor, occurred_at, recorded_at, updated_at)
        SELECT $1, new.*, $2, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[],
            $11::text[], $12::numeric[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[], $17::timestamptz[])
          AS new (id, kind, state, order_id, credit_id, refund_id, influencer_id, campaign_id, code, rate, basis_minor,
            currency, amount_minor, amount_base_minor, occurred_at)""",
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
        [row.terms.rate for row in commissions],
        [row.amount.basis for row in commissions],
        [row.currency for row in commissions],
        [row.amount.amount for row in commissions],
        [row.amount.base for row in commissions],
        [row.occurred_at for row in commissions],
    )
    await _insert_lines(ctx, session, commissions)
    await session.execute(
        """/* commissions.insert_events */
        INSERT INTO commission_events (tenant_id, id, commission_id, from_state, to_state, reason, recorded_at)
        SELECT $1, event.id, event.commission_id, NULL, event.to_state, NULL, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS event (id, commission_id, to_state)""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(commissions)),
        [row.id for row in commissions],
        [row.state for row in commissions],
    )
    postings = (
        ledger.of_commission(
            commission_id=row.id,
            influencer_id=row.terms.influencer_id,
            currency=row.currency,
            amount_minor=row.amount.amount,
        )
        for row in commissions
    )
    await ledger.append(ctx, session, [posting for posting in postings if posting is not None])


async def _insert_lines(ctx: Ctx, session: WriteSession, commissions: Sequence[NewCommission]) -> None:
    # Many per commission: what they share with it is sent once and joined here.
    lines = [(number, share) for number, row in enumerate(commissions, start=1) for share in row.amount.shares]
    for part in in_parts(lines):
        await session.execute(
            """/* commissions.insert_lines */
            INSERT INTO commission_lines (tenant_id, id, commission_id, position, product_id, amount_minor,
              amount_base_minor, occurred_at, recorded_at)
            SELECT $1, line.id, earned.id, line.position, line.product_id, line.amount_minor, line.amount_base_minor,
              earned.occurred_at, $10
            FROM unnest($2::integer[], $3::uuid[], $4::integer[], $5::uuid[], $6::bigint[], $7::bigint[])
              AS line (number, id, position, product_id, amount_minor, amount_base_minor)
            JOIN unnest($8::uuid[], $9::timestamptz[]) WITH ORDINALITY AS earned (id, occurred_at, number)
              ON earned.number = line.number""",
            ctx.tenant_id,
            [number for number, _ in part],
            new_ids(len(part)),
            [share.place[0] for _, share in part],
            [share.place[1] for _, share in part],
            [share.amount for _, share in part],
            [share.base for _, share in part],
            [row.id for row in commissions],
            [row.occurred_at for row in commissions],
            ctx.now,
        )


async def earnings(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, list[Earnings]]:
    """What the credits of these orders have earned and given back so far, by order. The orders are locked."""
    ids = list(order_ids)
    rows = await session.fetch(
        """/* commissions.balances */
        SELECT commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked, min(commissions.rate) AS rate,
          commissions.kind = 'REVERSAL' AS is_reversal, sum(commissions.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(commissions.amount_base_minor IS NOT NULL)
            THEN sum(commissions.amount_base_minor)::bigint END AS amount_base_minor
        FROM commissions
        JOIN credits ON credits.tenant_id = $1 AND credits.id = commissions.credit_id
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.kind IN ('ACCRUAL', 'EDIT', 'REVERSAL')
        GROUP BY commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked, credits.position, is_reversal
        ORDER BY commissions.order_id, credits.position, is_reversal""",
        ctx.tenant_id,
        ids,
    )
    if not rows:
        return {}
    shares = await _shares(ctx, session, ids)
    found: dict[UUID, dict[UUID, Earnings]] = {}
    for row in rows:
        credit_id = row["credit_id"]
        of_order = found.setdefault(row["order_id"], {})
        if credit_id not in of_order:
            # Every reversal follows an accrual, which names the rate.
            assert not row["is_reversal"]
            of_order[credit_id] = Earnings(
                Terms(
                    credit_id=credit_id,
                    influencer_id=row["influencer_id"],
                    campaign_id=row["campaign_id"],
                    code=row["code"],
                    weight=row["weight_booked"],
                    rate=row["rate"],
                )
            )
        key = credit_id, row["is_reversal"]
        balance = Balance(row["amount_minor"], row["amount_base_minor"], shares.get(key, {}))
        if row["is_reversal"]:
            of_order[credit_id].reversed = balance
        else:
            of_order[credit_id].earned = balance
    return {order_id: list(of_order.values()) for order_id, of_order in found.items()}


async def _shares(
    ctx: Ctx, session: ReadSession, order_ids: list[UUID]
) -> dict[tuple[UUID, bool], dict[Place, tuple[int, int | None]]]:
    rows = await session.fetch(
        """/* commissions.balances_by_line */
        SELECT commissions.credit_id, commissions.kind = 'REVERSAL' AS is_reversal, line.position, line.product_id,
          sum(line.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(line.amount_base_minor IS NOT NULL)
            THEN sum(line.amount_base_minor)::bigint END AS amount_base_minor
        FROM commissions
        JOIN commission_lines AS line ON line.tenant_id = $1 AND line.commission_id = commissions.id
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.kind IN ('ACCRUAL', 'EDIT', 'REVERSAL')
        GROUP BY commissions.credit_id, is_reversal, line.position, line.product_id""",
        ctx.tenant_id,
        order_ids,
    )
    found: dict[tuple[UUID, bool], dict[Place, tuple[int, int | None]]] = {}
    pauses = Pauses()
    for part in in_parts(rows, READ_MAX):
        for credit_id, is_reversal, position, product_id, amount, base in part:
            found.setdefault((credit_id, is_reversal), {})[position, product_id] = amount, base
        await pauses.take()
    return found


async def accruals(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What was accrued when the orders were booked, as JSON values, by order; in the order of the credits."""
    rows = await session.fetch(
        """/* commissions.accruals */
        SELECT commissions.order_id, commissions.id, commissions.influencer_id, commissions.campaign_id,
          commissions.rate, commissions.amount_minor, commissions.currency
        FROM commissions
        JOIN credits ON credits.tenant_id = $1 AND credits.id = commissions.credit_id
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[]) AND commissions.kind = 'ACCRUAL'
        ORDER BY commissions.order_id, credits.position""",
        ctx.tenant_id,
        list(order_ids),
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(accrual_json(**{key: row[key] for key in _ACCRUAL}))
    return found


_ACCRUAL = ("id", "influencer_id", "campaign_id", "rate", "amount_minor", "currency")


def accrual_json(
    *, id: UUID, influencer_id: UUID, campaign_id: UUID | None, rate: Decimal, amount_minor: int, currency: str
) -> dict[str, Any]:
    """A commission as the answer of a recorded order shows it, amount in major units."""
    return {
        "id": str(id),
        "influencerId": str(influencer_id),
        "campaignId": None if campaign_id is None else str(campaign_id),
        "rate": format(rate.normalize(), "f"),
        "amount": format(from_minor(amount_minor, currency), "f"),
        "currency": currency,
    }


def contribution_of(row: NewCommission) -> Contribution:
    """What a commission adds to the rollups, at its own time: never by platform."""
    base = row.amount.base or 0
    is_reversal = row.kind is CommissionKind.REVERSAL
    return Contribution(
        occurred_at=row.occurred_at,
        campaign_id=row.terms.campaign_id,
        influencer_id=row.terms.influencer_id,
        commission_pending=0 if is_reversal else base,
        commission_reversed=-base if is_reversal else 0,
        missing_rates=1 if row.amount.base is None else 0,
    )
