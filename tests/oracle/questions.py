"""Random questions over an export, repeatable by seed: all measures, dimensions, filters, zones and time steps."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.ask import Ask, Both, Either, Is, Isnt, Where
from tests.oracle.calendar import first_day, midnight, next_first_day
from tests.oracle.measures import MEASURES, dimensions
from tests.oracle.oracle import Oracle

ZONES = (
    "Europe/London",
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Adelaide",
    "America/Santiago",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/St_Johns",
)
STEPS = ("HOUR", "DAY", "DAY", "WEEK", "MONTH", "MONTH", "QUARTER", "YEAR")
SHORTEST = {"HOUR": timedelta(hours=1), "DAY": timedelta(hours=23)}
CELLS_MAX = 2_000
"""Buckets of one question: enough for 80 days of hours."""

TEXTS = ("code", "country", "channel")
"""Dimensions whose filter has `startsWith`."""


@dataclass(frozen=True, slots=True)
class By:
    """One element of an order: a measure or dimension by name, or `time`. nulls_first: of a measure's nulls."""

    name: str
    is_descending: bool
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Random:
    """A question and how its groups are ordered. kind: totals, series or groups."""

    kind: str
    ask: Ask
    order: tuple[By, ...] = ()
    first: int = 50


class Questions:
    """Questions between two instants. The same seed gives the same questions."""

    def __init__(self, oracle: Oracle, seed: int, *, first: datetime, last: datetime) -> None:
        self._chance = random.Random(seed)
        self._zone = oracle.zone
        self._first, self._last = first, last
        self._keys = {
            name: oracle.keys(name)
            for name in ("influencer", "campaign", "product", "code", "platform", "channel", "country")
        }

    def next(self) -> Random:
        """The next question."""
        kind = self._chance.choice(("totals", "series", "series", "groups", "groups", "groups"))
        ask = self._ask()
        if kind == "totals":
            return Random(kind, ask)
        if kind == "series":
            return Random(kind, self._stepped(ask))
        return self._grouped(ask)

    def _ask(self) -> Ask:
        chance = self._chance
        zone = self._zone if chance.random() < 0.5 else chance.choice(ZONES)
        measures = tuple(chance.sample(list(MEASURES), chance.choice((1, 1, 2, 3, 5))))
        start, end = self._range(zone)
        ask = Ask(start, end, zone, measures)
        shared = self._shared(measures)
        if shared and chance.random() < 0.6:
            # Currency is no filter: with rates of the day it would only cut the same sums another way.
            ask = replace(ask, where=self._where(sorted(shared - {"currency"}), depth=2))
        return ask

    def _shared(self, measures: Sequence[str]) -> frozenset[str]:
        found = dimensions(measures[0])
        for measure in measures[1:]:
            found &= dimensions(measure)
        return found

    def _range(self, zone: str) -> tuple[datetime, datetime]:
        chance = self._chance
        whole = self._last - self._first
        if chance.random() < 0.15:
            return self._first - timedelta(days=3), self._last + timedelta(days=3)
        start = self._first + whole * chance.random()
        length = timedelta(days=chance.choice((0.2, 1, 3, 10, 33, 70, 200)) * (0.5 + chance.random()))
        start = start.replace(microsecond=chance.randrange(1_000_000))
        end = start + timedelta(microseconds=length // timedelta(microseconds=1))
        if chance.random() < 0.6:
            # Whole local buckets: what rollups answer without facts.
            every = chance.choice(("DAY", "WEEK", "MONTH", "MONTH", "QUARTER"))
            info = ZoneInfo(zone)
            start = midnight(first_day(start.astimezone(info).date(), every), info)
            end = midnight(next_first_day(first_day(end.astimezone(info).date(), every), every), info)
        return start, end

    def _stepped(self, ask: Ask) -> Ask:
        every = self._chance.choice(STEPS)
        while (ask.end - ask.start) / SHORTEST.get(every, timedelta(days=6)) > CELLS_MAX:
            every = self._chance.choice(STEPS)
        return replace(ask, every=every)

    def _grouped(self, ask: Ask) -> Random:
        chance = self._chance
        shared = self._shared(ask.measures)
        count = min(chance.choice((1, 1, 1, 2, 2, 3)), len(shared))
        by = tuple(chance.sample(sorted(shared), count))
        ask = replace(ask, by=by)
        if not by or chance.random() < 0.3:
            ask = self._stepped(ask)
        return Random("groups", ask, self._order(ask), chance.choice((1, 5, 50, 200)))

    def _order(self, ask: Ask) -> tuple[By, ...]:
        chance = self._chance
        names = [*ask.measures, *ask.by, *(["time"] if ask.every else [])]
        chosen = chance.sample(names, min(chance.choice((0, 1, 1, 2)), len(names)))
        return tuple(
            By(name, chance.random() < 0.5, nulls_first=name in MEASURES and chance.random() < 0.5) for name in chosen
        )

    def _where(self, dimensions_: Sequence[str], *, depth: int) -> Where:
        chance = self._chance
        if not dimensions_ or depth == 0 or chance.random() < 0.55:
            return self._condition(chance.choice(dimensions_ or ["influencer"]))
        kind = chance.choice(("and", "or", "not"))
        if kind == "not":
            return Isnt(self._where(dimensions_, depth=depth - 1))
        parts = tuple(self._where(dimensions_, depth=depth - 1) for _ in range(chance.choice((0, 1, 2, 2, 3))))
        return Both(parts) if kind == "and" else Either(parts)

    def _condition(self, name: str) -> Is:
        chance = self._chance
        match chance.choice(("in", "in", "notIn", "null", "prefix", "mixed")):
            case "in":
                return Is(name, isin=self._some(name))
            case "notIn":
                return Is(name, not_in=self._some(name))
            case "prefix" if name in TEXTS:
                key = chance.choice([*self._keys[name], "no such"])
                return Is(name, starts_with=key[: chance.randint(0, 2)])
            case "mixed":
                is_null = chance.choice((True, False, None))
                return Is(name, isin=self._some(name), not_in=self._some(name), is_null=is_null)
            case _:
                return Is(name, is_null=chance.random() < 0.5)

    def _some(self, name: str) -> tuple[str, ...]:
        chance = self._chance
        keys = self._keys[name]
        found = chance.sample(keys, min(len(keys), chance.choice((0, 1, 2, 4))))
        if chance.random() < 0.1 and name != "platform":
            found.append("NONESUCH" if name in TEXTS else str(uuid.UUID(int=chance.getrandbits(128))))
        return tuple(found)
