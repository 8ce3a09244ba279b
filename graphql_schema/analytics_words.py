"""The API's words for what can be asked: made from app/analytics/semantic, so that a measure is declared once.

Enums of measures and dimensions, the type that holds a row's measures, the conditions on each dimension, and the key of
a group. Nothing here names a measure; of dimensions only those whose keys have a type of their own.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from uuid import UUID

import strawberry
from strawberry.tools import create_type

from app.analytics.semantic.dimensions import DIMENSIONS, Dimension, KeyKind
from app.analytics.semantic.formula import Unit
from app.analytics.semantic.measures import MEASURES, Measure
from app.campaigns.queries import CAMPAIGNS
from app.core.words import Platform
from app.db.keyset import Listing
from app.influencers.queries import INFLUENCERS
from app.products.queries import PRODUCTS
from graphql_schema.context import Info
from graphql_schema.families import found
from graphql_schema.filters import IdFilter, PlatformFilter, StringFilter
from graphql_schema.scalars import BigInt, CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer
    from graphql_schema.products import Product

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

_TEXTS: dict[str, Any] = {"platform": Platform, "currency": CurrencyCode}
"""Types of keys that are texts, where they are not any text."""

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
    if dimension.kind is KeyKind.ENTITY:
        return IdFilter
    return PlatformFilter if dimension.name == "platform" else StringFilter


def _entity_key(name: str) -> Callable[..., Any]:
    listing = ENTITIES[name][0]

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
    kind = _TEXTS.get(dimension.name, str) | None
    return strawberry.field(name=name, graphql_type=kind, description=description)


def _filter_field(dimension: Dimension) -> Any:
    description = f"Conditions on the {dimension.title.lower()}. {dimension.description}"
    return strawberry.field(
        name=camel(dimension.name),
        graphql_type=_conditions(dimension) | None,
        default=strawberry.UNSET,
        description=description,
    )


def _measure_field(measure: Measure) -> Any:
    unit = _DIGITS[measure.formula.unit]
    description = f"{measure.description} {unit} Formula: {measure.formula_text}."
    return strawberry.field(name=measure.name, graphql_type=_measure_type(measure), description=description)


if TYPE_CHECKING:
    # What is made from data is Any to a type checker.
    MeasureName: TypeAlias = Any
    DimensionName: TypeAlias = Any
    Measures: TypeAlias = Any
    GroupKey: TypeAlias = Any

    class DimensionConditions:
        """Conditions on each dimension."""
else:
    MeasureName = _named("MeasureName", "What can be computed.", tuple(MEASURES.values()))
    DimensionName = _named("Dimension", "What can be grouped by.", tuple(DIMENSIONS.values()))
    Measures = create_type(
        "Measures",
        [_measure_field(measure) for measure in MEASURES.values()],
        description="The measures of one row. Only those that are selected are computed.",
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
            *map(_key_field, DIMENSIONS.values()),
            strawberry.field(
                name="time", graphql_type=TimeKey | None, description="The time bucket; null unless grouped by time."
            ),
        ],
        description="What a group stands for. Dimensions that are not grouped by are null.",
    )

_NO_KEYS: dict[str, Any] = dict.fromkeys((*map(camel, DIMENSIONS), "time"))


def measures(names: Sequence[str], values: Sequence[Any]) -> Measures:
    """The values as a Measures."""
    return SimpleNamespace(**dict(zip(names, values, strict=True)))


def group_key(dimensions: Sequence[str], keys: Sequence[UUID | str | None], time: TimeKey | None) -> GroupKey:
    """The keys as a GroupKey."""
    known = dict(zip(map(camel, dimensions), keys, strict=True))
    return SimpleNamespace(**(_NO_KEYS | known | {"time": time}))
