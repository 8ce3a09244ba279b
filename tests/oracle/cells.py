"""Facts added up by cell: which facts count, in which cell each lies, and what of them counts."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tests.oracle.ask import Both, Either, Is, Isnt, Where
from tests.oracle.facts import FIGURES, MODELS, Fact, Files
from tests.oracle.measures import FACTS, STATES, Parts
from tests.oracle.money import Rates

Key: TypeAlias = tuple[Any, ...]
"""Keys of a group, in the order asked; where it has a time, the bucket's start (an aware UTC instant) stands last."""

Holds: TypeAlias = Callable[[Fact], bool]
KeyOf: TypeAlias = Callable[[Fact], Any]

ORIGINAL = "ORIGINAL"
"""In place of a currency: amounts in the facts' own."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK = ("hour_of_day", "day_of_week")


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


class Clock:
    """What the local clock shows."""

    def __init__(self, zone_name: str) -> None:
        self._zone = ZoneInfo(zone_name)
        self._known: dict[int, tuple[int, int]] = {}

    def of(self, at: int, dimension: str) -> int:
        """The hour of the day, or the day of the week from Monday, 1."""
        found = self._known.get(at)
        if found is None:
            local = (EPOCH + timedelta(microseconds=at)).astimezone(self._zone)
            found = self._known[at] = local.hour, local.isoweekday()
        return found[CLOCK.index(dimension)]


@dataclass(frozen=True, slots=True)
class Terms:
    """By which facts count: half-open range in microseconds, filter, model, currency (or ORIGINAL), known when."""

    start: int
    end: int
    where: Where | None
    attribution: str
    currency: str
    as_of: datetime | None


class Export:
    """The facts of an export, as known now or at some time."""

    def __init__(self, directory: Path) -> None:
        self._files = Files(directory)
        self.zone, self.currency = self._files.zone, self._files.currency
        self.rates = Rates(self._files.rates())
        self._facts: dict[datetime | None, dict[str, tuple[list[int], list[Fact]]]] = {}
        self._lines: dict[datetime | None, dict[str, list[Fact]]] = {}
        self._clocks: dict[str, Clock] = {}

    def clock(self, zone_name: str) -> Clock:
        """The local clock of a zone."""
        return self._clocks.setdefault(zone_name, Clock(zone_name))

    def facts(self, kind: str, terms: Terms) -> list[Fact]:
        """The facts of a kind in the range."""
        if terms.as_of not in self._facts:
            read = self._files.facts(terms.as_of)
            self._facts[terms.as_of] = {name: ([fact.at for fact in found], found) for name, found in read.items()}
            self._lines[terms.as_of] = self._files.orders_lines(terms.as_of)
        times, found = self._facts[terms.as_of][kind]
        return found[bisect_left(times, terms.start) : bisect_left(times, terms.end)]

    def keys(self, dimension: str) -> list[Any]:
        """All keys that a dimension has anywhere, sorted."""
        always = Terms(-(2**62), 2**62, None, "BOOKED", self.currency, None)
        kinds = ("instances", "lines", "refunds", "commissions_by_product", "engagement", "spend", "payouts")
        found = {getattr(fact, dimension) for kind in kinds for fact in self.facts(kind, always)}
        return sorted(found - {None})

    def amount(self, fact: Fact, currency: str) -> int | None:
        """The fact's amount in a currency; None without a rate."""
        if currency == ORIGINAL:
            return fact.amount
        return fact.base if currency == self.currency else self.rates.amount(fact, currency)

    def worth(self, order: str | None, terms: Terms) -> int | None:
        """The gross revenue of a whole order; None where a line has no rate."""
        found = 0
        for line in self._lines[terms.as_of].get(str(order), ()):
            amount = self.amount(line, terms.currency)
            if amount is None:
                return None
            found += amount
        return found

    def added(
        self,
        names: Iterable[str],
        terms: Terms,
        key_of: KeyOf,
        *,
        by_product: bool,
        is_new: Callable[[Fact, Any], bool],
    ) -> dict[Any, Parts]:
        """These parts by cell. key_of: None for what lies in no cell. is_new: whether a fact's customer is new there.

        by_product: products are grouped or filtered by.
        """
        found: dict[Any, Parts] = {}
        kinds: dict[str, list[str]] = {}
        for name in dict.fromkeys(names):
            kinds.setdefault(FACTS[name], []).append(name)
        model = MODELS.index(terms.attribution)
        for kind, parts in kinds.items():
            holds = holding(terms.where)
            source = f"{kind}_by_product" if by_product and kind in ("orders", "commissions") else kind
            add = _ADDERS[kind]
            for fact in self.facts(source, terms):
                if (fact.weights and not fact.weights[model]) or not holds(fact):
                    continue
                key = key_of(fact)
                if key is not None:
                    add(self, fact, terms, model, parts, found.setdefault(key, {}), lambda f=fact, k=key: is_new(f, k))
        return found


