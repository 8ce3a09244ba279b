"""The API's words for what can be asked: made from app/analytics/semantic, so that a measure is declared once.

Enums of measures and dimensions, the type that holds a row's measures, the conditions on each dimension, and the key of
a group. Nothing here names a measure; of dimensions only those whose keys have a type of their own.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from uuid import UUID

import strawberry
from strawberry.tools import create_type

from app.analytics.pages import GroupPage
from app.analytics.query import Ask, Precision
from app.analytics.semantic.dimensions import DIMENSIONS, Dimension, KeyKind
from app.analytics.semantic.formula import Unit
from app.analytics.semantic.measures import MEASURES, Measure
from app.campaigns.queries import CAMPAIGNS
from app.core.words import CommissionState, CustomerKind, Platform
from app.db.keyset import Listing
from app.influencers.queries import INFLUENCERS
from app.products.queries import PRODUCTS
from graphql_schema.analytics_measured import Row, column_of
from graphql_schema.context import Info
from graphql_schema.execution.columns import Columnar, values_of
from graphql_schema.execution.together import together
from graphql_schema.families import all_found, found
from graphql_schema.filters import IdFilter, PlatformFilter, StringFilter
from graphql_schema.scalars import BigInt, CurrencyCode
from graphql_schema.words import vocabulary

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer
    from graphql_schema.products import Product

vocabulary(
    Precision,
    "How distinct ones are counted.",
    AUTO="Exactly, unless `maxCost` demands an estimate.",
    EXACT="Exactly.",
    APPROXIMATE="Estimated from a part, where there are many; `meta.estimates` tells how far off.",
)

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyProduct = Annotated["Product", strawberry.lazy("graphql_schema.products")]

ENTITIES: dict[str, tuple[Listing, Any, str]] = {
    "influencer": (INFLUENCERS, LazyInfluencer, "name"),
    "campaign": (CAMPAIGNS, LazyCampaign, "name"),
    "product": (PRODUCTS, LazyProduct, "title"),
}
"""Of each dimension whose keys are ids: the list of its rows, their GraphQL type, and the column that names them."""

assert set(ENTITIES) == {name for name, declared in DIMENSIONS.items() if declared.kind is KeyKind.ENTITY}, (
    "each dimension of kind ENTITY needs its line in ENTITIES: where its rows are listed, their type, their name"
)

_KEYS: dict[str, Any] = {
    "platform": Platform,
    "currency": CurrencyCode,
    "customer_kind": CustomerKind,
    "commission_state": CommissionState,
    "hour_of_day": int,
    "day_of_week": int,
}
"""Types of keys that are neither ids nor any text."""

_CONDITIONS: dict[str, Any] = {
    "platform": PlatformFilter,
    "customer_kind": CustomerKind,
    "commission_state": list[CommissionState],
    "is_purchase": bool,
}
"""What a dimension is filtered by, where that is neither a filter of ids nor of texts."""

_DIGITS = {
    Unit.COUNT: "A whole number.",
    Unit.QUANTITY: "A decimal of at most nine digits: credit comes in fractions.",
    Unit.MONEY: "In `meta.currency`, major units; grouped by currency, in the group's.",
    Unit.RATIO: "A ratio of six digits, half-even.",
    Unit.MONEY_RATE: "In `meta.currency`, major units, of six digits; grouped by currency, in the group's.",
}


def camel(name: str) -> str:
    """The name in the API: customer_kind → customerKind."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _named(name: str, description: str, declared: Sequence[Measure | Dimension]) -> Any:
    # An enum whose values are the names of the declarations.
    members = {
        each.api_name: strawberry.enum_value(each.name, description=f"{each.title}. {each.description}")
        for each in declared
    }
    return strawberry.enum(Enum(name, members), description=description)  # type: ignore[call-overload]  # from data


def _measure_type(measure: Measure) -> Any:
    shown: Any = BigInt if measure.formula.unit is Unit.COUNT else Decimal
    return shown | None if measure.is_nullable else shown


def _conditions(dimension: Dimension) -> Any:
    return _CONDITIONS.get(dimension.name, IdFilter if dimension.kind is KeyKind.ENTITY else StringFilter)


