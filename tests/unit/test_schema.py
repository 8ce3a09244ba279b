"""Laws of the schema: denied by default, described throughout, printed as checked in."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
)
from strawberry.types.base import get_object_definition

import graphql_schema
from app.core import words
from app.core.context import Scope
from app.settings import Settings
from graphql_schema import viewer
from graphql_schema.limits import EXTRA, Meter
from graphql_schema.permissions import UndeclaredScope, declared_scopes, requires
from graphql_schema.scalars import SCALARS
from graphql_schema.schema import build, printed, schema

CORE = schema._schema


def feature(**parts: type) -> ModuleType:
    module = ModuleType("feature")
    vars(module).update(parts)
    return module


def test_printed_schema_is_current() -> None:
    checked_in = Path(graphql_schema.__file__).with_name("schema.graphql").read_text(encoding="utf-8")

    assert checked_in == printed(), "run `scoville schema > graphql_schema/schema.graphql`"


def test_root_query_without_a_scope_stops_the_build() -> None:
    @strawberry.type
    class Query:
        @strawberry.field(extensions=[requires(Scope.ORDERS_READ)])
        def guarded(self) -> int:
            return 1

        @strawberry.field
        def forgotten(self) -> int:
            return 1

    with pytest.raises(UndeclaredScope, match=r"Query\.forgotten") as refused:
        build((viewer, feature(Query=Query)))
    assert "guarded" not in str(refused.value)


def test_root_mutation_without_a_scope_stops_the_build() -> None:
    @strawberry.type
    class Mutation:
        @strawberry.field
        def forgotten(self) -> int:
            return 1

        plain: int = 1

    with pytest.raises(UndeclaredScope, match=r"Mutation\.plain, Mutation\.forgotten"):
        build((viewer, feature(Mutation=Mutation)))


def test_two_features_may_not_share_a_field_name() -> None:
    @strawberry.type
    class Query:
        @strawberry.field(extensions=[requires(Scope.ORDERS_READ)])
        def viewer(self) -> int:
            return 1

    with pytest.raises(AssertionError, match="viewer"):
        build((viewer, feature(Query=Query)))


def test_every_root_field_tells_its_scope() -> None:
    for root in (schema.query, schema.mutation, schema.subscription):
        if root is None:
            continue
        for field in get_object_definition(root, strict=True).fields:
            scopes = declared_scopes(field)
            assert scopes
            for scope in scopes:
                assert f"`{scope.value}`" in (field.description or ""), field.python_name


def undescribed(whole: str, parts: Mapping[str, Any]) -> list[str]:
    return [f"{whole}.{part}" for part, definition in parts.items() if not (definition.description or "").strip()]


def test_everything_is_described() -> None:
    missing = []
    for name, kind in CORE.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        if not kind.description:
            missing.append(name)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            missing += undescribed(name, kind.fields)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, definition in kind.fields.items():
                missing += undescribed(f"{name}.{field}", definition.args)
        if isinstance(kind, GraphQLEnumType):
            missing += undescribed(name, kind.values)

    assert missing == []


def test_vocabularies_of_rows_are_enums() -> None:
    declared = {name for name, kind in vars(words).items() if isinstance(kind, type) and issubclass(kind, StrEnum)}
    enums = {name for name, kind in CORE.type_map.items() if isinstance(kind, GraphQLEnumType)}

    # A viewer's tenant is a test tenant or not; buckets of rollups are shown as granularities; rules that decide an
    # order are told in words, for there will be more of them.
    assert declared - enums == {"StrEnum", "TenantKind", "Grain", "AttributionRule", "ProgramKind"}


def test_every_scalar_is_used() -> None:
    assert {definition.name for definition in SCALARS.values()} <= CORE.type_map.keys()


def test_enums_hold_names_that_can_be_written() -> None:
    for kind in CORE.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not is_introspection_type(kind):
            assert all(value.isupper() for value in kind.values), kind.name


def test_fields_with_a_weight_exist() -> None:
    for name in EXTRA:
        parent, _, field = name.partition(".")
        kind = CORE.type_map[parent]
        assert isinstance(kind, GraphQLObjectType)
        assert field in kind.fields


def test_a_plan_costs_as_an_object_and_what_it_is_the_plan_of_costs_more() -> None:
    def points(selection: str) -> int:
        document = parse(f"{{ analytics(range: {{preset: TODAY}}) {{ {selection} }} }}")
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        return Meter(CORE, document, operation).check({}, Settings()).cost

    assert points("plan { cost }") == 3
    assert points("totals { orders }") == 3 + EXTRA["Analytics.totals"]
    assert points("totals { orders } plan { cost }") == 4 + EXTRA["Analytics.totals"]