def used(where: Where | None) -> set[str]:
    """The dimensions that a filter looks at."""
    match where:
        case None:
            return set()
        case Is():
            return {where.dimension}
        case Isnt():
            return used(where.part)
        case Both() | Either():
            return {name for part in where.parts for name in used(part)}


def holding(where: Where | None) -> Holds:
    """The filter as a function. Two-valued: what is unknown passes `notIn` and `not`."""
    match where:
        case None:
            return lambda fact: True
        case Isnt():
            part = holding(where.part)
            return lambda fact: not part(fact)
        case Both():
            every = [holding(each) for each in where.parts]
            return lambda fact: all(each(fact) for each in every)
        case Either():
            some = [holding(each) for each in where.parts]
            return lambda fact: any(each(fact) for each in some)
        case Is():
            return _single(where)


def _single(where: Is) -> Holds:
    name, isin, not_in, prefix, is_null = (
        where.dimension,
        where.isin,
        where.not_in,
        where.starts_with,
        where.is_null,
    )

    def holds(fact: Fact) -> bool:
        key = getattr(fact, name)
        if isin is not None:
            if key not in isin and not (is_null and key is None):
                return False
        elif is_null and key is not None:
            return False
        if is_null is False and key is None:
            return False
        if not_in is not None and key in not_in:
            return False
        return prefix is None or (key is not None and key.startswith(prefix))

    return holds


def bucket_of(edges: Sequence[int], at: int) -> int:
    """Number of the bucket, from 0."""
    return bisect_right(edges, at) - 1


def _more(cell: Parts, name: str, by: int) -> None:
    cell[name] = cell.get(name, 0) + by


def _instance(_: Export, fact: Fact, __: Terms, ___: int, parts: list[str], cell: Parts, ____: Any) -> None:
    for name in parts:
        if name == "visitors":
            if fact.one is not None:
                cell.setdefault(name, {})[fact.one] = 1
        elif name == "instances" or fact.kind == {"clicks": "CLICK", "purchases": "PURCHASE"}[name]:
            _more(cell, name, 1)


def _order(
    export: Export, fact: Fact, terms: Terms, model: int, parts: list[str], cell: Parts, is_new: Callable[[], bool]
) -> None:
    for name in parts:
        if name == "orders":
            # However many of its products are asked for, it is one order.
            cell.setdefault(name, {})[fact.one] = fact.weights[model]
        elif name == "worths":
            worth = export.worth(fact.order, terms)
            if worth is not None:
                cell.setdefault(name, {})[fact.order] = worth
        elif fact.customer is not None and (name == "customers" or is_new()):
            cell.setdefault(name, {})[fact.customer] = 1


def _line(export: Export, fact: Fact, terms: Terms, model: int, parts: list[str], cell: Parts, _: Any) -> None:
    for name in parts:
        if name == "units":
            _more(cell, name, fact.quantity * fact.weights[model] if fact.kind == "ITEM" else 0)
        else:
            _more(cell, name, (export.amount(fact, terms.currency) or 0) * fact.weights[model])


def _commission(export: Export, fact: Fact, terms: Terms, _: int, parts: list[str], cell: Parts, __: Any) -> None:
    state = fact.commission_state
    assert state in STATES
    if state.lower() in parts:
        amount = export.amount(fact, terms.currency) or 0
        _more(cell, state.lower(), -amount if state == "REVERSED" else amount)


def _growth(_: Export, fact: Fact, __: Terms, ___: int, parts: list[str], cell: Parts, ____: Any) -> None:
    for name, by in zip(FIGURES, fact.adds, strict=True):
        if by is not None:
            if name in parts:
                _more(cell, name, by)
            _more(cell, f"{name}_known", 1)


def _spent(export: Export, fact: Fact, terms: Terms, _: int, parts: list[str], cell: Parts, __: Any) -> None:
    _more(cell, "spend", export.amount(fact, terms.currency) or 0)


def _paid(export: Export, fact: Fact, terms: Terms, _: int, parts: list[str], cell: Parts, __: Any) -> None:
    _more(cell, "payouts", export.amount(fact, terms.currency) or 0)


_ADDERS: dict[str, Callable[..., None]] = {
    "instances": _instance,
    "orders": _order,
    "lines": _line,
    "refunds": _line,
    "commissions": _commission,
    "engagement": _growth,
    "spend": _spent,
    "payouts": _paid,
}
