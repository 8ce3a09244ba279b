"""Arguments are converted as Strawberry converts them, for every field of the schema."""

from typing import Any

import pytest
from graphql import GraphQLError
from graphql.utilities import coerce_input_value
from strawberry.types.arguments import convert_arguments

from graphql_schema.execution.arguments import converter
from graphql_schema.schema import schema
from tests.factories.documents import Documents, Make

SCHEMA = schema._schema
MADE: Any = schema

SCALARS = {
    "DateTime": "2026-01-01T00:00:00Z",
    "Date": "2026-01-01",
    "Decimal": "1.5",
    "BigInt": 3,
    "TimeZone": "UTC",
    "CurrencyCode": "GBP",
    "Duration": "PT1H",
}

FIELDS = [
    (f"{kind}.{name}", found)
    for kind in SCHEMA.type_map.values()
    if not kind.name.startswith("__")
    for name, found in getattr(kind, "fields", {}).items()
    if getattr(found, "args", None)
]


def always(value: Any) -> Make:
    return lambda _: value


@pytest.mark.parametrize("found", [found for _, found in FIELDS], ids=[name for name, _ in FIELDS])
def test_arguments_are_converted_as_strawberry_converts_them(found: Any) -> None:
    declared = found.extensions["strawberry-definition"]
    chosen = Documents(SCHEMA, 1, scalars={name: always(value) for name, value in SCALARS.items()})
    convert = converter(SCHEMA, declared)
    compared = 0
    for _ in range(20):
        try:
            values = {
                name: coerce_input_value(chosen.value(argument.type), argument.type)
                for name, argument in found.args.items()
            }
        except GraphQLError:
            continue
        given = {name: value for name, value in values.items() if value is not None or compared % 2}
        theirs = convert_arguments(given, declared.arguments, MADE.schema_converter.scalar_registry, MADE.config)
        assert repr(convert(given)) == repr(theirs)
        compared += 1

    assert compared
