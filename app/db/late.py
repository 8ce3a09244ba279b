"""Amounts that had no rate when they came: what they are worth in the tenant's currency is written once there is one.

The amount in the tenant's currency goes from unknown to known, and no further: what was converted keeps its rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.ids import plain
from app.db.session import WriteSession


@dataclass(frozen=True, slots=True)
class LateFact:
    """A fact that has an amount, a currency and a time of its own, and is not converted."""

    id: UUID
    currency: str
    occurred_at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class LateAmounts:
    """Those of one table, which is declared: no name from outside is ever put in."""

    table: str

    async def lock(self, session: WriteSession, *, after: UUID, limit: int) -> list[LateFact]:
        """The next facts that are not converted, in order of id, at most `limit`; locked."""
        rows = await session.fetch(
            f"""/* late.{self.table} */
            SELECT id, currency, occurred_at, amount_minor
            FROM {self.table}
            WHERE tenant_id = $1 AND id > $2 AND amount_base_minor IS NULL
            ORDER BY id
            LIMIT $3
            FOR NO KEY UPDATE""",  # noqa: S608 - a declared name
            session.tenant_id,
            after,
            limit,
        )
        return [LateFact(plain(row["id"]), row["currency"], row["occurred_at"], row["amount_minor"]) for row in rows]

    async def write(self, session: WriteSession, bases: Mapping[UUID, int]) -> None:
        """Write what rows are worth in the tenant's currency, minor units by id."""
        if not bases:
            return
        await session.execute(
            f"""/* late.write_{self.table} */
            UPDATE {self.table}
            SET amount_base_minor = known.base
            FROM unnest($2::uuid[], $3::bigint[]) AS known (id, base)
            WHERE {self.table}.tenant_id = $1 AND {self.table}.id = known.id
              AND {self.table}.amount_base_minor IS NULL""",  # noqa: S608 - a declared name
            session.tenant_id,
            list(bases),
            list(bases.values()),
        )
