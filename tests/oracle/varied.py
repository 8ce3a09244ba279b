"""The same question about other keys, times and numbers."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.oracle.ask import Both, Bound, Either, Groups, Having, Is, Isnt, Joint, Of, Series, Top, Where
from tests.oracle.measures import STATES

TEXTS = ("code", "country", "channel")
"""Dimensions whose filter has `startsWith`."""

WORDS = {"is_purchase": ("true", "false"), "customer_kind": ("NEW", "RETURNING"), "commission_state": STATES}
BOUNDS = ("0", "0", "1", "2", "3.5", "10", "25.75", "100", "-0.2", "0.333333", "0.5", "-5")
RANKS = (0.0, 0.25, 0.5, 0.5, 0.9, 1.0)


def some(chance: random.Random, name: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Some keys of a dimension, now and then one that nobody has."""
    found = chance.sample(keys, min(len(keys), chance.choice((1, 1, 2, 4))))
    if chance.random() < 0.1 and name != "platform":
        found.append("NONESUCH" if name in TEXTS else str(uuid.UUID(int=chance.getrandbits(128))))
    return tuple(found)


def prefix(chance: random.Random, keys: Sequence[str]) -> str:
    """How a key begins, or none does."""
    return str(chance.choice([*keys, "no such"]))[: chance.randint(0, 2)]


class Varied:
    """One variation. keys: of dimensions. steps: that the times allow."""

    def __init__(self, chance: random.Random, keys: Mapping[str, Sequence[Any]], steps: Sequence[str]) -> None:
        self._chance, self._keys, self._steps = chance, keys, steps
        self._known: dict[Of, Of] = {}

    def of(self, of: Of) -> Of:
        """The measure; the same one wherever it is named."""
        if of not in self._known:
            at = None if of.at is None else self._chance.choice(RANKS)
            self._known[of] = Of(of.name, of.states, at, self.where(of.where))
        return self._known[of]

    def measures(self, asked: Sequence[Of]) -> tuple[Of, ...]:
        """Measures, each once."""
        return tuple(dict.fromkeys(map(self.of, asked)))

    def where(self, where: Where | None) -> Any:
        """The filter with other keys."""
        match where:
            case None:
                return None
            case Isnt():
                return Isnt(self.where(where.part))
            case Both():
                return Both(tuple(map(self.where, where.parts)))
            case Either():
                return Either(tuple(map(self.where, where.parts)))
            case Is():
                name, chance = where.dimension, self._chance
                if name in WORDS:
                    count = 1 if name != "commission_state" else chance.choice((1, 2, 3))
                    return Is(name, isin=tuple(chance.sample(WORDS[name], count)))
                return Is(
                    name,
                    None if where.isin is None else some(chance, name, self._keys[name]),
                    None if where.not_in is None else some(chance, name, self._keys[name]),
                    None if where.starts_with is None else prefix(chance, self._keys[name]),
                    where.is_null,
                )

    def series(self, asked: Series) -> Series:
        """The series by another step."""
        fill = self._chance.choice(("AUTO", "AUTO", "ZERO", "NULL", "PREVIOUS", "NONE"))
        return Series(self._chance.choice(self._steps), self.measures(asked.measures), fill, asked.cumulative)

    def groups(self, asked: Groups) -> Groups:
        """The groups with other numbers."""
        chance = self._chance
        nested = None
        if asked.series is not None and self._steps:
            coarse = [step for step in self._steps if step != "HOUR"] or list(self._steps)
            nested = replace(self.series(asked.series), every=chance.choice(coarse[-4:]))
        return replace(
            asked,
            measures=self.measures(asked.measures),
            shares=self.measures(asked.shares),
            every=chance.choice(self._steps) if asked.every else None,
            tops=tuple((name, self._top(top)) for name, top in asked.tops),
            having=self._having(asked.having),
            order=tuple(
                replace(sort, by=self.of(sort.by)) if isinstance(sort.by, Of) else sort for sort in asked.order
            ),
            first=chance.choice((1, 5, 20, 50)),
            series=nested,
        )

    def _top(self, top: Top) -> Top:
        return replace(top, n=self._chance.randint(1, 3), by=self.of(top.by))

    def _having(self, having: Having | None) -> Any:
        match having:
            case None:
                return None
            case Joint():
                return Joint(having.word, tuple(map(self._having, having.parts)))
            case Bound():
                bounds = tuple((word, Decimal(self._chance.choice(BOUNDS))) for word, _ in having.bounds)
                return Bound(self.of(having.measure), having.of, bounds, having.is_null)
