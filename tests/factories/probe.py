"""A feature that misbehaves on request: every way a field can end, for tests of what surrounds fields."""

import asyncio
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import cast

import strawberry

from app.core.context import Scope
from app.core.paging import Page
from app.db.columns import Rows
from app.db.keyset import Sort
from app.errors import DomainError, OutsideError, QueryIssue, QueryIssues
from graphql_schema.connection import Connection, Connections
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import BigInt, CurrencyCode, TimeZone

SECRET = "a text that only our logs may hold"

ends: list[str] = []
"""How slow fields ended, in order. Tests clear it."""

ANYBODY = requires(Scope.PROGRAM_READ)


@strawberry.enum
class Colour(Enum):
    """A closed set, for suggestions."""

    RED = "RED"
    GREEN = "GREEN"


@strawberry.input
class Tree:
    """A recursive input."""

    sub: "Tree | None" = None
    text: str | None = None


@strawberry.type
class Item:
    """An item whose field fails."""

    number: int

    @strawberry.field
    def fails(self) -> int | None:
        """Always a bug."""
        raise ZeroDivisionError(SECRET)

    @strawberry.field
    def refuses(self) -> int | None:
        """Always a caller's mistake."""
        raise DomainError("UNKNOWN_ORDER", f"No order {self.number}.", path=("orders", self.number))


@strawberry.type
class Query:
    """One field for each end."""

    @strawberry.field(extensions=[ANYBODY])
    def domain(self) -> int | None:
        """A caller's mistake."""
        raise DomainError("UNKNOWN_ORDER", "No order X.", path=("orders", 3, "id"))

    @strawberry.field(extensions=[ANYBODY])
    def issues(self) -> int | None:
        """Three mistakes of one question."""
        raise QueryIssues(
            [
                QueryIssue("RANGE_INVALID", "The range is empty.", ("range",), "Give an end after the start."),
                QueryIssue("NOT_SUPPORTED", "Not that."),
                QueryIssue("TOO_MANY_GROUPS", "Too many.", ("groups", "by", "0")),
            ]
        )

    @strawberry.field(extensions=[ANYBODY])
    def outside(self) -> int | None:
        """An outage."""
        raise OutsideError("The database is not reachable.", retryable=True)

    @strawberry.field(extensions=[ANYBODY])
    def bug(self) -> int | None:
        """A bug."""
        raise ZeroDivisionError(SECRET)

    @strawberry.field(extensions=[ANYBODY])
    async def driver(self, info: Info, text: str) -> int | None:
        """A driver's error, whose text quotes the caller."""
        async with info.context.runtime.db.read(info.context.ctx.tenant_id) as session:
            return cast(int, await session.fetchval("/* probe.driver */ SELECT $1::text::integer", text))

    @strawberry.field(extensions=[ANYBODY])
    def nothing(self) -> int:
        """A missing value where there must be one."""
        return cast(int, None)

    @strawberry.field(extensions=[ANYBODY])
    def not_a_number(self) -> Decimal | None:
        """A decimal that is none."""
        return Decimal("NaN")

    @strawberry.field(extensions=[ANYBODY])
    def naive(self) -> datetime | None:
        """A time without an offset."""
        return datetime(2026, 1, 1)

    @strawberry.field(extensions=[ANYBODY])
    def items(self, first: int = 10) -> list[Item]:
        """Items whose fields fail."""
        return [Item(number=number) for number in range(first)]

    @strawberry.field(extensions=[ANYBODY])
    def page(self, first: int = 10) -> Connection[Item]:
        """The same as a page."""
        rows = Rows({"id": list(range(first)), "number": list(range(first))})

        async def count(_: int) -> int:
            ends.append("counted")
            return first

        found: Connection[Item] = Connections(
            rows,
            [range(first)],
            Page(limit=first),
            question="page",
            sort=Sort("number"),
            node=lambda row: Item(number=row["number"]),
            count=count,
        )[0]
        return found

    @strawberry.field(extensions=[ANYBODY])
    def echo(
        self,
        text: str | None = None,
        number: int | None = None,
        big: BigInt | None = None,
        decimal: Decimal | None = None,
        time: datetime | None = None,
        zone: TimeZone | None = None,
        currency: CurrencyCode | None = None,
        colour: Colour | None = None,
        tree: Tree | None = None,
        ids: list[strawberry.ID] | None = None,
        times: list[datetime] | None = None,
        required: int = 1,
    ) -> str:
        """What came in, as the resolver saw it."""
        given = [text, number, big, decimal, time, zone, currency, colour, ids, times]
        return repr([value for value in given if value is not None])

    @strawberry.field(extensions=[ANYBODY])
    async def slow(self, info: Info, seconds: float) -> int:
        """A statement that takes its time."""
        async with info.context.runtime.db.read(info.context.ctx.tenant_id) as session:
            try:
                await session.fetchval("/* probe.slow */ SELECT pg_sleep($1)", seconds)
            except BaseException as error:
                ends.append(type(error).__name__)
                raise
        ends.append("slept")
        return 1

    @strawberry.field(extensions=[requires(Scope.OPERATE)])
    def operators_only(self) -> str:
        """What only operators see."""
        ends.append("seen")
        return SECRET


@strawberry.type
class Mutation:
    """Writes that take their time."""

    @strawberry.field(extensions=[requires(Scope.ORDERS_WRITE)])
    async def slow_write(self, seconds: float) -> int:
        """A write that must not be cut off."""
        try:
            await asyncio.sleep(seconds)
        except BaseException as error:
            ends.append(type(error).__name__)
            raise
        ends.append("written")
        return 1
