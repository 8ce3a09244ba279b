"""Answers questions over an export."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from tests.oracle.ask import Ask, Both, Either, Is, Isnt, Where
from tests.oracle.calendar import edges
from tests.oracle.facts import opened
from tests.oracle.measures import MEASURES, PARTS, value

# ISO 4217: the digits of those currencies that the tests use.
EXPONENTS = {"GBP": 2, "EUR": 2, "USD": 2, "PLN": 2, "HUF": 2, "JPY": 0, "KWD": 3}

Key: TypeAlias = tuple[Any, ...]
"""Keys of a group, in the order asked; with `every`, the bucket's start (an aware UTC instant) stands last."""

Values: TypeAlias = tuple[Decimal | None, ...]
"""Measures, in the order asked."""


class Oracle:
    """One export. `groups` gives every group that has any of the measures; `total` the one cell of all."""

    def __init__(self, directory: Path) -> None:
        self._database, manifest = opened(directory)
        self.currency: str = manifest["currency"]
        self.zone: str = manifest["reportingZone"]

    def total(self, ask: Ask) -> Values:
        """The measures of the whole range; zeros where nothing happened."""
        assert not ask.by
        assert ask.every is None
        parts = self._parts(ask).get((), {})
        return self._values(ask, (), parts)

    def groups(self, ask: Ask) -> dict[Key, Values]:
        """The measures of every group of which any part is not nothing."""
        return {key: self._values(ask, key, parts) for key, parts in self._parts(ask).items() if any(parts.values())}

    def series(self, ask: Ask) -> list[tuple[Key, Values]]:
        """The measures of every bucket that the range meets, in order; zeros where nothing happened."""
        assert not ask.by
        assert ask.every is not None
        found = self.groups(ask)
        empty = self._values(ask, (), {})
        buckets = edges(ask.start, ask.end, ask.every, ask.zone)[:-1]
        assert found.keys() <= {(start,) for start in buckets}
        return [((start,), found.get((start,), empty)) for start in buckets]

    def keys(self, dimension: str) -> list[str]:
        """All keys that a dimension has anywhere, sorted."""
        tables = [f"fact_{name}" for name in ("instances", "lines", "refunds", "commissions_by_product")]
        found: set[str] = set()
        for table in tables:
            columns = {row[0] for row in self._database.execute(f"DESCRIBE {table}").fetchall()}
            if dimension in columns:
                rows = self._database.execute(f"SELECT DISTINCT {dimension} FROM {table}").fetchall()
                found |= {row[0] for row in rows if row[0] is not None}
        return sorted(found)

    def _values(self, ask: Ask, key: Key, parts: dict[str, int]) -> Values:
        currency = key[ask.by.index("currency")] if "currency" in ask.by else self.currency
        whole = {name: parts.get(name, 0) for measure in ask.measures for name in MEASURES[measure].parts}
        return tuple(value(measure, whole, EXPONENTS[currency]) for measure in ask.measures)

    def _parts(self, ask: Ask) -> dict[Key, dict[str, int]]:
        needs_product = "product" in ask.by or "product" in _named(ask.where)
        amount = "amount_minor" if "currency" in ask.by else "amount_base_minor"
        by_facts: dict[str, list[str]] = {}
        for name in dict.fromkeys(part for measure in ask.measures for part in MEASURES[measure].parts):
            part = PARTS[name]
            by_facts.setdefault(part.by_product if needs_product else part.facts, []).append(name)
        found: dict[Key, dict[str, int]] = {}
        for facts, names in by_facts.items():
            # Filtered by product but not grouped by it, an order with two of the products is still one order.
            once = facts == "orders_by_product" and "product" not in ask.by
            for key, sums in self._scan(ask, facts, [PARTS[name].aggregate for name in names], amount, once):
                cell = found.setdefault(key, {})
                for name, number in zip(names, sums, strict=True):
                    cell[name] = cell.get(name, 0) + int(number or 0)
        return found

    def _scan(
        self, ask: Ask, facts: str, aggregates: Sequence[str], amount: str, once: bool
    ) -> list[tuple[Key, tuple[Any, ...]]]:
        arguments: list[Any] = []
        cells = "(SELECT $1::TIMESTAMPTZ AS cell_start, $2::TIMESTAMPTZ AS cell_end)"
        arguments += [ask.start, ask.end]
        keys = list(ask.by)
        if ask.every is not None:
            starts = edges(ask.start, ask.end, ask.every, ask.zone)
            arguments += [starts[:-1], starts[1:]]
            cells = "(SELECT unnest($3::TIMESTAMPTZ[]) AS cell_start, unnest($4::TIMESTAMPTZ[]) AS cell_end)"
            keys.append("epoch_us(cell_start)")
        where = "true" if ask.where is None else _condition(ask.where, arguments)
        source = f"fact_{facts}"
        rows = (
            f"FROM {source} JOIN {cells} AS cell ON occurred_at >= cell_start AND occurred_at < cell_end "
            f"WHERE occurred_at >= $1::TIMESTAMPTZ AND occurred_at < $2::TIMESTAMPTZ AND {where}"
        )
        if once:
            rows = f"FROM (SELECT DISTINCT * EXCLUDE (product) {rows})"
        columns = ", ".join([*keys, *aggregates]).replace("$amount$", amount)
        grouping = f"GROUP BY {', '.join(keys)}" if keys else ""
        result = self._database.execute(f"SELECT {columns} {rows} {grouping}", arguments).fetchall()
        return [(self._key(ask, row[: len(keys)]), row[len(keys) :]) for row in result]

    def _key(self, ask: Ask, row: tuple[Any, ...]) -> Key:
        if ask.every is None:
            return row
        seconds, micros = divmod(row[-1], 1_000_000)
        return (*row[:-1], datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros))


def _named(where: Where | None) -> set[str]:
    match where:
        case None:
            return set()
        case Is():
            return {where.dimension}
        case Isnt():
            return _named(where.part)
        case Both() | Either():
            return {name for part in where.parts for name in _named(part)}


def _condition(where: Where, arguments: list[Any]) -> str:
    match where:
        case Both():
            return "(" + " AND ".join(["true", *(_condition(part, arguments) for part in where.parts)]) + ")"
        case Either():
            return "(" + " OR ".join(["false", *(_condition(part, arguments) for part in where.parts)]) + ")"
        case Isnt():
            return f"(NOT {_condition(where.part, arguments)})"
        case Is():
            return _single(where, arguments)


def _single(where: Is, arguments: list[Any]) -> str:
    # Two-valued: every comparison with an unknown key is decided here, none is left to SQL.
    name = where.dimension
    held = []
    if where.isin is not None:
        found = f"coalesce(list_contains({_bound(arguments, list(where.isin))}::VARCHAR[], {name}), false)"
        held.append(f"({found} OR {name} IS NULL)" if where.is_null else found)
    elif where.is_null:
        held.append(f"({name} IS NULL)")
    if where.is_null is False:
        held.append(f"({name} IS NOT NULL)")
    if where.not_in is not None:
        held.append(f"(NOT coalesce(list_contains({_bound(arguments, list(where.not_in))}::VARCHAR[], {name}), false))")
    if where.starts_with is not None:
        held.append(f"coalesce(starts_with({name}, {_bound(arguments, where.starts_with)}), false)")
    return "(" + " AND ".join(["true", *held]) + ")"


def _bound(arguments: list[Any], argument: Any) -> str:
    arguments.append(argument)
    return f"${len(arguments)}"
