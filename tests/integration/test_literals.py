"""Values written into documents: answered as if the text had been read for itself, errors and their places included."""

from typing import Any

import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from graphql_schema.documents import Documents
from graphql_schema.execute import Executor
from graphql_schema.schema import schema

pytestmark = pytest.mark.database

# Each row: texts of one shape. The first two teach the shape, all are compared.
SAME_SHAPE = (
    (
        '{ campaigns(first: 1, where: {name: {in: ["a"]}}) { nodes { id } } }',
        '{ campaigns(first: 2, where: {name: {in: ["b"]}}) { nodes { id } } }',
        '{ campaigns(first: 23456, where: {name: {in: ["long # one, \\"quoted\\" \\u00e9"]}}) { nodes { id } } }',
        '{ campaigns(first: 2147483648, where: {name: {in: ["b"]}}) { nodes { id } } }',
        '{ campaigns(first: 99999999999999999999, where: {name: {in: ["b"]}}) { nodes { id } } }',
        '{ campaigns(first: 007, where: {name: {in: ["b"]}}) { nodes { id } } }',
        '{ campaigns(first: 2, where: {name: {in: ["\\x"]}}) { nodes { id } } }',
        '{ campaigns(first: 2, where: {name: {in: ["\\u0000"]}}) { nodes { id } } }',
    ),
    (
        '{ node(id: "x") { id }\n  b: orders(where: {occurred: {from: "2026-01-01T00:00:00Z"}}) { totalCount } }',
        '{ node(id: "y") { id }\n  b: orders(where: {occurred: {from: "2026-01-02T00:00:00Z"}}) { totalCount } }',
        '{ node(id: "z, and longer") { id }\n  b: orders(where: {occurred: {from: "2026-01-02"}}) { totalCount } }',
        '{ node(id: "longer") { id }\n  b: orders(where: {occurred: {from: "2026-01-02T00:00:00Z"}}) { totalCount } }',
    ),
    (
        '{ node(id: 1) { id } }',
        '{ node(id: 2) { id } }',
        '{ node(id: 123) { id } }',
    ),
    (
        '{ a: campaigns(first: 1) { totalCount } a: campaigns(first: 1) { totalCount } }',
        '{ a: campaigns(first: 2) { totalCount } a: campaigns(first: 2) { totalCount } }',
        '{ a: campaigns(first: 2) { totalCount } a: campaigns(first: 3) { totalCount } }',
        '{ a: campaigns(first: 3) { totalCount } a: campaigns(first: 3) { totalCount } }',
    ),
    (
        '{ campaigns(first: 1) { totalCount } }',
        '{ campaigns(first: 2) { totalCount } }',
        '{ campaigns(first: 1.5) { totalCount } }',
        '{ campaigns(first: "1") { totalCount } }',
        '{ campaigns(first: 5001) { totalCount } }',
    ),
    (
        'query Q($n: Int = 1) { campaigns(first: $n, where: {name: {in: "a"}}) { totalCount } }',
        'query Q($n: Int = 1) { campaigns(first: $n, where: {name: {in: "b"}}) { totalCount } }',
        'query Q($n: Int = 2) { campaigns(first: $n, where: {name: {in: "b"}}) { totalCount } }',
        'query Q($n: Int = 70000) { campaigns(first: $n, where: {name: {in: "b"}}) { totalCount } }',
    ),
    (
        'mutation { upsertProducts(input: {products: [{externalId: "p1", title: "a"}]}) { rejectedCount } }',
        'mutation { upsertProducts(input: {products: [{externalId: "p2", title: "b"}]}) { rejectedCount } }',
        'mutation { upsertProducts(input: {products: [{externalId: "p3", title: "\\u0000"}]}) { rejectedCount } }',
    ),
)  # fmt: skip


@pytest.mark.parametrize("texts", SAME_SHAPE)
async def test_answers_as_if_read_for_itself(runtime: Runtime, ctx: Ctx, texts: tuple[str, ...]) -> None:
    taught = Executor(runtime)
    for text in texts[:2]:
        await taught.execute(ctx, document=text)
    for text in texts:
        alone = (await Executor(runtime).execute(ctx, document=text)).payload
        known: dict[str, Any] = (await taught.execute(ctx, document=text)).payload
        if not text.startswith("mutation"):
            assert known == alone, text
        assert known.get("errors") == alone.get("errors"), text


@pytest.mark.parametrize("texts", SAME_SHAPE)
async def test_a_shape_is_read_once(runtime: Runtime, texts: tuple[str, ...]) -> None:
    documents = Documents(schema._schema, runtime.settings)
    first, second = texts[:2]
    assert documents.of_shape(first) is None
    shaped = documents.of_shape(second)

    assert shaped is not None
    again = documents.of_shape(first)
    assert again is not None
    assert again[0] is shaped[0]
