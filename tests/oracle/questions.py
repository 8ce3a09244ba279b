"""Random questions over an export, repeatable by seed: the whole language, several of its features in each."""

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.ask import (
    Ask,
    Between,
    Both,
    Bound,
    Compare,
    Earlier,
    Either,
    Groups,
    Having,
    Is,
    Isnt,
    Joint,
    Last,
    Of,
    Preset,
    Range,
    Series,
    Sort,
    Top,
    Where,
)
from tests.oracle.calendar import UNITS, earlier, edges, span
from tests.oracle.facts import MODELS
from tests.oracle.measures import MEASURES, STATES, dimensions
from tests.oracle.oracle import Oracle
from tests.oracle.varied import BOUNDS, RANKS, TEXTS, WORDS, Varied, prefix, some

ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/St_Johns",
)
STEPS = ("HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
LENGTHS = {"HOUR": 1 / 24, "DAY": 0.95, "WEEK": 6.9, "MONTH": 27.9, "QUARTER": 89, "YEAR": 364}
"""Days of a step at least."""

BUCKETS_MAX = 300
"""Buckets of one facet."""

FILTERED = (
    "influencer",
    "campaign",
    "product",
    "code",
    "platform",
    "channel",
    "country",
    "customer_kind",
    "commission_state",
    "is_purchase",
)
UNGROUPED = frozenset({"is_purchase"})
KEYED = ("influencer", "campaign", "product", "code", "platform", "channel", "country")


class Questions:
    """Questions about the facts between two instants. The same seed gives the same questions.

    currencies: asked for besides the tenant's. running: now may lie in the midst of the facts. alike: so many in a row
    differ in times, keys and numbers only.
    """

    def __init__(
        self,
        oracle: Oracle,
        seed: int,
        *,
        first: datetime,
        last: datetime,
        currencies: Sequence[str] = (),
        running: bool = True,
        alike: int = 1,
    ) -> None:
        self._chance = random.Random(seed)
        self._oracle, self._first, self._last = oracle, first, last
        self._currencies, self._running = currencies, running
        self._keys: dict[str, list[Any]] = {name: oracle.keys(name) for name in KEYED}
        # Few moments: what was known at one is computed once.
        self._as_of = [first + (last - first) * self._chance.random() for _ in range(3)]
        self._alike, self._left = alike, 0
        self._model: Ask | None = None

    def next(self) -> Ask:
        """The next question."""
        if self._left == 0 or self._model is None:
            self._model, self._left = self._made(), self._alike
        self._left -= 1
        return self._again(self._model)

    def _again(self, model: Ask) -> Ask:
        # The same but for times, keys and numbers: servers read it once and answer it anew.
        chance = self._chance
        needs_steps = model.series is not None or (model.groups is not None and bool(model.groups.every))
        while True:
            zone = self._oracle.zone if chance.random() < 0.5 else chance.choice(ZONES)
            ask = replace(model, now=self._now(), range=self._range(zone), zone=zone)
            if model.as_of is not None:
                as_of = chance.choice(self._as_of)
                ask = replace(ask, as_of=as_of, now=max(ask.now, as_of + timedelta(days=1)))
            if model.compare is not None:
                ask = replace(ask, compare=self._compare(ask))
            steps = self._steps(ask)
            if bool(ask.compare) == bool(model.compare) and (steps or not needs_steps):
                break
        if ask.currency is not None:
            ask = replace(ask, currency=chance.choice(self._currencies))
        varied = Varied(self._chance, self._keys, steps)
        return replace(
            ask,
            where=varied.where(ask.where),
            totals=varied.measures(ask.totals),
            series=None if ask.series is None else varied.series(ask.series),
            groups=None if ask.groups is None else varied.groups(ask.groups),
        )

    def _made(self) -> Ask:
        chance = self._chance
        zone = self._oracle.zone if chance.random() < 0.5 else chance.choice(ZONES)
        ask = Ask(self._now(), self._range(zone), zone)
        filtered = self._filtered()
        ask = replace(
            ask,
            where=self._where(filtered, depth=2) if filtered else None,
            attribution=chance.choice(MODELS) if chance.random() < 0.25 else "BOOKED",
            currency=chance.choice(self._currencies) if self._currencies and chance.random() < 0.2 else None,
            compare=self._compare(ask) if chance.random() < 0.5 else None,
        )
        if chance.random() < 0.12:
            as_of = chance.choice(self._as_of)
            ask = replace(ask, as_of=as_of, now=max(ask.now, as_of + timedelta(days=1)))
            if not self._may_compare(ask):
                ask = replace(ask, compare=None)
        steps = self._steps(ask)
        kinds = chance.choice(("t", "s", "ts", "g", "g", "g", "tg", "tsg"))
        totals = self._measures(filtered, chance.choice((1, 2, 4))) if "t" in kinds else ()
        series = self._series(filtered, steps) if "s" in kinds and steps else None
        groups = self._groups(filtered, steps, ask) if "g" in kinds else None
        if not totals and series is None and groups is None:
            totals = self._measures(filtered, 3)
        return replace(ask, totals=totals, series=series, groups=groups)

    def _now(self) -> datetime:
        first, last = self._first, self._last
        if not self._running or self._chance.random() < 0.5:
            return (last + timedelta(days=1_000)).replace(microsecond=0)
        return (first + (last - first) * self._chance.random() + timedelta(days=3)).replace(microsecond=0)

    def _filtered(self) -> tuple[str, ...]:
        chance = self._chance
        if chance.random() < 0.45:
            return ()
        while True:
            found = tuple(chance.sample(FILTERED, chance.choice((1, 1, 2))))
            if self._pool(found):
                return found

    def _pool(self, needed: Collection[str]) -> list[str]:
        return [name for name in MEASURES if {*needed} <= dimensions(name)]

    def _range(self, zone: str) -> Range:
        chance = self._chance
        first, last = self._first, self._last
        kind = chance.choice(("between", "between", "between", "last", "preset"))
        if kind == "preset" and self._running:
            return Preset(chance.choice((*UNITS, "ALL_TIME")))
        if kind == "last" and self._running:
            unit = chance.choice(STEPS[:5])
            n = chance.randint(1, {"HOUR": 200, "DAY": 60, "WEEK": 20, "MONTH": 5, "QUARTER": 3}[unit])
            return Last(n, unit, chance.random() < 0.5)
        whole = last - first
        if chance.random() < 0.15:
            return Between(first - timedelta(days=3), last + timedelta(days=3))
        start = first + whole * chance.random()
        length = timedelta(days=chance.choice((0.2, 1, 3, 10, 33, 70, 200)) * (0.5 + chance.random()))
        start = start.replace(microsecond=chance.randrange(1_000_000))
        end = start + timedelta(microseconds=length // timedelta(microseconds=1))
        if chance.random() < 0.6:
            # Whole local buckets: what rollups answer without facts.
            every = chance.choice(("DAY", "WEEK", "MONTH", "MONTH", "QUARTER"))
            outer = edges(start, end, every, zone)
            start, end = outer[0], outer[-1]
        return Between(start, end)

    def _compare(self, ask: Ask) -> Compare | None:
        chance = self._chance
        if chance.random() < 0.2:
            start, end = span(ask.range, ask.now, ask.zone)
            back = timedelta(days=chance.choice((1, 7, 30, 50)))
            if start.year > 1900:
                return Between(start - back, end - back * chance.random())
        compare = Earlier(chance.choice(("PERIOD", "PERIOD", "YEAR")), chance.choice(("ELAPSED", "FULL")))
        return compare if self._may_compare(replace(ask, compare=compare)) else None

    def _may_compare(self, ask: Ask) -> bool:
        if ask.compare is None:
            return True
        if ask.range == Preset("ALL_TIME"):
            return False
        start, end = earlier(ask.compare, ask.range, ask.now, ask.zone)[0]
        return start < end

    def _steps(self, ask: Ask) -> list[str]:
        if ask.range == Preset("ALL_TIME"):
            # Its buckets begin with the first fact.
            return []
        spans = [span(ask.range, ask.now, ask.zone)]
        if ask.compare is not None:
            spans.append(earlier(ask.compare, ask.range, ask.now, ask.zone)[0])
        days = max((end - start) / timedelta(days=1) for start, end in spans)
        return [step for step in STEPS if days / LENGTHS[step] < BUCKETS_MAX]

    def _measures(self, needed: Collection[str], count: int, *, additive: bool = False) -> tuple[Of, ...]:
        chance = self._chance
        pool = self._pool(needed)
        if additive:
            pool = [name for name in pool if MEASURES[name].has_additive_parts]
        chosen = [chance.choice(pool) for _ in range(count)] if pool else []
        return tuple(dict.fromkeys(self._of(name) for name in chosen))

    def _of(self, name: str) -> Of:
        chance = self._chance
        takes = MEASURES[name].takes
        states = at = None
        if takes == "state" and chance.random() < 0.5:
            states = tuple(sorted(chance.sample(STATES, chance.choice((0, 1, 1, 2, 5)))))
        if takes == "at":
            at = chance.choice(RANKS)
        where = None
        if chance.random() < 0.15:
            where = self._where(sorted(dimensions(name) & {*FILTERED}), depth=1)
        return Of(name, states, at, where)

    def _series(self, needed: Collection[str], steps: Sequence[str], *, nested: bool = False) -> Series:
        chance = self._chance
        cumulative = not nested and chance.random() < 0.3
        measures = self._measures(needed, chance.choice((1, 2, 3)), additive=cumulative)
        fill = chance.choice(("AUTO", "AUTO", "ZERO", "NULL", "PREVIOUS", "NONE"))
        return Series(chance.choice(steps), measures, fill, cumulative and bool(measures))

    def _groups(self, filtered: Sequence[str], steps: Sequence[str], ask: Ask) -> Groups | None:
        chance = self._chance
        named = sorted({name for each in self._pool(filtered) for name in dimensions(each)} - UNGROUPED)
        while True:
            by = tuple(chance.sample(named, min(chance.choice((0, 1, 1, 1, 2, 2, 3)), len(named))))
            if self._pool({*filtered, *by}):
                break
        every = chance.choice(steps) if steps and (not by or chance.random() < 0.25) else None
        if not by and every is None:
            return None
        needed = {*filtered, *by}
        measures = self._measures(needed, chance.choice((1, 1, 2, 3, 5)))
        tops = []
        for name in by:
            if chance.random() < 0.4:
                others = name != "currency" and chance.random() < 0.75
                ranked = self._measures({*filtered, name}, 1)[0]
                tops.append((name, Top(chance.randint(1, 3), ranked, others, bool(every) and chance.random() < 0.5)))
        shared = [of for of in measures if MEASURES[of.name].is_additive and "currency" not in by]
        shares = tuple(of for of in shared if chance.random() < 0.5)
        facets = ["VALUE", "VALUE"] + (["PREVIOUS", "CHANGE"] if ask.compare else [])
        groups = Groups(by, measures, every, tuple(tops), shares, first=chance.choice((1, 5, 20, 50)))
        sought = [*measures, *self._measures(needed, 1)]
        order = self._order(groups, sought, facets)
        having = self._having(sought, facets, by, depth=2) if chance.random() < 0.35 else None
        nested = None
        if steps and chance.random() < 0.15 and (every is None or ask.compare is None):
            coarse = [step for step in steps if step != "HOUR"] or steps
            nested = self._series(needed, coarse[-4:], nested=True)
        return replace(groups, order=order, having=having, series=nested)

    def _order(self, groups: Groups, sought: Sequence[Of], facets: Sequence[str]) -> tuple[Sort, ...]:
        chance = self._chance
        parts: list[Sort] = []
        for _ in range(chance.choice((0, 1, 1, 2))):
            if chance.random() < 0.6:
                of = chance.choice(sought)
                facet = self._facet(of, facets, groups.by)
                parts.append(Sort(of, facet, chance.random() < 0.6, chance.random() < 0.4))
            else:
                name = chance.choice([*groups.by, *(["time"] if groups.every else [])])
                if all(part.by != name for part in parts):
                    parts.append(Sort(name, descending=chance.random() < 0.5))
        return tuple(parts)

    def _facet(self, of: Of, facets: Sequence[str], by: Sequence[str]) -> str:
        shares = ["SHARE"] if MEASURES[of.name].is_additive and "currency" not in by else []
        return self._chance.choice([*facets, *shares])

    def _having(self, sought: Sequence[Of], facets: Sequence[str], by: Sequence[str], *, depth: int) -> Having:
        chance = self._chance
        if depth == 0 or chance.random() < 0.6:
            of = chance.choice(sought)
            words = chance.sample(("gt", "gte", "lt", "lte", "eq"), chance.choice((0, 1, 1, 1, 2)))
            bounds = tuple((word, Decimal(chance.choice(BOUNDS))) for word in words)
            is_null = chance.choice((None, None, None, True, False)) if words else chance.random() < 0.3
            return Bound(of, self._facet(of, facets, by), bounds, is_null)
        word = chance.choice(("and", "or", "not"))
        count = 1 if word == "not" else chance.choice((1, 2, 3))
        return Joint(word, tuple(self._having(sought, facets, by, depth=depth - 1) for _ in range(count)))

    def _where(self, dimensions_: Sequence[str], *, depth: int) -> Where:
        chance = self._chance
        if depth == 0 or chance.random() < 0.55:
            return self._condition(chance.choice(dimensions_))
        kind = chance.choice(("and", "or", "not"))
        if kind == "not":
            return Isnt(self._where(dimensions_, depth=depth - 1))
        parts = tuple(self._where(dimensions_, depth=depth - 1) for _ in range(chance.choice((1, 2, 2, 3))))
        return Both(parts) if kind == "and" else Either(parts)

    def _condition(self, name: str) -> Is:
        chance = self._chance
        if name in WORDS:
            return Is(name, isin=tuple(chance.sample(WORDS[name], 1)))
        match chance.choice(("in", "in", "notIn", "null", "prefix", "mixed")):
            case "in":
                return Is(name, isin=some(chance, name, self._keys[name]))
            case "notIn":
                return Is(name, not_in=some(chance, name, self._keys[name]))
            case "prefix" if name in TEXTS:
                return Is(name, starts_with=prefix(chance, self._keys[name]))
            case "mixed":
                is_null = chance.choice((True, False, None))
                return Is(
                    name,
                    isin=some(chance, name, self._keys[name]),
                    not_in=some(chance, name, self._keys[name]),
                    is_null=is_null,
                )
            case _:
                return Is(name, is_null=chance.random() < 0.5)
