"""Looks that go together: SELECTs that do not wait for each other, asked for in one statement, as one round trip.

known, codes = known_orders(external_ids), offers(asked)
await ask(ctx, session, known, codes)
known.found
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from app.core.context import Ctx
from app.db.gathered import parameters, shifted
from app.db.session import ReadSession

T = TypeVar("T")


class Look(Generic[T]):
    """A SELECT of these columns, which are no arrays; in its parameters $1 is the tenant and `args` are from $2 on.

    read: makes of its rows, as tuples, what is found. It is that of no rows until it is asked for; where a parameter
    lists nothing it is not asked for at all.
    """

    def __init__(self, sql: str, columns: Sequence[str], read: Callable[[Sequence[Any]], T], *args: Any) -> None:
        self.sql = sql
        self.columns = tuple(columns)
        self.args = args
        self.read = read
        self.found = read(())

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look for."""
        return any(type(value) is list and not value for value in self.args)


async def ask(ctx: Ctx, session: ReadSession, *looks: Look[Any]) -> None:
    """Look for all of them, in one statement."""
    asked = [look for look in looks if not look.is_idle]
    if not asked:
        return
    row = await session.fetchrow(
        _as_one(tuple((look.sql, look.columns) for look in asked)),
        ctx.tenant_id,
        *(value for look in asked for value in look.args),
    )
    assert row is not None, "each part is one row"
    start = 0
    for look in asked:
        end = start + len(look.columns)
        columns = row[start:end]
        # Of no rows there is no array.
        look.found = look.read(() if columns[0] is None else list(zip(*columns, strict=True)))
        start = end


@lru_cache(maxsize=1_000)
def _as_one(parts: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    placed = []
    used = 0
    for number, (sql, columns) in enumerate(parts):
        arrays = ", ".join(f"array_agg(l.{column}) AS {column}" for column in columns)
        placed.append(f"(SELECT {arrays} FROM ({shifted(sql, used)}) AS l) AS l{number}")  # noqa: S608 - declared texts
        used += parameters(sql) - 1
    together = ",\n".join(placed)
    return f"/* session.looks */\nSELECT *\nFROM {together}"
