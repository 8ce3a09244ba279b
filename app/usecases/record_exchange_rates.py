"""Records a tenant's own exchange rates, and converts what waited for them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial

from app.core.context import Ctx
from app.core.money import exponent
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.ecb import DIGITS, RATE_MAX, Rate
from app.orders.rate_inputs import RateInput
from app.orders.rates import insert_own
from app.runtime import Runtime
from app.usecases.convert_late import convert_late
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order

NAME = "rates"
SOURCE = "own"
TAG = "rates"
"""What is noted for the cache: any day may hold facts at the new rates."""


async def record_exchange_rates(
    runtime: Runtime, ctx: Ctx, rates: Sequence[RateInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each rate, in the order given; one that its day has already is REPLAYED."""
    check_batch(runtime, rates, name=NAME)
    checked, bad = await check_each(rates, _checked, name=NAME, external_id=lambda _: None)
    outcomes = await perform(
        runtime,
        ctx,
        operation="recordExchangeRates",
        body=rates,
        idempotency_key=idempotency_key,
        work=partial(_record, ctx, checked, bad),
    )
    await convert_late(runtime, ctx)
    return outcomes


def _checked(item: RateInput) -> Rate:
    for code, name in ((item.base, "base"), (item.quote, "quote")):
        try:
            exponent(code)
        except DomainError as error:
            raise DomainError(error.code, error.message, path=(name,)) from None
    if item.base == item.quote:
        raise DomainError("BAD_USER_INPUT", "`base` and `quote` are one currency.", path=("quote",))
    if not item.rate.is_finite() or not DIGITS <= item.rate < RATE_MAX:
        raise DomainError(
            "INVALID_AMOUNT",
            "`rate` must be more than 0, with at most ten digits before the point and ten behind it.",
            path=("rate",),
        )
    if item.rate != item.rate.quantize(DIGITS):
        raise DomainError("INVALID_AMOUNT", "`rate` has more than ten digits behind the point.", path=("rate",))
    return Rate(item.base, item.quote, item.day, Decimal(item.rate), SOURCE)


async def _record(
    ctx: Ctx, checked: Mapping[int, Rate], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    for index, rate in checked.items():
        # One after the other: of several of one day the last counts.
        is_new = await insert_own(ctx, session, [rate])
        outcomes[index] = ItemOutcome(index=index, outcome=Outcome.RECORDED if is_new else Outcome.REPLAYED)
    session.touch_tags([TAG])
    return in_order(outcomes, len(outcomes))
