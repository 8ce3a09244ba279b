"""Bringing a database to the newest schema, whoever asks and however often."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.core.ids import new_id
from app.db.migrate import check_schema, migrate
from app.errors import OutsideError
from app.settings import Settings
from tests.factories.databases import empty_database
from tests.factories.orders import NOON

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture
async def empty(services: Settings) -> AsyncIterator[str]:
    """The administrator's URL of a database with nothing in it."""
    async with empty_database(services) as settings:
        yield settings.owner_url


async def test_two_migrations_at_once_wait_for_each_other(empty: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, empty) for _ in range(3)))

    await asyncio.to_thread(check_schema, empty)


async def test_a_login_that_owns_the_tables_may_take_the_apps_role(empty: str) -> None:
    await asyncio.to_thread(migrate, empty)

    connection = await asyncpg.connect(empty, server_settings={"role": "scoville_app"})

    assert await connection.fetchval("SELECT current_user") == "scoville_app"
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    await connection.close()


@pytest.fixture
async def plain_owner(settings: Settings) -> AsyncIterator[str]:
    """The URL of a login that owns an empty database and is no superuser: policies that are forced hold for it too."""
    name, password = f"scoville_test_{new_id().hex}", new_id().hex
    async with empty_database(settings) as made:
        admin = await asyncpg.connect(made.owner_url)
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        await admin.execute(f"GRANT {name} TO CURRENT_USER")
        await admin.execute(f"ALTER DATABASE {urlsplit(made.owner_url).path[1:]} OWNER TO {name}")
        parts = urlsplit(made.owner_url)
        yield urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))
        await admin.close()
    admin = await asyncpg.connect(settings.owner_url)
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()


async def test_parts_of_commissions_get_the_time_that_these_were_recorded(plain_owner: str) -> None:
    await asyncio.to_thread(migrate, plain_owner, revision="0006")
    tenant_id, influencer_id = new_id(), new_id()
    times = {new_id(): NOON + timedelta(days=number) for number in range(3)}
    connection = await asyncpg.connect(plain_owner)
    await connection.execute(f"SET app.tenant_id = '{tenant_id}'")
    await connection.execute(
        """INSERT INTO influencers (tenant_id, id, name, status, created_at, updated_at)
        VALUES ($1, $2, 'Ina', 'ACTIVE', $3, $3)""",
        tenant_id,
        influencer_id,
        NOON,
    )
    for commission_id, recorded_at in times.items():
        await connection.execute(
            """INSERT INTO commissions (tenant_id, id, kind, state, influencer_id, basis_minor, currency, amount_minor,
              occurred_at, recorded_at, updated_at)
            VALUES ($1, $2, 'ACCRUAL', 'PENDING', $3, 1, 'GBP', 1, $4, $5, $5)""",
            tenant_id,
            commission_id,
            influencer_id,
            NOON,
            recorded_at,
        )
        await connection.execute(
            """INSERT INTO commission_lines (tenant_id, id, commission_id, position, amount_minor, occurred_at)
            VALUES ($1, $2, $3, 0, 1, $4)""",
            tenant_id,
            new_id(),
            commission_id,
            NOON,
        )

    await asyncio.to_thread(migrate, plain_owner)

    rows = await connection.fetch("SELECT commission_id, recorded_at FROM commission_lines")
    assert {row["commission_id"]: row["recorded_at"] for row in rows} == times
    # A process of the previous release goes on writing without the column.
    await connection.execute(
        """INSERT INTO commission_lines (tenant_id, id, commission_id, position, amount_minor, occurred_at)
        SELECT $1, $2, id, 1, 1, occurred_at FROM commissions WHERE tenant_id = $1 LIMIT 1""",
        tenant_id,
        new_id(),
    )
    await connection.execute("RESET app.tenant_id")
    assert await connection.fetchval("SELECT count(*) FROM commission_lines") == 0, "the policies are forced again"
    assert await connection.fetchval("SELECT count(*) FROM commissions") == 0
    await connection.close()


_EARNED = """INSERT INTO commissions (tenant_id, id, kind, state, order_id, credit_id, influencer_id, basis_minor,
  currency, amount_minor, occurred_at, recorded_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 'GBP', $8, $9, $9, $9)"""
"""A commission as the release before states of commissions writes it."""


