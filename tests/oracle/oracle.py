"""Answers questions over an export."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.ask import Ask, Both, Of, Where
from tests.oracle.calendar import Back, belonging, earlier, edges, span
from tests.oracle.cells import CLOCK, ORIGINAL, Export, Key, Terms, bucket_of, micros, used
from tests.oracle.facts import Fact
from tests.oracle.measures import FACTS_OF, Parts, dimensions, formula, number, value
from tests.oracle.money import EXPONENTS, half_even, shown

Values = tuple[Decimal | None, ...]
"""Measures, in the order asked."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is shown of a row. previous, changes: () where nothing is compared. shares: of those asked."""

    values: Values
    previous: Values = ()
    changes: Values = ()
    shares: Values = ()


def change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """(now − before) ÷ before, of what is shown."""
    return None if now is None or before is None else quotient(now - before, before)


def quotient(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """part ÷ whole in six digits, half-even."""
    if part is None or not whole:
        return None
    # Whole numbers of the last digit that either has.
    above, below = (int(each.scaleb(12)) for each in (part, whole))
    return shown(half_even(above * 10**6, below), 6)


@dataclass(frozen=True, slots=True)
class Side:
    """The range, or what it is compared with. edges: of its buckets, cut to it. of: which later bucket each is."""

    is_previous: bool
    start: datetime
    end: datetime
    edges: tuple[int, ...] = ()
    of: tuple[int | None, ...] = ()

    def bucket(self, at: int) -> int | None:
        """Number of the later bucket that an instant belongs to."""
        return self.of[bucket_of(self.edges, at)]

    def starts(self, bucket: int) -> int:
        """When that bucket begins on this side."""
        return self.edges[self.of.index(bucket)]


class Oracle:
    """One export."""

    def __init__(self, directory: Path) -> None:
        self.export = Export(directory)
        self.currency, self.zone = self.export.currency, self.export.zone

    def asking(self, ask: Ask) -> "Asking":
        """A question made concrete."""
        return Asking(self.export, ask)

    def keys(self, dimension: str) -> list[Any]:
        """All keys that a dimension has anywhere, sorted."""
        return self.export.keys(dimension)


class Asking:
    """One question: its times, its facts, its figures."""

    def __init__(self, export: Export, ask: Ask) -> None:
        self.export, self.ask = export, ask
        self.clock = export.clock(ask.zone)
        self.currency = ask.currency or export.currency
        start, end = span(ask.range, ask.now, ask.zone)
        self.back: Back | None = None
        self.sides = [Side(False, start, end)]
        if ask.compare is not None:
            (first, last), self.back = earlier(ask.compare, ask.range, ask.now, ask.zone)
            self.sides.append(Side(True, first, last))

    def buckets(self, every: str) -> tuple[datetime, ...]:
        """Edges of the range's buckets; the outer ones may lie beyond it."""
        return tuple(edges(self.sides[0].start, self.sides[0].end, every, self.ask.zone))

    def cut(self, every: str | None) -> list[Side]:
        """The sides with their buckets."""
        if every is None:
            return self.sides
        later = self.buckets(every)
        found = []
        for side in self.sides:
            cuts = edges(side.start, side.end, every, self.ask.zone)
            places: Sequence[int | None] = range(len(cuts) - 1)
            if side.is_previous:
                belongs = belonging(later, cuts, self.back, every, self.ask.zone)
                places = [belongs.get(place) for place in range(len(cuts) - 1)]
            inner = (micros(side.start), *map(micros, cuts[1:-1]), micros(side.end))
            found.append(Side(side.is_previous, side.start, side.end, inner, tuple(places)))
        return found

    def key(self, fact: Fact, names: Sequence[str], at: int | None = None) -> Key:
        """Its keys; at: another time than its own."""
        at = fact.at if at is None else at
        return tuple(self.clock.of(at, name) if name in CLOCK else getattr(fact, name) for name in names)

    def cells(
        self,
        asked: Sequence[Of],
        sides: Sequence[Side],
        *,
        by: Sequence[str] = (),
        has_time: bool = False,
        folded: Any = None,
        within: Any = None,
        extra: Sequence[str] = (),
    ) -> dict[Key, dict[tuple[bool, Of], Parts]]:
        """By cell, and by side and measure: what of the facts is in it.

        folded: what becomes of a key, given the bucket; None where it is left out. within: whether a cell counts, whose
        facts all come to (). extra: parts that are wanted of every cell of the range besides.
        """
        found: dict[Key, dict[tuple[bool, Of], Parts]] = {}
        by_state = "commission_state" in by
        for side in sides:
            layers: dict[Where | None, list[Of]] = {}
            for of in dict.fromkeys(asked):
                layers.setdefault(of.where, []).append(of)
            if extra and not side.is_previous:
                layers.setdefault(None, [])
            for where, ofs in layers.items():
                names = [name for of in ofs for name in formula(of, by_state=by_state).parts]
                if where is None and not side.is_previous:
                    names += extra
                for key, parts in self._added(side, where, names, by, has_time, folded, within).items():
                    cell = found.setdefault(key, {})
                    for of in ofs:
                        cell[side.is_previous, of] = parts
                    if not ofs:
                        cell[False, EXTRA] = parts
        return found

    def _added(
        self,
        side: Side,
        where: Where | None,
        names: Sequence[str],
        by: Sequence[str],
        has_time: bool,
        folded: Any,
        within: Any,
    ) -> dict[Any, Parts]:
        ask = self.ask
        both = Both((ask.where, where)) if ask.where and where else ask.where or where
        currency = ORIGINAL if "currency" in by and within is None else self.currency
        terms = Terms(micros(side.start), micros(side.end), both, ask.attribution, currency, ask.as_of)

        def key_of(fact: Fact, at: int | None = None) -> Key | None:
            bucket = side.bucket(fact.at) if has_time else None
            if has_time and bucket is None:
                return None
            key: Key | None = self.key(fact, by, at)
            if folded is not None:
                key = folded(key, bucket)
            if key is None:
                return None
            key = (*key, bucket) if has_time else key
            if within is not None:
                return () if key in within else None
            return key

        clocks = any(name in CLOCK for name in by) and within is None

        def is_new(fact: Fact, key: Key) -> bool:
            start = side.starts(key[-1]) if has_time and within is None else terms.start
            if fact.first_at < start:
                return False
            return not clocks or key_of(fact, fact.first_at) == key

        products = "product" in by or "product" in used(both)
        return self.export.added(names, terms, key_of, by_product=products, is_new=is_new)

    def value(self, cell: dict[tuple[bool, Of], Parts], of: Of, *, previous: bool, by: Sequence[str], key: Key) -> Any:
        """A measure of a cell of groups."""
        exponent = EXPONENTS[key[list(by).index("currency")] if "currency" in by else self.currency]
        return value(of, cell.get((previous, of), {}), exponent, by_state="commission_state" in by)

    def figures(
        self,
        cell: dict[tuple[bool, Of], Parts],
        asked: Sequence[Of],
        *,
        by: Sequence[str] = (),
        key: Key = (),
    ) -> Figures:
        """What is shown of a cell, shares aside."""
        values = tuple(self.value(cell, of, previous=False, by=by, key=key) for of in asked)
        if self.ask.compare is None:
            return Figures(values)
        before = tuple(self.value(cell, of, previous=True, by=by, key=key) for of in asked)
        return Figures(values, before, tuple(map(change, values, before)))

    def presence(self, by: Sequence[str]) -> tuple[str, ...]:
        """Parts by which a cell is there where no measure is asked: what was tracked or ordered, else earned."""
        needed = {*by, *used(self.ask.where)}
        found = tuple(name for name in ("instances", "orders") if needed <= dimensions(name))
        return found or (FACTS_OF["commissions"] if needed <= dimensions("commission") else ())

    def totals(self) -> Figures:
        """The measures of the whole range."""
        cells = self.cells(self.ask.totals, self.sides)
        return self.figures(cells.get((), {}), self.ask.totals)


EXTRA = Of("")
"""Stands for what no measure asks of a cell."""


def is_there(cell: dict[tuple[bool, Of], Parts], *, by_state: bool = False, previous: bool = True) -> bool:
    """Whether anything that is asked of it is not nothing."""
    for (is_previous, of), parts in cell.items():
        if is_previous and not previous:
            continue
        names = tuple(parts) if of is EXTRA else formula(of, by_state=by_state).parts
        if any(number(parts, name) for name in names):
            return True
    return False
