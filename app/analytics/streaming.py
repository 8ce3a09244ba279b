"""A table read bit by bit: the same plan as that of its page, but without the page's bound, in constant memory.

Rows come through a cursor of the database, within the snapshot of one session. Nothing is kept in the cache.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.analytics.computing import Opened, opened
from app.analytics.figures import Reader, reader
from app.analytics.plan import Plan
from app.analytics.query import Question
from app.analytics.resolved import Resolved, ResolvedGroups
from app.analytics.rows import GroupColumns, missing_rates
from app.analytics.semantic.formula import Unit
from app.analytics.sql.shapes import DIGITS_MAX
from app.core.money import exponent
from app.db.session import ReadSession
from app.errors import QueryIssue

CHUNK_ROWS = 4_000
"""Rows that are in memory at a time."""

UNBOUNDED = 2**62
"""More rows than any table has."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table, by column: keys and whether they are the rest of a dimension's, times, measures.

    keys, others: of each dimension. starts: first instants of the rows' time; None without time. values: of each
    measure that is asked, whole numbers of the table's last digits.
    """

    rows: int
    keys: tuple[Sequence[UUID | str | int | None], ...]
    others: tuple[Sequence[bool] | None, ...]
    starts: Sequence[datetime] | None
    values: tuple[Sequence[int | None], ...]


@dataclass(frozen=True, slots=True)
class StreamedTable:
    """A table whose rows are still to be read. session: sees what the table sees.

    digits: behind the point, of each measure's values. samples: of each measure, one of so many keys is counted.
    estimated: measures of which not all keys are, also where they only decide which rows come. missing_rates: amounts
    that are left out. chunks: to be read once.
    """

    resolved: Resolved
    asked: ResolvedGroups
    digits: tuple[int, ...]
    samples: tuple[int, ...]
    estimated: tuple[str, ...]
    missing_rates: int
    session: ReadSession
    chunks: AsyncIterator[Chunk]


def unbounded(question: Question) -> tuple[Question, int | None]:
    """The question without its table's bound, and the bound. It is a mistake where it is negative."""
    (table,) = question.groups
    mistakes = question.mistakes
    if table.first is not None and table.first < 0:
        message = f"`first` is {table.first}; it must be 0 or more."
        path = (*table.path, "first")
        mistakes += (QueryIssue("INVALID_PAGE", message, path, "Without it all rows come."),)
    whole = replace(question, groups=(replace(table, first=None),), wants_warnings=True, mistakes=mistakes)
    return whole, table.first


async def streamed(session: ReadSession, resolved: Resolved, planned: Plan, first: int | None) -> StreamedTable:
    """The table of the question's only grouping. first: rows at most."""
    (asked,), (groups,) = resolved.groups, planned.groups
    assert groups.page.paging is not None, "groups come in an order"
    paging = replace(groups.page.paging, limit=UNBOUNDED)
    whole = replace(planned, groups=(replace(groups, page=replace(groups.page, paging=paging)),))
    found = await opened(session, resolved, whole)
    readings = [asked.layout.readings[ask, False] for ask in asked.columns.values]
    samples = found.samples or (1,) * len(asked.layout.layers)
    estimated = [ask.name for (ask, _), reading in asked.layout.readings.items() if samples[reading.layer] > 1]
    estimated += [top.top.by.name for top, sample in zip(asked.tops, found.ranked, strict=True) if sample > 1]
    return StreamedTable(
        resolved=resolved,
        asked=asked,
        digits=tuple(_digits(reading.formula.unit, reading.formula.digits, resolved, asked) for reading in readings),
        samples=tuple(samples[reading.layer] for reading in readings),
        estimated=tuple(dict.fromkeys(estimated)),
        missing_rates=0 if found.totals is None else missing_rates(found.totals, range(len(found.totals))),
        session=session,
        chunks=_chunks(session, found, _Reading(resolved, asked, found.page.statement.columns), first),
    )


async def _chunks(session: ReadSession, found: Opened, reading: "_Reading", first: int | None) -> AsyncIterator[Chunk]:
    left = first
    if left == 0:
        return
    rows_read = session.stream(found.page.statement.text, *found.page.args, batch=CHUNK_ROWS)
    async with aclosing(rows_read) as batches:  # type: ignore[type-var]  # it is a generator
        async for rows in batches:
            shown = rows if left is None else rows[:left]
            # In a thread: others are answered meanwhile.
            yield await asyncio.to_thread(reading.chunk, shown)
            if left is not None:
                left -= len(shown)
                if not left:
                    return


def _digits(unit: Unit, digits: Callable[[int], int], resolved: Resolved, asked: ResolvedGroups) -> int:
    # A column has one number of digits: where its rows are of several currencies, those of the finest.
    if unit is Unit.MONEY and "currency" in asked.dimensions:
        return DIGITS_MAX
    return digits(exponent(resolved.currency))


class _Reading:
    """Reads rows of a table by column."""

    def __init__(self, resolved: Resolved, asked: ResolvedGroups, columns: tuple[str, ...]) -> None:
        self._resolved, self._asked = resolved, asked
        self._columns = GroupColumns.of(columns, asked.dimensions)
        known = {name: index for index, name in enumerate(columns)}
        self._names = columns
        self._currency = known.get("currency") if "currency" in asked.dimensions else None

    def chunk(self, rows: Sequence[Sequence[Any]]) -> Chunk:
        """These rows. At least one."""
        columns = list(zip(*rows, strict=True))
        times, edges = self._columns.bucket, self._asked.edges
        return Chunk(
            rows=len(rows),
            keys=tuple(columns[index] for _, index in self._columns.keys),
            others=tuple(None if index is None else columns[index] for index in self._columns.others),
            starts=None if times is None else [edges[place - 1] for place in columns[times]],
            values=self._values(columns),
        )

    def _values(self, columns: Sequence[Sequence[Any]]) -> tuple[Sequence[int | None], ...]:
        read = self._reader(exponent(self._resolved.currency))
        sums = read.numbers(columns)
        if self._currency is None:
            return tuple(read.measures(sums))
        # The rest of the currencies has none, and no amounts.
        digits = [exponent(currency or self._resolved.currency) for currency in columns[self._currency]]
        readers = {each: self._reader(each) for each in set(digits)}
        found = []
        for number, ask in enumerate(self._asked.columns.values):
            is_money = self._asked.layout.readings[ask, False].formula.unit is Unit.MONEY
            finer = {each: 10 ** (DIGITS_MAX - each) if is_money else 1 for each in readers}
            # Of all rows in each number of digits: there are few.
            by_digits = {each: read.values[number](sums) for each, read in readers.items()}
            values = [by_digits[each][row] for row, each in enumerate(digits)]
            found.append([None if v is None else v * finer[each] for v, each in zip(values, digits, strict=True)])
        return tuple(found)

    def _reader(self, digits: int) -> Reader:
        return reader(self._asked.columns, self._asked.layout, self._names, digits)
