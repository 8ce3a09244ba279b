"""Recording looks at what orders name, and not at what was recorded before them, however little Postgres knows of that.

It keeps plans that it made while there was nearly nothing, until it looks through the tables again or is told to.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.attribution.encounters import Encounters
from app.attribution.touches import Trail, find_touches
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.customers import ensure as customers
from app.db.connection import PLANS_S_MIN
from app.db.looks import ask
from app.db.session import WriteSession
from app.orders.known import known_orders
from app.products import ensure as products
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from tests.conftest import make_ctx
from tests.factories.databases import let_no_table_be_analyzed, migrated_database, rows_read

pytestmark = pytest.mark.database

HISTORY = 3_000
NAMED = 20
READ_MAX = 5 * NAMED
"""Rows read to look up so many: each by some looks, and none besides."""

PLANNED_AFTER = 6
"""Executions after which a connection keeps a statement's plan."""

AT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = [f"name {number}" for number in range(0, HISTORY, HISTORY // NAMED)]
CUSTOMER = new_id()
TENANT = TenantInfo(new_id(), "grown", reporting_zone="Europe/London", currency="GBP", is_test=False)

_ORDERS = """/* test.orders */
INSERT INTO orders (tenant_id, id, external_id, occurred_at, recorded_at, version, total_minor, gross_minor, currency,
  codes, country, is_test)
SELECT $1, gen_random_uuid(), 'name ' || number, $2, $2, 1, 0, 0, 'GBP', '{}', 'GB', false
FROM generate_series(0, $3 - 1) AS number"""

_CUSTOMERS = """/* test.customers */
INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at)
SELECT $1, gen_random_uuid(), 'name ' || number, $2, $2 FROM generate_series(0, $3 - 1) AS number"""

_PRODUCTS = """/* test.products */
INSERT INTO products (tenant_id, id, external_id, title, created_at, updated_at)
SELECT $1, gen_random_uuid(), 'name ' || number, 'any', $2, $2 FROM generate_series(0, $3 - 1) AS number"""

_PURCHASES = """/* test.purchases */
INSERT INTO instances (tenant_id, occurred_at, id, kind, customer_id, visitor_id, order_id, recorded_at)
SELECT $1, $2::timestamptz - number * interval '1 minute', gen_random_uuid(), 'PURCHASE', $4, 'visitor',
  gen_random_uuid(), $2
FROM generate_series(0, $3 - 1) AS number"""


async def _touches(ctx: Ctx, session: WriteSession) -> Any:
    trails = [Trail(AT + timedelta(days=1), None, None, CUSTOMER)] * NAMED
    return await find_touches(
        ctx, session, trails, met=Encounters(()), lookback=timedelta(days=30), candidates_max=10, viewed=(new_id(),)
    )


async def _products(ctx: Ctx, session: WriteSession) -> Any:
    look = products.look_for(NAMES)
    await ask(ctx, session, look)
    return look.found


LOOKS: dict[str, tuple[str, str, Callable[[Ctx, WriteSession], Awaitable[Any]]]] = {
    "orders": ("orders", _ORDERS, lambda ctx, session: known_orders(ctx, session, NAMES)),
    "customers": ("customers", _CUSTOMERS, lambda ctx, session: customers.known(ctx, session, NAMES)),
    "products": ("products", _PRODUCTS, _products),
    "touches of a customer": ("instances%", _PURCHASES, _touches),
}


@pytest.fixture(scope="module")
async def grown(services: Settings) -> AsyncIterator[Runtime]:
    """A runtime that looked while there was nothing, on a database that never looked through its tables since."""
    async with migrated_database(services) as settings:
        await let_no_table_be_analyzed(settings)
        # Before the first connection is made, which is to become twice as old.
        started_s = time.monotonic()
        async with open_runtime(settings) as runtime:
            for _, _, look in LOOKS.values():
                for _ in range(PLANNED_AFTER):
                    async with runtime.db.write(TENANT.id) as session:
                        await look(make_ctx(TENANT, now=AT), session)
            for _, insert, _ in LOOKS.values():
                more = (CUSTOMER,) if insert is _PURCHASES else ()
                async with runtime.db.write(TENANT.id) as session:
                    await session.execute(insert, TENANT.id, AT, HISTORY, *more)
            await asyncio.sleep(max(PLANS_S_MIN, time.monotonic() - started_s) + 0.1)
            yield runtime


@pytest.mark.parametrize("name", LOOKS)
async def test_what_is_named_is_read_alone(grown: Runtime, name: str) -> None:
    table, insert, look = LOOKS[name]
    async with grown.db.write(TENANT.id) as session:
        found = await look(make_ctx(TENANT, now=AT), session)
        read = await rows_read(session, table)

    assert len(found) == NAMED if insert is not _PURCHASES else found.touches == {}
    assert read <= READ_MAX