def _entity_key(name: str) -> Callable[..., Any]:
    listing = ENTITIES[name][0]

    async def for_all(roots: Sequence[Any], info: Info) -> Sequence[Any]:
        return await all_found(info, listing, values_of(roots, name))

    @together(for_all)
    async def key(root: strawberry.Parent[Any], info: Info) -> Any:
        row_id: UUID | None = getattr(root, name)
        return await found(info, listing, row_id)

    key.__name__ = name
    return key


def _key_field(dimension: Dimension) -> Any:
    name, description = camel(dimension.name), dimension.description
    if dimension.kind is KeyKind.ENTITY:
        made = ENTITIES[dimension.name][1] | None
        return strawberry.field(
            name=name, resolver=_entity_key(dimension.name), graphql_type=made, description=description
        )
    kind = _KEYS.get(dimension.name, str) | None
    return strawberry.field(name=name, graphql_type=kind, description=description)


def _filter_field(dimension: Dimension) -> Any:
    description = f"Conditions on the {dimension.title.lower()}. {dimension.description}"
    return strawberry.field(
        name=camel(dimension.name),
        graphql_type=_conditions(dimension) | None,
        default=strawberry.UNSET,
        description=description,
    )


State = Annotated[
    list[CommissionState] | None,
    strawberry.argument(
        description="Of commissions in these states, 0 of none; REVERSED: what was taken back, positive."
    ),
]
Precise = Annotated[Precision | None, strawberry.argument(description="How distinct ones are counted.")]
At = Annotated[float, strawberry.argument(description="Which quantile, from 0 to 1: 0.5 is the median.")]


def ask_key(ask: Ask) -> Hashable:
    """What a row knows a measure by: its name, or with its arguments where any is given."""
    if ask.states is None and ask.at is None and ask.precision is Precision.AUTO:
        return ask.name
    return (ask.name, ask.states, ask.at, ask.precision)


def states_of(given: Iterable[CommissionState] | None) -> tuple[str, ...] | None:
    """The states asked, in their order, each once."""
    return None if given is None else _in_order(tuple(given))


@lru_cache(maxsize=1_000)
def _in_order(given: tuple[CommissionState, ...]) -> tuple[str, ...]:
    return tuple(state.value for state in CommissionState if state in given)


def _resolver(measure: Measure, takes: str | None) -> Callable[..., Any]:
    # Of a measure: of one row, and of many at once. takes: the argument it is asked by.
    name = measure.name

    def plainly(root: strawberry.Parent[Row]) -> Any:
        return root.asked(name)

    def plainly_all(rows: Sequence[Row]) -> Sequence[Any]:
        return column_of(rows, name)

    def by_state(root: strawberry.Parent[Row], state: State = None) -> Any:
        return root.asked(ask_key(Ask(name, states=states_of(state))))

    def by_state_all(rows: Sequence[Row], state: Sequence[CommissionState] | None = None) -> Sequence[Any]:
        return column_of(rows, name if state is None else ask_key(Ask(name, states=states_of(state))))

    def precisely(root: strawberry.Parent[Row], precision: Precise = Precision.AUTO) -> Any:
        return root.asked(ask_key(Ask(name, precision=precision or Precision.AUTO)))

    def precisely_all(rows: Sequence[Row], precision: Precision | None = None) -> Sequence[Any]:
        return column_of(rows, name if precision is None else ask_key(Ask(name, precision=precision)))

    def at_quantile(root: strawberry.Parent[Row], at: At) -> Any:
        return root.asked(ask_key(Ask(name, at=at)))

    def at_quantile_all(rows: Sequence[Row], at: float) -> Sequence[Any]:
        return column_of(rows, ask_key(Ask(name, at=at)))

    ways: dict[str | None, tuple[Callable[..., Any], Callable[..., Sequence[Any]]]] = {
        None: (plainly, plainly_all),
        "state": (by_state, by_state_all),
        "precision": (precisely, precisely_all),
        "at": (at_quantile, at_quantile_all),
    }
    one, every = ways[takes]
    found = together(every)(one)
    found.__name__ = name
    return found


