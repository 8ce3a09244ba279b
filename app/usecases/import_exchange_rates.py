"""Imports exchange rates from files of the ECB, and converts what waited for them."""

from collections.abc import Sequence
from itertools import islice

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.ecb import EURO, Rate, crossed, read_rates
from app.orders.rate_inputs import RateFile
from app.orders.rates import insert_own
from app.runtime import Runtime
from app.usecases.convert_late import convert_late
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order
from app.usecases.record_exchange_rates import TAG

NAME = "files"
RATES_MAX = 200_000
"""Rates that one call imports."""


async def import_exchange_rates(
    runtime: Runtime, ctx: Ctx, files: Sequence[RateFile | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each file of the ECB's; `detail` holds how many rates were new.

    Beside the euro's rates those are kept that follow from them for the tenant's currency.
    """
    check_batch(runtime, files, name=NAME)
    own = {ctx.tenant.currency} - {EURO}
    room = RATES_MAX

    def read(item: RateFile) -> list[Rate]:
        nonlocal room
        # One more than there is room for tells that there are too many, however long the file.
        found = list(islice(read_rates(item.csv, since=item.since), room + 1))
        found += islice(crossed(found, only=own), room + 1 - len(found))
        if len(found) > room:
            raise DomainError(
                "BATCH_TOO_LARGE", f"The files hold more than {RATES_MAX} rates. Give `since`.", path=("csv",)
            )
        room -= len(found)
        return found

    checked, bad = await check_each(files, read, name=NAME, external_id=lambda _: None, is_long=True)

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        outcomes = dict(bad)
        for index, rates in checked.items():
            inserted = await insert_own(ctx, session, rates)
            outcomes[index] = ItemOutcome(
                index=index,
                outcome=Outcome.RECORDED if inserted else Outcome.REPLAYED,
                detail={"rates": inserted},
            )
        session.touch_tags([TAG])
        return in_order(outcomes, len(outcomes))

    outcomes = await perform(
        runtime,
        ctx,
        operation="importExchangeRates",
        body=files,
        idempotency_key=idempotency_key,
        work=work,
    )
    await convert_late(runtime, ctx)
    return outcomes
