"""Made-up exchange rates, to currencies that no other test converts to."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg

from app.core.context import Ctx
from app.db.session import Database
from app.orders.ecb import Rate
from app.orders.rates import insert_own

CURRENCIES = ("CHF", "BHD", "ISK")
"""Of two, three and no digits."""

OWN_CURRENCIES = (*CURRENCIES, "EUR")
"""One of them is that of some facts, too: asked in it, these are not converted."""


async def add_rates(admin: "asyncpg.Pool[Any]", *, seed: int, first: date, days: int) -> None:
    """Add rates between these currencies and those of made-up facts, published in either direction.

    There are gaps of more than a week, after which nothing converts. Rates that are there already stay.
    """
    chance = Random(seed)
    rows: list[tuple[str, str, date, Decimal, datetime]] = []
    at = datetime.combine(first, time(), tzinfo=UTC)
    for asked in CURRENCIES:
        for own in ("GBP", "EUR", "JPY", "KWD"):
            if (asked, own) == ("ISK", "JPY"):
                continue
            day = first - timedelta(days=3)
            while day < first + timedelta(days=days):
                base, quote = (asked, own) if chance.random() < 0.4 else (own, asked)
                rows.append((base, quote, day, Decimal(chance.randint(1, 400_000)).scaleb(-4), at))
                if chance.random() < 0.2:
                    rows.append((quote, base, day, Decimal(chance.randint(1, 400_000)).scaleb(-4), at))
                day += timedelta(days=chance.choice((1, 2, 5, 8, 12)))
    await admin.executemany(
        """INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at)
        VALUES ($1, $2, $3, $4, 'test', $5) ON CONFLICT DO NOTHING""",
        rows,
    )


async def add_own_rates(db: Database, ctx: Ctx, *, seed: int, first: date, days: int) -> None:
    """Add a tenant's own rates to OWN_CURRENCIES: on some days none, on some several, in either direction."""
    chance = Random(seed)
    rates: list[Rate] = []
    for asked in OWN_CURRENCIES:
        for own in ("GBP", "EUR", "JPY", "KWD"):
            if own == asked:
                continue
            for _ in range(12):
                pair = (asked, own) if chance.random() < 0.4 else (own, asked)
                day = first + timedelta(days=chance.randrange(days))
                rates.append(Rate(*pair, day, Decimal(chance.randint(1, 400_000)).scaleb(-4)))
    async with db.write(ctx.tenant_id) as session:
        # Twice, so that some days have several.
        await insert_own(ctx, session, rates)
        await insert_own(ctx, session, [replace(rate, rate=rate.rate * 2) for rate in rates[::5]])