_SOLD = """INSERT INTO orders (tenant_id, id, external_id, currency, is_test, version, occurred_at, recorded_at)
VALUES ($1, $2, 'o', 'GBP', false, $3, $4, $4)"""
"""An order as releases write it that do not keep its sums."""

_VERSION = """INSERT INTO order_versions (tenant_id, order_id, version, content_hash, total_minor, gross_minor,
  recorded_at)
VALUES ($1, $2, $3, '', $4::bigint, $4::bigint - 10, $5)"""


async def test_a_release_that_knows_no_states_of_commissions_cannot_earn_beside_one_that_does(
    plain_owner: str,
) -> None:
    await asyncio.to_thread(migrate, plain_owner, revision="0007")
    tenant_id, influencer_id, order_id, credit_id = (new_id() for _ in range(4))
    connection = await asyncpg.connect(plain_owner)
    await connection.execute(f"SET app.tenant_id = '{tenant_id}'")
    await connection.execute(
        """INSERT INTO influencers (tenant_id, id, name, status, created_at, updated_at)
        VALUES ($1, $2, 'Ina', 'ACTIVE', $3, $3)""",
        tenant_id,
        influencer_id,
        NOON,
    )
    await connection.execute(_SOLD, tenant_id, order_id, 1, NOON)
    await connection.execute(_VERSION, tenant_id, order_id, 1, 1000, NOON)
    await connection.execute(
        """INSERT INTO credits (tenant_id, id, order_id, position, influencer_id, weight_booked, weight_last,
          weight_first, weight_linear, weight_time_decay, weight_position, occurred_at, currency, recorded_at)
        VALUES ($1, $2, $3, 0, $4, 1000000000, 1, 1, 1, 1, 1, $5, 'GBP', $5)""",
        tenant_id,
        credit_id,
        order_id,
        influencer_id,
        NOON,
    )
    of_credit = order_id, credit_id, influencer_id
    amounts = {"ACCRUAL": 1000, "EDIT": 500, "REVERSAL": -700}
    for kind, amount in amounts.items():
        state = "REVERSED" if kind == "REVERSAL" else "PENDING"
        await connection.execute(_EARNED, tenant_id, new_id(), kind, state, *of_credit, amount, NOON)

    await asyncio.to_thread(migrate, plain_owner)

    taken = {row["kind"]: row["taken_minor"] for row in await connection.fetch("SELECT * FROM commissions")}
    assert taken == {"ACCRUAL": 200, "EDIT": 500, "REVERSAL": 0}, "the newest first"
    with pytest.raises(asyncpg.NotNullViolationError):
        await connection.execute(_EARNED, tenant_id, new_id(), "REVERSAL", "REVERSED", *of_credit, -100, NOON)
    await connection.execute("RESET app.tenant_id")
    assert await connection.fetchval("SELECT count(*) FROM commissions") == 0, "the policies are forced again"
    await connection.close()


async def test_orders_get_the_sums_of_their_newest_version(plain_owner: str) -> None:
    await asyncio.to_thread(migrate, plain_owner, revision="0016")
    tenant_id, order_id = new_id(), new_id()
    connection = await asyncpg.connect(plain_owner)
    await connection.execute(f"SET app.tenant_id = '{tenant_id}'")
    await connection.execute(_SOLD, tenant_id, order_id, 2, NOON)
    for version, total in ((1, 1000), (2, 700)):
        await connection.execute(_VERSION, tenant_id, order_id, version, total, NOON)

    await asyncio.to_thread(migrate, plain_owner)

    row = await connection.fetchrow("SELECT total_minor, gross_minor FROM orders")
    assert row is not None
    assert tuple(row) == (700, 690)
    with pytest.raises(asyncpg.NotNullViolationError):
        await connection.execute(_SOLD, tenant_id, new_id(), 1, NOON)
    await connection.execute("RESET app.tenant_id")
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0, "the policies are forced again"
    await connection.close()


async def test_an_old_schema_is_named_with_the_way_out(empty: str) -> None:
    with pytest.raises(OutsideError, match=r"revision none.*scoville migrate"):
        await asyncio.to_thread(check_schema, empty)


def test_a_server_that_is_away_is_one_clear_error() -> None:
    with pytest.raises(OutsideError, match="not reachable"):
        migrate("postgresql://nobody@127.0.0.1:9/nothing")
