"""What making and deciding corrections of commissions share: how they are converted, posted, told and answered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.commissions import service
from app.commissions.corrections import Correction
from app.commissions.service import NewCommission
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.orders.conversion import Rates, key_of, load_rates


async def post(ctx: Ctx, session: WriteSession, rows: Sequence[NewCommission]) -> None:
    """Post corrections as commissions."""
    await service.post(ctx, session, rows)
    await deltas.append(ctx, session, [service.contribution_of(row) for row in rows])
    session.touch_days({row.occurred_at.date() for row in rows})


def orders_of(items: Iterable[Correction]) -> set[UUID]:
    """The orders that corrections name."""
    return {item.order_id for item in items if item.order_id is not None}


async def load_rates_of(
    ctx: Ctx, session: WriteSession, items: Iterable[Correction], times: Mapping[UUID, datetime]
) -> Rates:
    """The exchange rates that corrections are converted at."""
    return await load_rates(ctx, session, {key_of(item.currency, _rated_at(item, times)) for item in items})


def _rated_at(item: Correction, times: Mapping[UUID, datetime]) -> datetime:
    # A commission has its order's rate.
    return item.occurred_at if item.order_id is None else times.get(item.order_id, item.occurred_at)


def base_of(rates: Rates, item: Correction, times: Mapping[UUID, datetime]) -> int | None:
    """The amount in the tenant's currency; None where no rate is known."""
    return rates.convert_one(item.amount, item.currency, _rated_at(item, times))


def event_of(item: Correction) -> outbox.Event:
    """What is told of a correction."""
    commission = {} if item.commission_id is None else {"commissionId": str(item.commission_id)}
    return outbox.Event(
        f"correction.{item.state.lower()}",
        item.id,
        {
            "influencerId": str(item.influencer_id),
            "amountMinor": item.amount,
            "currency": item.currency,
            **commission,
        },
    )


def outcome_of(index: int, outcome: Outcome, item: Correction) -> ItemOutcome:
    """The outcome of a correction: whether it counts."""
    return ItemOutcome(
        index=index, outcome=outcome, id=item.id, external_id=item.external_id, detail={"state": item.state.value}
    )
