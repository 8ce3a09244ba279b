"""The cohort table as it is shown: rows of sums, from the database or the cache, become cells. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.analytics.cohorts.query import CohortMeasure
from app.analytics.cohorts.resolve import MEMBERS, ResolvedCohorts
from app.core.money import WEIGHT_ONE, divide_half_even, from_minor
from app.core.timegrain import local_date

RATIO_DIGITS = 6
"""Digits of orders per customer."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One period of a cohort. value: so far if it has not ended; None if it has not begun, or by no size."""

    index: int
    value: Decimal | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One cohort. start: local date of its bucket. size: its members."""

    start: date
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class CohortAnswer:
    """The table. computed_at: when its sums were. is_cached: they were kept. missing_rates: amounts left out."""

    resolved: ResolvedCohorts
    computed_at: datetime
    is_cached: bool
    rows: tuple[Row, ...]
    missing_rates: int


def answer_of(
    resolved: ResolvedCohorts, sums: Iterable[Sequence[Any]], *, computed_at: datetime, is_cached: bool
) -> CohortAnswer:
    """The table from the rows of the statement."""
    found: dict[tuple[int, int], int] = {}
    missing = 0
    for cohort, period, value, unknown in sums:
        # Numerics come as Decimal from the database and as text from the cache.
        found[cohort, period] = found.get((cohort, period), 0) + int(Decimal(value))
        # What is dated in periods that have not begun is not shown.
        missing += int(unknown) if resolved.edges[cohort + max(period, 0) - 1] <= resolved.as_of else 0
    rows = tuple(_row(resolved, number, found) for number in range(resolved.cohorts))
    return CohortAnswer(resolved, computed_at, is_cached, rows, missing)


def _row(resolved: ResolvedCohorts, number: int, found: dict[tuple[int, int], int]) -> Row:
    edges = resolved.edges
    size = found.get((number + 1, MEMBERS), 0)
    cells = []
    so_far = 0
    for index in range(resolved.periods):
        here = found.get((number + 1, index), 0)
        so_far += here
        start, end = edges[number + index], edges[number + index + 1]
        value = None if start > resolved.as_of else _shown(resolved, here, so_far, size)
        cells.append(Cell(index, value, is_complete=end <= resolved.as_of))
    return Row(local_date(edges[number], resolved.zone), size, tuple(cells))


def _shown(resolved: ResolvedCohorts, here: int, so_far: int, size: int) -> Decimal | None:
    match resolved.measure:
        case CohortMeasure.RETAINED_CUSTOMERS:
            return Decimal(here)
        case CohortMeasure.CUMULATIVE_REVENUE:
            return from_minor(divide_half_even(so_far, WEIGHT_ONE), resolved.currency)
        case CohortMeasure.ORDERS_PER_CUSTOMER:
            if size == 0:
                return None
            ratio = divide_half_even(so_far * 10**RATIO_DIGITS, size * WEIGHT_ONE)
            return Decimal(ratio).scaleb(-RATIO_DIGITS)
