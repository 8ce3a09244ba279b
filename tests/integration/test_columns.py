"""Lists load the columns that a document asks for, no others, and show what they show with all of them."""

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_object_type, is_required_argument

from app.cache.answers import NullAnswers
from app.core.arrays import array_text
from app.core.context import Ctx
from app.db.columns import Rows
from app.runtime import Runtime
from graphql_schema.execute import Executor
from graphql_schema.execution import texts
from graphql_schema.schema import schema
from tests.factories.listed import Listed

pytestmark = pytest.mark.database

ROOT = schema._schema.query_type
assert ROOT is not None

LISTS = sorted(name for name, field in ROOT.fields.items() if get_named_type(field.type).name.endswith("Connection"))


@pytest.fixture(autouse=True)
def texts_min(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows are written as many are."""
    monkeypatch.setattr(texts, "TEXTS_MIN", 1)


@pytest.fixture
async def executors(runtime: Runtime, ctx: Ctx) -> tuple[Executor, Executor]:
    """Compiled, and graphql-core's, which reads all columns; over rows of every list."""
    await Listed(runtime.db, ctx).fill(4)
    uncached = replace(runtime, answers=NullAnswers())
    return Executor(uncached), Executor(uncached, compiles=False)


def node_type(name: str) -> GraphQLObjectType:
    """The type of a list's items."""
    assert ROOT is not None
    connection: Any = get_named_type(ROOT.fields[name].type)
    found = get_named_type(connection.fields["nodes"].type)
    assert isinstance(found, GraphQLObjectType)
    return found


def selections(kind: GraphQLObjectType) -> list[str]:
    """Each field of the type by itself, and with leaves, of all that need no arguments."""
    found = []
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        if any(map(is_required_argument, field.args.values())):
            continue
        if is_leaf_type(named):
            found.append(name)
        elif is_object_type(named):
            plain = [leaf for leaf in ("id", "kind", "nodes { id }", "position") if leaf.split()[0] in named.fields]
            found += [f"{name} {{ {below} }}" for below in ("__typename", *plain)]
    return found


@pytest.mark.parametrize("name", LISTS)
async def test_every_field_alone_is_what_it_is_among_others(
    executors: tuple[Executor, Executor], ctx: Ctx, name: str
) -> None:
    compiled, whole = executors
    alone = selections(node_type(name))
    cursors = "edges { cursor node { __typename } } pageInfo { startCursor endCursor }"

    for selection in (*(f"nodes {{ {field} }}" for field in alone), cursors, "totalCount"):
        document = f"{{ {name} {{ {selection} }} }}"
        ours, theirs = [await executor.execute(ctx, document=document) for executor in (compiled, whole)]

        assert ours.codes == (), (document, ours.payload)
        assert ours.body == theirs.body, document
    assert len(alone) > 3


async def test_only_what_is_asked_is_selected(
    executors: tuple[Executor, Executor], ctx: Ctx, count_statements: Callable[[], Any]
) -> None:
    document = """{ campaigns { nodes { name enrollments(first: 2) { nodes { influencer { country }
      orders(first: 3) { nodes { total commissions { amount } } } } } } } }"""

    with count_statements() as statements:
        reply = await executors[0].execute(ctx, document=document)

    selected = {
        statement.split("*/")[0].strip("/* "): statement.split("SELECT ")[3 if ".page" in statement else 2]
        .split("FROM")[0]
        .split()
        for statement in statements
    }
    assert reply.codes == ()
    assert selected["campaigns.page"] == ["item.id,", "item.name"]
    # By time and id they stand in their pages.
    assert selected["enrollments.pages"] == ["item.created_at,", "item.id,", "item.influencer_id"]
    assert selected["influencers.get_many"] == ["item.country,", "item.id"]


async def test_ids_are_read_once_and_not_for_every_row(
    runtime: Runtime, executors: tuple[Executor, Executor], ctx: Ctx, count_statements: Callable[[], Any]
) -> None:
    with count_statements() as statements:
        await executors[0].execute(ctx, document="{ enrollments { nodes { influencer { name } } } }")
    (statement,) = [each for each in statements if "influencers.get_many" in each]
    async with runtime.db.read(ctx.tenant_id) as session:
        # As a tenant has it whose rows are in another index, in the order of their names.
        for way in ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"):
            await session.fetchval("SELECT set_config($1, 'off', true)", way)
        plan = await session.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", ctx.tenant_id, array_text([ctx.tenant_id]))

    (filtered,) = [line for line in plan.splitlines() if '"Filter": ' in line]
    assert "tenant_id" in filtered
    assert "uuid[]" not in filtered


async def test_nothing_of_an_operation_waits_for_the_collector(executors: tuple[Executor, Executor], ctx: Ctx) -> None:
    # What is kept in a cycle, as graphql-core's executor is, stays until then: all rows of an answer, once.
    document = "{ campaigns { nodes { enrollments { nodes { influencer { name orders { nodes { id } } } } } } } }"
    await executors[0].execute(ctx, document=document)
    gc.collect()
    gc.disable()
    try:
        await executors[0].execute(ctx, document=document)
        kept = [found for found in gc.get_objects() if isinstance(found, Rows)]
    finally:
        gc.enable()

    assert kept == []


async def test_a_type_shown_in_two_places_is_loaded_once_with_what_both_ask(
    executors: tuple[Executor, Executor], ctx: Ctx, count_statements: Callable[[], Any]
) -> None:
    document = """{ links { nodes { influencer { name } } } enrollments { nodes { influencer { country } } } }"""

    with count_statements() as statements:
        ours = await executors[0].execute(ctx, document=document)
    theirs = await executors[1].execute(ctx, document=document)

    loaded = [statement for statement in statements if "/* influencers.get_many */" in statement]
    assert ours.body == theirs.body
    assert all("item.country, item.id, item.name" in statement for statement in loaded)
    assert loaded


@pytest.mark.parametrize("paging", ["first: 2", "last: 2", "first: 0", "first: 100"])
@pytest.mark.parametrize(
    "selection",
    [
        "nodes { id }",
        "edges { cursor }",
        "nodes { id } pageInfo { hasNextPage hasPreviousPage }",
        "totalCount",
        "__typename",
        "pageInfo { endCursor }",
    ],
)
async def test_pages_are_the_same_whoever_asks_for_more(
    executors: tuple[Executor, Executor], ctx: Ctx, paging: str, selection: str
) -> None:
    connection = f"({paging}) {{ {selection} }}"
    again = "again: links(first: 1) { nodes { slug } }"
    document = f"{{ links{connection} campaigns {{ nodes {{ links{connection} {again} }} }} }}"

    ours, theirs = [await executor.execute(ctx, document=document) for executor in executors]

    assert ours.codes == (), ours.payload
    assert ours.body == theirs.body
