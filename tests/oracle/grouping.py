"""Groups: keys that are kept and folded, which groups come, in which order, with which shares and series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from operator import eq, ge, gt, le, lt
from typing import Any

from tests.oracle.ask import Bound, Groups, Having, Of, Series, Sort, Top
from tests.oracle.calendar import edges
from tests.oracle.cells import Key, micros
from tests.oracle.measures import Parts, value
from tests.oracle.money import EXPONENTS
from tests.oracle.oracle import Asking, Figures, Side, change, is_there, quotient
from tests.oracle.series import Bucket, Within, shown


class Others:
    """Stands for all keys that are folded."""

    def __repr__(self) -> str:
        return "others"


OTHERS = Others()

Cell = dict[tuple[bool, Of], Parts]


@dataclass(frozen=True, slots=True)
class Row:
    """One group. key: of dimensions and, where it has one, the start of its bucket. members: keys that it holds."""

    key: Key
    figures: Figures
    members: int
    series: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouped:
    """All groups, in order, and the totals of those that fit `having`."""

    rows: list[Row]
    totals: tuple[Decimal | None, ...]


def grouped(asking: Asking, *, shown_max: int) -> Grouped:
    """The groups of the question. shown_max: of how many the series are wanted."""
    asked = asking.ask.groups
    assert asked is not None
    return _Grouping(asking, asked).grouped(shown_max)


class _Grouping:
    def __init__(self, asking: Asking, asked: Groups) -> None:
        self.asking, self.asked = asking, asked
        self.sides = asking.cut(asked.every)
        self.has_time = asked.every is not None
        self.starts = asking.buckets(asked.every) if asked.every else ()
        self.by_state = "commission_state" in asked.by
        self.kept = {name: self._top(name, top) for name, top in asked.tops}
        # Where keys alone are asked.
        self.extra = () if asked.measures or asked.sought else asking.presence(asked.by)

    def grouped(self, shown_max: int) -> Grouped:
        asking, asked = self.asking, self.asked
        cells = self._cells(self._folded)
        there = {key: cell for key, cell in cells.items() if is_there(cell, by_state=self.by_state)}
        sought = self._sought(there)
        fitting = {key: cell for key, cell in there.items() if fits(asked.having, sought[key])}
        totals = self._totals(set(fitting) if asked.having is not None else None)
        order = self._ordered(fitting, sought)
        members = self._members()
        nested = self._series(order[:shown_max])
        wholes = [totals[asked.measures.index(of)] for of in asked.shares]
        rows = []
        for key in order:
            figures = asking.figures(fitting[key], asked.measures, by=asked.by, key=key)
            parts = [figures.values[asked.measures.index(of)] for of in asked.shares]
            figures = Figures(figures.values, figures.previous, figures.changes, tuple(map(quotient, parts, wholes)))
            rows.append(Row(self._outer(key), figures, members.get(key, 1), nested.get(key, ())))
        return Grouped(rows, totals)

    def _cells(self, folded: Any) -> dict[Key, Cell]:
        # Of each side what is asked of it; a group is there if any of that is not nothing.
        asked = self.asked
        now = [*asked.measures, *(of for of, what in asked.sought if what != "PREVIOUS")]
        before = [*asked.measures, *(of for of, what in asked.sought if what in ("PREVIOUS", "CHANGE"))]
        found: dict[Key, Cell] = {}
        for side in self.sides:
            cells = self.asking.cells(
                before if side.is_previous else now,
                [side],
                by=asked.by,
                has_time=self.has_time,
                folded=folded,
                extra=self.extra,
            )
            for key, cell in cells.items():
                found.setdefault(key, {}).update(cell)
        return found

    def _outer(self, key: Key) -> Key:
        return (*key[:-1], self.starts[key[-1]]) if self.has_time else key

    def _top(self, name: str, top: Top) -> set[tuple[Any, Any]]:
        # Keys with the bucket in which they are kept; None for all of them.
        asking, per = self.asking, top.per_bucket
        side = asking.cut(self.asked.every)[0] if per else asking.sides[0]
        cells = asking.cells((top.by,), [side], by=(name,), has_time=per)
        ranked: dict[Any, list[tuple[Any, Any]]] = {}
        by_state = name == "commission_state"
        for key, cell in cells.items():
            if key[0] is not None and is_there(cell, by_state=by_state):
                exponent = EXPONENTS[key[0] if name == "currency" else asking.currency]
                by_value = value(top.by, cell[False, top.by], exponent, by_state=by_state)
                ranked.setdefault(key[1] if per else None, []).append((key[0], by_value))
        found = set()
        for bucket, keys in ranked.items():
            known = [each for each in keys if each[1] is not None]
            known.sort(key=lambda each: each[0])
            known.sort(key=lambda each: each[1], reverse=True)
            unknown = sorted(each for each in keys if each[1] is None)
            found |= {(key, bucket) for key, _ in (known + unknown)[: top.n]}
        return found

    def _folded(self, key: Key, bucket: int | None) -> Key | None:
        found = []
        tops = dict(self.asked.tops)
        for name, each in zip(self.asked.by, key, strict=True):
            top = tops.get(name)
            if top is None or (each, bucket if top.per_bucket else None) in self.kept[name]:
                found.append(each)
            elif not top.others:
                return None
            else:
                found.append(None if each is None else OTHERS)
        return tuple(found)

    def _members(self) -> dict[Key, int]:
        if not any(top.others for _, top in self.asked.tops):
            return {}
        tops = dict(self.asked.tops)

        def apart(key: Key, bucket: int | None) -> Key | None:
            folded = self._folded(key, bucket)
            if folded is None:
                return None
            # The keys of dimensions without a top tell groups apart already.
            return (*folded, tuple(each for name, each in zip(self.asked.by, key, strict=True) if name in tops))

        counts: dict[Key, int] = {}
        at = len(self.asked.by)
        for key, cell in self._cells(apart).items():
            if is_there(cell, by_state=self.by_state):
                bare = (*key[:at], *key[at + 1 :])
                counts[bare] = counts.get(bare, 0) + 1
        return counts

    def _sought(self, cells: dict[Key, Cell]) -> dict[Key, dict[tuple[Of, str], Decimal | None]]:
        asking, asked = self.asking, self.asked
        shares = [of for of, what in asked.sought if what == "SHARE"]
        # A share that decides which groups come is one of everything that the question asks about.
        whole = asking.cells(shares, asking.sides[:1]).get((), {})
        wholes = {of: value(of, whole.get((False, of), {}), EXPONENTS[asking.currency]) for of in shares}
        found = {}
        for key, cell in cells.items():
            values = {}
            for of, what in asked.sought:
                now = asking.value(cell, of, previous=False, by=asked.by, key=key)
                if what in ("PREVIOUS", "CHANGE"):
                    before = asking.value(cell, of, previous=True, by=asked.by, key=key)
                    now = before if what == "PREVIOUS" else change(now, before)
                elif what == "SHARE":
                    now = quotient(now, wholes[of])
                values[of, what] = now
            found[key] = values
        return found

    def _totals(self, within: set[Key] | None) -> tuple[Decimal | None, ...]:
        asking, asked = self.asking, self.asked
        if within is None:
            cells = asking.cells(asked.measures, asking.sides[:1])
        else:
            cells = asking.cells(
                asked.measures,
                self.sides[:1],
                by=asked.by,
                has_time=self.has_time,
                folded=self._folded,
                within=within,
            )
        cell = cells.get((), {})
        exponent = EXPONENTS[asking.currency]
        return tuple(value(of, cell.get((False, of), {}), exponent) for of in asked.measures)

    def _ordered(self, cells: dict[Key, Cell], sought: dict[Key, dict[tuple[Of, str], Decimal | None]]) -> list[Key]:
        asked = self.asked
        names = [*asked.by, *(["time"] if self.has_time else [])]
        named = {sort.by for sort in asked.order}
        # What the order does not name follows, ascending.
        total: list[Sort | str] = [
            *asked.order,
            *(Sort(name, descending=False) for name in names if name not in named),
        ]
        for name, top in asked.tops:
            if top.others:
                # Others stand behind those that they are the rest of.
                at = next(
                    at
                    for at, sort in enumerate(total)
                    if isinstance(sort, Sort) and (isinstance(sort.by, Of) or sort.by == name)
                )
                total.insert(at, name)
        found = list(cells)
        # Sorting is stable: from the last part to the first.
        for part in reversed(total):
            if isinstance(part, str):
                place = names.index(part)
                found.sort(key=lambda key: key[place] is OTHERS)
                continue
            found = _sorted(found, part, _reading(part, names, sought))
        return found

    def _series(self, keys: Sequence[Key]) -> dict[Key, tuple[Bucket, ...]]:
        asked = self.asked.series
        if asked is None:
            return {}
        if self.has_time:
            return self._series_in_time(asked, keys)
        cells = self._cells_of_series(asked, self.asking.cut(asked.every), self._folded)
        return {key: tuple(shown(self.asking, asked, cells.get(key, {}), by=self.asked.by, key=key)) for key in keys}

    def _series_in_time(self, asked: Series, keys: Sequence[Key]) -> dict[Key, tuple[Bucket, ...]]:
        # The buckets that each group's own bucket touches, and of them what lies in it.
        asking, whole = self.asking, self.asking.sides[0]
        spans = {}
        for bucket in {key[-1] for key in keys}:
            start, end = self.starts[bucket], self.starts[bucket + 1]
            side = Side(False, max(start, whole.start), min(end, whole.end))
            cuts = tuple(edges(side.start, side.end, asked.every, asking.ask.zone))
            inner = (micros(side.start), *map(micros, cuts[1:-1]), micros(side.end))
            side = Side(False, side.start, side.end, inner, tuple(range(len(cuts) - 1)))
            folded = partial(self._folded_in, bucket)
            spans[bucket] = Within(start, end, cuts), self._cells_of_series(asked, [side], folded)
        latest: dict[Key, datetime] = {}
        for within, cells in spans.values():
            for key, found in cells.items():
                known = [place for place, cell in found.items() if is_there(cell, by_state=self.by_state)]
                if known:
                    at = within.begins(max(known))
                    latest[key] = max(at, latest.get(key, at))
        found_: dict[Key, tuple[Bucket, ...]] = {}
        for key in keys:
            within, cells = spans[key[-1]]
            last = latest.get(key[:-1])
            of_group = cells.get(key[:-1], {})
            found_[key] = tuple(shown(asking, asked, of_group, by=self.asked.by, key=key, within=within, latest=last))
        return found_

    def _folded_in(self, bucket: int, key: Key, _: int | None) -> Key | None:
        return self._folded(key, bucket)

    def _cells_of_series(self, asked: Series, sides: Sequence[Side], folded: Any) -> dict[Key, dict[int, Cell]]:
        extra = () if asked.measures else self.asking.presence(self.asked.by)
        cells = self.asking.cells(asked.measures, sides, by=self.asked.by, has_time=True, folded=folded, extra=extra)
        found: dict[Key, dict[int, Cell]] = {}
        for key, cell in cells.items():
            found.setdefault(key[:-1], {})[key[-1]] = cell
        return found


def _reading(
    part: Sort, names: Sequence[str], sought: dict[Key, dict[tuple[Of, str], Decimal | None]]
) -> Callable[[Key], Any]:
    if isinstance(part.by, Of):
        asked = (part.by, part.of)
        return lambda key: sought[key][asked]
    place = names.index(part.by)
    return lambda key: None if key[place] is OTHERS else key[place]


def _sorted(keys: list[Key], part: Sort, read: Callable[[Key], Any]) -> list[Key]:
    known = [key for key in keys if read(key) is not None]
    unknown = [key for key in keys if read(key) is None]
    # Texts by code point, ids by their digits. A null key stands last either way.
    known.sort(key=read, reverse=part.descending)
    return unknown + known if part.nulls_first else known + unknown


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le, "eq": eq}


def fits(having: Having | None, sought: dict[tuple[Of, str], Decimal | None]) -> bool:
    """Whether a group with these values comes. Two-valued: nothing is known of a null but that it is one."""
    if having is None:
        return True
    if isinstance(having, Bound):
        value_ = sought[having.measure, having.of]
        if having.is_null is not None and (value_ is None) != having.is_null:
            return False
        return all(value_ is not None and _COMPARED[word](value_, bound) for word, bound in having.bounds)
    parts = [fits(part, sought) for part in having.parts]
    return not parts[0] if having.word == "not" else all(parts) if having.word == "and" else any(parts)
