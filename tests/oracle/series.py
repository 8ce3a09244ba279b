"""Time series: a bucket for every step of the range, as far as it has passed, and what stands in empty ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle.ask import Of, Series
from tests.oracle.cells import Key
from tests.oracle.measures import Parts
from tests.oracle.oracle import Asking, Figures, change, is_there

Cell = dict[tuple[bool, Of], Parts]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. is_null: it has no measures."""

    start: datetime
    is_partial: bool
    is_filled: bool
    is_null: bool
    figures: Figures


def series(asking: Asking, asked: Series) -> list[Bucket]:
    """The series of the whole question."""
    extra = () if asked.measures else asking.presence(())
    cells = asking.cells(asked.measures, asking.cut(asked.every), has_time=True, extra=extra)
    return shown(asking, asked, {key[-1]: cell for key, cell in cells.items()})


@dataclass(frozen=True, slots=True)
class Within:
    """The bucket of a group by time, and the edges of its series' buckets: the outer ones may lie beyond it."""

    start: datetime
    end: datetime
    edges: tuple[datetime, ...]

    def begins(self, place: int) -> datetime:
        """When what of a bucket lies in it begins."""
        return max(self.edges[place], self.start)


def shown(
    asking: Asking,
    asked: Series,
    cells: Mapping[int, Cell],
    *,
    by: Sequence[str] = (),
    key: Key = (),
    within: Within | None = None,
    latest: datetime | None = None,
) -> list[Bucket]:
    """The buckets of these cells, by number. by, key: of the group whose series it is, within: its time.

    latest: when the last cell begins that anything lies in, this group's or its like's in another time.
    """
    side, now = asking.sides[0], asking.ask.now
    own = asking.buckets(asked.every)
    within = within or Within(own[0], own[-1], own)
    edges = within.edges
    by_state = "commission_state" in by
    known = {number for number, cell in cells.items() if is_there(cell, by_state=by_state, previous=False)}
    until = max(now, latest or now, *(within.begins(place) for place in known))
    found: list[Bucket] = []
    running: Cell = {}
    before: tuple[Any, ...] | None = None
    for place in range(len(edges) - 1):
        if within.begins(place) > until:
            break
        cell = cells.get(place, {})
        if asked.cumulative:
            running = cell = _together(running, cell)
        figures = asking.figures(cell, asked.measures, by=by, key=key)
        is_filled, is_null = place not in known, False
        values = figures.values
        if not is_filled:
            before = values
        elif asked.fill == "NONE":
            continue
        elif asked.fill == "ZERO":
            values = tuple(value or Decimal(0) for value in values)
        elif asked.fill == "PREVIOUS" and before is not None:
            values = before
        elif asked.fill in ("NULL", "PREVIOUS"):
            values, is_null = (None,) * len(values), True
        changes = tuple(map(change, values, figures.previous)) if figures.previous else ()
        start, end = edges[place], edges[place + 1]
        is_partial = start < max(side.start, within.start) or end > min(side.end, within.end, now)
        found.append(Bucket(start, is_partial, is_filled, is_null, Figures(values, figures.previous, changes)))
    return found


def _together(one: Cell, other: Cell) -> Cell:
    found = {key: dict(parts) for key, parts in one.items()}
    for key, parts in other.items():
        into = found.setdefault(key, {})
        for name, part in parts.items():
            if isinstance(part, dict):
                into[name] = {**into.get(name, {}), **part}
            else:
                into[name] = into.get(name, 0) + part
    return found
