"""Statements that go together: writes that are run later, and looks that are asked for at once."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest

from app.core.arrays import array_text
from app.core.context import Ctx
from app.core.ids import new_id, new_ids
from app.db.gathered import ROWS_MAX, TEXT_MAX, as_one
from app.db.looks import Look, ask
from app.db.session import WriteSession
from app.runtime import Runtime

pytestmark = pytest.mark.database

CLAIMS = """/* test.claims */
    INSERT INTO order_claims (tenant_id, external_id)
    SELECT $1, new.external_id FROM unnest($2::text[]) AS new (external_id)"""
PRODUCTS = """/* test.products */
    INSERT INTO products (tenant_id, id, external_id, title, created_at, updated_at)
    SELECT $1, new.id, $3, $3, $4, $4 FROM unnest($2::uuid[]) AS new (id)"""
ORDERS = """/* test.orders */
    INSERT INTO orders (tenant_id, id, external_id, occurred_at, recorded_at, version, total_minor, gross_minor,
      currency, is_test, customer_id, codes)
    SELECT $1, new.id, new.external_id, new.occurred_at, new.occurred_at, new.version, 0, 0, 'GBP', new.is_test,
      new.customer_id, ARRAY[$7]
    FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::integer[], $6::boolean[], $8::uuid[])
      AS new (id, external_id, occurred_at, version, is_test, customer_id)"""
MOVES = """/* test.moves */
    INSERT INTO ledger_deltas (tenant_id, id, influencer_id, account, currency, month, amount_minor, entries)
    SELECT $1, new.id, new.id, 'FX', 'GBP', $4, new.amount, 1
    FROM unnest($2::uuid[], $3::bigint[]) AS new (id, amount)"""
RELEASE = """/* test.release */
    DELETE FROM order_claims WHERE tenant_id = $1 AND external_id = $2"""
COUNT = "/* test */ SELECT count(*) FROM order_claims WHERE tenant_id = $1"

Counting = Callable[[], Any]


async def add(ctx: Ctx, session: WriteSession, *names: str) -> None:
    await session.later(CLAIMS, ctx.tenant_id, list(names))


async def test_writes_go_together_at_the_commit(runtime: Runtime, ctx: Ctx, count_statements: Counting) -> None:
    with count_statements() as statements:
        async with runtime.db.write(ctx.tenant_id) as session:
            await add(ctx, session, "ann", "bo")
            await session.later(PRODUCTS, ctx.tenant_id, [new_id()], "A", ctx.now)
            await add(ctx, session, "cy")
            assert statements == []

    assert len(statements) == 1
    assert statements[0].startswith("/* session.gathered */\nWITH w1 AS (\n/* test.claims */\nINSERT")
    async with runtime.db.read(ctx.tenant_id) as session:
        names = await session.fetch(
            "/* test */ SELECT external_id FROM order_claims WHERE tenant_id = $1", ctx.tenant_id
        )
        title = await session.fetchval("/* test */ SELECT title FROM products WHERE tenant_id = $1", ctx.tenant_id)
    assert ({row["external_id"] for row in names}, title) == ({"ann", "bo", "cy"}, "A")


async def test_arrays_arrive_as_they_were_given(runtime: Runtime, ctx: Ctx) -> None:
    at = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-3, minutes=-30, seconds=-52)))
    ids = [*new_ids(2), new_id()]
    names = ['quo"ted', "{braced},\\", "NULL"]
    codes = "\n"

    async with runtime.db.write(ctx.tenant_id) as session:
        await session.later(
            ORDERS, ctx.tenant_id, ids, names, [at, at, ctx.now], [1, 2, 3], [True, False, True], codes, [None] * 3
        )
        await session.later(MOVES, ctx.tenant_id, ids, [2**63 - 1, -(2**63), 0], at.date())
        await session.later(MOVES, ctx.tenant_id, [], [], at.date())

    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch(
            """/* test */ SELECT id, external_id, occurred_at, version, is_test, customer_id, codes FROM orders
            WHERE tenant_id = $1 ORDER BY version""",
            ctx.tenant_id,
        )
        moves = await session.fetch(
            "/* test */ SELECT id, amount_minor FROM ledger_deltas WHERE tenant_id = $1", ctx.tenant_id
        )
    assert [(str(row[0]), *row[1:]) for row in rows] == [
        (str(ids[0]), names[0], at, 1, True, None, [codes]),
        (str(ids[1]), names[1], at, 2, False, None, [codes]),
        (str(ids[2]), names[2], ctx.now, 3, True, None, [codes]),
    ]
    assert {str(row["id"]): row["amount_minor"] for row in moves} == dict(
        zip(map(str, ids), (2**63 - 1, -(2**63), 0), strict=True)
    )


async def test_texts_arrive_whatever_is_in_them(runtime: Runtime, ctx: Ctx) -> None:
    parts = ["", " ", "a", "é", "😀", '"', "\\", "\\n", "\n", "\t", "\x01", "\x7f", "{", "}", ",", "'", "null", "NULL"]
    texts = [first + second for first in parts for second in parts]
    arrays: list[list[str | None]] = [[*texts], [*texts, None], ["plain", None, ""], [None], []]
    arrays += [[text] for text in texts]

    async with runtime.db.read(ctx.tenant_id) as session:
        for given in arrays:
            assert await session.fetchval("/* test */ SELECT $1::text::text[]", array_text(given)) == given


async def test_an_array_that_rows_are_compared_with_is_read_once(runtime: Runtime, ctx: Ctx) -> None:
    sql = RELEASE.replace("= $2", "= ANY($2::text[])")

    assert as_one((sql,)) == sql
    assert "unnest($2::text::text[])" in as_one((CLAIMS,))
    async with runtime.db.write(ctx.tenant_id) as session:
        await add(ctx, session, "ann", "bo")
        await session.send()
        await session.later(sql, ctx.tenant_id, ["ann", "cy"])
    async with runtime.db.read(ctx.tenant_id) as session:
        assert await session.fetchval(COUNT, ctx.tenant_id) == 1


async def test_whatever_comes_next_sees_what_was_to_be_written(
    runtime: Runtime, ctx: Ctx, count_statements: Counting
) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        with count_statements() as statements:
            await add(ctx, session, "ann")
            assert await session.fetchval(COUNT, ctx.tenant_id) == 1
            await add(ctx, session, "bo")
            row = await session.fetchrow(COUNT, ctx.tenant_id)
            assert row is not None
            assert row["count"] == 2
            await add(ctx, session, "cy")
            assert len(await session.fetch(COUNT.replace("count(*)", "external_id"), ctx.tenant_id)) == 3
            await add(ctx, session, "di")
            assert await session.execute(RELEASE, ctx.tenant_id, "di") == "DELETE 1"
            await add(ctx, session, "ed")
            streamed = session.stream(COUNT.replace("count(*)", "external_id"), ctx.tenant_id)
            assert [len(rows) async for rows in streamed] == [4]

    assert len(statements) == 10


async def test_large_statements_go_alone_and_in_their_order(
    runtime: Runtime, ctx: Ctx, count_statements: Counting
) -> None:
    with count_statements() as statements:
        async with runtime.db.write(ctx.tenant_id) as session:
            await add(ctx, session, "ann")
            await session.later(RELEASE, ctx.tenant_id, "nobody")
            await add(ctx, session, *map(str, range(ROWS_MAX + 1)))
            await session.later(RELEASE, ctx.tenant_id, "7")

    assert [sql.split()[1] for sql in statements] == ["session.gathered", "test.claims", "test.release"]


async def test_as_many_go_together_as_the_driver_prepares(
    runtime: Runtime, ctx: Ctx, count_statements: Counting
) -> None:
    count = 2 * TEXT_MAX // len(CLAIMS)

    with count_statements() as statements:
        async with runtime.db.write(ctx.tenant_id) as session:
            for number in range(count):
                await add(ctx, session, str(number))

    assert len(statements) in (2, 3)
    assert max(map(len, statements)) < 15 * 1024
    async with runtime.db.read(ctx.tenant_id) as read:
        assert await read.fetchval(COUNT, ctx.tenant_id) == count


async def test_what_cannot_be_written_leaves_nothing(runtime: Runtime, ctx: Ctx) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with runtime.db.write(ctx.tenant_id) as session:
            await add(ctx, session, "ann")
            await add(ctx, session, "ann")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.later(CLAIMS, new_id(), ["bo"])
    with pytest.raises(ZeroDivisionError):
        async with runtime.db.write(ctx.tenant_id) as session:
            await add(ctx, session, "cy")
            1 / 0  # noqa: B018

    async with runtime.db.read(ctx.tenant_id) as read:
        assert await read.fetchval(COUNT, ctx.tenant_id) == 0


def test_parameters_follow_each_other_but_for_the_tenant() -> None:
    texts = ("/* a.b */ DELETE FROM x WHERE tenant_id = $1 AND a = $2 AND b = $12 AND $3", "/* c.d */ SELECT $1, $2")

    assert as_one(texts[:1]) == texts[0]
    assert as_one(texts).endswith("AND a = $2 AND b = $12 AND $3\n)\n/* c.d */ SELECT $1, $13")


async def test_looks_are_one_statement_and_each_finds_its_own(
    runtime: Runtime, ctx: Ctx, count_statements: Counting
) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        await add(ctx, session, "ann", "bo")
        await session.later(PRODUCTS, ctx.tenant_id, [new_id()], "A", ctx.now)

    def named(table: str, *names: str) -> Look[list[str]]:
        sql = f"/* test.{table} */ SELECT external_id FROM {table} WHERE tenant_id = $1 AND external_id = ANY($2)"
        return Look(sql, ("external_id",), lambda rows: sorted(name for (name,) in rows), list(names))

    claims, none, idle = named("order_claims", "bo", "cy", "ann"), named("order_claims", "x"), named("order_claims")
    products = named("products", "A")
    with count_statements() as statements:
        async with runtime.db.read(ctx.tenant_id) as read:
            await ask(ctx, read, claims, idle, products, none)
            await ask(ctx, read, idle)

    assert len(statements) == 1
    assert (claims.found, products.found, none.found, idle.found) == (["ann", "bo"], ["A"], [], [])