def _measure_field(measure: Measure) -> Any:
    unit = _DIGITS[measure.formula.unit]
    description = f"{measure.description} {unit} Formula: {measure.formula_text}."
    resolver = _resolver(measure, measure.takes)
    return strawberry.field(
        name=measure.name, resolver=resolver, graphql_type=_measure_type(measure), description=description
    )


def _part_field(measure: Measure, about: str) -> Any:
    description = f"{measure.title}: {about} Six digits, half-even."
    resolver = _resolver(measure, "state" if measure.takes == "state" else None)
    return strawberry.field(name=measure.name, resolver=resolver, graphql_type=Decimal | None, description=description)


_CHANGED = tuple(measure for measure in MEASURES.values() if measure.takes != "at")
_SHARED = tuple(measure for measure in MEASURES.values() if measure.is_additive)

_GROUPED = tuple(dimension for dimension in DIMENSIONS.values() if dimension.is_group)

if TYPE_CHECKING:
    # What is made from data is Any to a type checker.
    MeasureName: TypeAlias = Any
    DimensionName: TypeAlias = Any
    Measures: TypeAlias = Any
    Changes: TypeAlias = Any
    Shares: TypeAlias = Any
    GroupKey: TypeAlias = Any

    class DimensionConditions:
        """Conditions on each dimension."""
else:
    MeasureName = _named("MeasureName", "What can be computed.", tuple(MEASURES.values()))
    DimensionName = _named("Dimension", "What can be grouped by.", _GROUPED)
    Measures = create_type(
        "Measures",
        [_measure_field(measure) for measure in MEASURES.values()],
        description="The measures of one row. Only those that are selected are computed.",
    )
    Changes = create_type(
        "Changes",
        [
            _part_field(measure, "change from its previous value, as a part of that; null from 0 and from nothing.")
            for measure in _CHANGED
        ],
        description="By which part the measures of one row changed against the compared time.",
    )
    Shares = create_type(
        "Shares",
        [_part_field(measure, "its part of the connection's totals; null of 0.") for measure in _SHARED],
        description="Which part of the connection's totals the measures of one row are; of those that add up.",
    )
    DimensionConditions = create_type(
        "DimensionConditions",
        [_filter_field(dimension) for dimension in DIMENSIONS.values() if dimension.is_filter],
        is_input=True,
    )


@strawberry.type(description="The time bucket of a group.")
class TimeKey:
    """The time bucket of a group."""

    start: datetime = strawberry.field(description="Its first instant; it may lie before the range.")
    end: datetime = strawberry.field(description="The first instant after it.")
    local_date: date = strawberry.field(description="The local date of its start, in `meta.timeZone`.")


if not TYPE_CHECKING:
    GroupKey = create_type(
        "GroupKey",
        [
            *map(_key_field, _GROUPED),
            strawberry.field(
                name="time", graphql_type=TimeKey | None, description="The time bucket; null unless grouped by time."
            ),
        ],
        description="What a group stands for. What `by` does not name is null, and is not refused: with `by` as a "
        "variable one document serves any grouping.",
    )

_NO_KEYS: dict[str, Any] = dict.fromkeys((*(camel(dimension.name) for dimension in _GROUPED), "time"))


class GroupKeys(Columnar):
    """What the groups of a page stand for, by column."""

    kind = SimpleNamespace

    def __init__(self, page: GroupPage) -> None:
        self._page = page
        self._numbers = {camel(name): number for number, name in enumerate(page.asked.dimensions)}

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each of them."""
        if attribute == "time":
            return self._page.times
        number = self._numbers.get(attribute)
        return [None] * len(self) if number is None else self._page.keys(number)

    @cached_property
    def _keys(self) -> list[SimpleNamespace]:
        columns = {name: self.column(name) for name in (*self._numbers, "time")}
        rows = zip(*columns.values(), strict=True)
        return [SimpleNamespace(**(_NO_KEYS | dict(zip(columns, row, strict=True)))) for row in rows]

    def __len__(self) -> int:
        return len(self._page.rows)

    def __getitem__(self, index: Any) -> Any:
        return self._keys[index]

    def __iter__(self) -> Iterator[SimpleNamespace]:
        return iter(self._keys)
