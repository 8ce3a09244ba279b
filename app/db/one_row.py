"""The one row that a tenant has in a table: what it has set of its own, as a dataclass. Declared by its feature."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_origin, get_type_hints

from app.core.context import Ctx
from app.db.looks import Look
from app.db.rows import word_of
from app.db.session import ReadSession, WriteSession
from app.tables import TenantRow


class Value(Protocol):
    """A frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


V = TypeVar("V", bound=Value)
T = TypeVar("T")


class OneRow(Generic[V]):
    """Statements of a table with one row a tenant. Its columns are the fields of the value.

    unsaid: what holds of a tenant that never set anything.
    """

    def __init__(self, table: type[TenantRow], value: type[V], unsaid: Callable[[Ctx], V]) -> None:
        described: Any = table
        name, stored = described.__tablename__, {column.name for column in described.__table__.columns}
        hints = get_type_hints(value)
        self.columns: tuple[str, ...] = tuple(field.name for field in fields(value))
        assert stored.issuperset(self.columns), f"{name} lacks columns of {value.__name__}"
        self._value, self._unsaid = value, unsaid
        self._reads = tuple(
            word_of(hints[column]) or (tuple if get_origin(hints[column]) is tuple else None) for column in self.columns
        )
        listed = ", ".join(self.columns)
        numbers = [f"${number}" for number in range(2, len(self.columns) + 2)]
        now = f"${len(self.columns) + 2}"
        times = [column for column in ("created_at", "updated_at") if column in stored]
        # Only declared names enter these texts; values are parameters.
        self._load = f"/* {name}.load */ SELECT {listed} FROM {name} WHERE tenant_id = $1"  # noqa: S608
        # An array of arrays has no ragged edge, so that a look carries an array as JSON.
        looked = ", ".join(
            f"to_jsonb({column}) AS {column}" if get_origin(hints[column]) is tuple else column
            for column in self.columns
        )
        self._look = f"/* {name}.look */ SELECT {looked} FROM {name} WHERE tenant_id = $1"  # noqa: S608
        self._lock = f"""/* {name}.lock */
            INSERT INTO {name} (tenant_id, {listed}, {", ".join(times)})
            VALUES ($1, {", ".join((*numbers, *(now for _ in times)))})
            ON CONFLICT (tenant_id) DO UPDATE SET updated_at = {name}.updated_at
            RETURNING {listed}"""  # noqa: S608
        self._save = f"""/* {name}.save */
            UPDATE {name}
            SET {", ".join(f"{column} = {number}" for column, number in zip(self.columns, numbers, strict=True))},
              updated_at = {now}
            WHERE tenant_id = $1"""  # noqa: S608

    async def load(self, ctx: Ctx, session: ReadSession) -> V:
        """What the tenant has set, or what holds unsaid."""
        row = await session.fetchrow(self._load, ctx.tenant_id)
        return self._unsaid(ctx) if row is None else self.made(row)

    def look(self, read: Callable[[V | None], T]) -> Look[T]:
        """The same with others. read: makes what is found of what the tenant has set, None where it has set nothing."""
        return Look(self._look, self.columns, lambda rows: read(self.made(rows[0]) if rows else None))

    async def lock(self, ctx: Ctx, session: WriteSession) -> V:
        """The same, locked until the transaction's end: who changes a part of it reads it here."""
        row = await session.fetchrow(self._lock, ctx.tenant_id, *self._values(self._unsaid(ctx)), ctx.now)
        assert row is not None, "an upsert returns its row"
        return self.made(row)

    async def save(self, ctx: Ctx, session: WriteSession, value: V) -> None:
        """Make this what the tenant has set, which is locked."""
        tag = await session.execute(self._save, ctx.tenant_id, *self._values(value), ctx.now)
        assert tag == "UPDATE 1", "a locked row does not vanish"

    def made(self, row: Any) -> V:
        """The value of a row's columns, in the order of `columns`."""
        values = (
            value if read is None or value is None else read(value)
            for read, value in zip(self._reads, row, strict=True)
        )
        return self._value(**dict(zip(self.columns, values, strict=True)))

    def _values(self, value: V) -> list[Any]:
        found = (getattr(value, column) for column in self.columns)
        return [list(each) if isinstance(each, tuple) else each for each in found]
