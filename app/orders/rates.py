"""Exchange rates as they come in: those of all tenants, written by the owner, and a tenant's own."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from app.core.context import Ctx
from app.core.ids import new_ids
from app.db.parts import in_parts
from app.db.session import WriteSession


class DayRate(Protocol):
    """One `base` is `rate` `quote` on a day."""

    @property
    def base(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def rate(self) -> Decimal: ...
    @property
    def source(self) -> str: ...


async def insert_for_all(session: WriteSession, rates: Sequence[DayRate], *, now: datetime) -> int:
    """Number of rates inserted for all tenants. A rate that is known for its day stays. Of the owner's session."""
    inserted = 0
    for part in in_parts(rates):
        tag = await session.execute(
            """/* rates.insert_for_all */
            INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at)
            SELECT new.base, new.quote, new.day, new.rate, new.source, $1
            FROM unnest($2::text[], $3::text[], $4::date[], $5::numeric[], $6::text[])
              AS new (base, quote, day, rate, source)
            ON CONFLICT (base, quote, day) DO NOTHING""",
            now,
            *_columns(part),
        )
        inserted += int(tag.rpartition(" ")[2])
    return inserted


async def insert_own(ctx: Ctx, session: WriteSession, rates: Sequence[DayRate]) -> int:
    """Number of the tenant's own rates inserted: one that is what its day has already is left out."""
    inserted = 0
    for part in in_parts(rates):
        tag = await session.execute(
            """/* rates.insert_own */
            INSERT INTO own_rates (tenant_id, id, base, quote, day, rate, source, recorded_at)
            SELECT $1, new.id, new.base, new.quote, new.day, new.rate, new.source, $2
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[], $7::numeric[], $8::text[])
              AS new (id, base, quote, day, rate, source)
            WHERE new.rate IS DISTINCT FROM (
              SELECT known.rate
              FROM own_rates AS known
              WHERE known.tenant_id = $1 AND known.base = new.base AND known.quote = new.quote AND known.day = new.day
              ORDER BY known.id DESC
              LIMIT 1
            )""",
            ctx.tenant_id,
            ctx.now,
            new_ids(len(part)),
            *_columns(part),
        )
        inserted += int(tag.rpartition(" ")[2])
    return inserted


def _columns(rates: Sequence[DayRate]) -> list[list[object]]:
    return [[getattr(rate, name) for rate in rates] for name in ("base", "quote", "day", "rate", "source")]
