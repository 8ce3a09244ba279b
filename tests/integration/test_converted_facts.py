"""The facts that benchmarks measure: converted, they are whole, and say what their source says."""

import asyncio
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.analytics.rollups.verify import verify
from app.db.session import Database
from app.settings import Settings
from tests.benchmarks.peers.convert import convert
from tests.benchmarks.peers.ground import generated
from tests.benchmarks.peers.ids import Kind, id_of

pytestmark = pytest.mark.database

INSTANCES = 3_000

PAIRS = {
    "instances": ("count(*) FROM instances", "count(*)"),
    "order_versions": ("count(*), sum(total_cents) FROM orders", "count(*), sum(total_minor)::bigint"),
    "order_lines": ("count(*) FROM order_lines", "count(*)"),
    "commissions": (
        "sum(amount_cents) FROM commissions WHERE status = 'pending'",
        "sum(amount_minor) FILTER (WHERE state = 'PENDING')",
    ),
    "ledger_entries": ("0::numeric", "sum(amount_minor)"),
}
"""By table: what the source has, and what was made of it."""


@pytest.fixture(scope="module")
def source(services: Settings) -> Iterator[str]:
    """A source's DSN."""
    name = f"source_{uuid.uuid4().hex[:12]}"
    yield generated(services.owner_url, name=name, instances=INSTANCES)
    _drop(services, name)


@pytest.fixture(scope="module")
def converted(services: Settings, source: str) -> Iterator[Settings]:
    """Settings of the source's facts in Scoville's tables."""
    name = f"converted_{uuid.uuid4().hex[:12]}"
    yield convert(source, make_conninfo(source, dbname=name), say=lambda line: None)
    _drop(services, name)


def _drop(services: Settings, name: str) -> None:
    with psycopg.connect(services.owner_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("table", PAIRS)
def test_nothing_is_lost(source: str, converted: Settings, table: str) -> None:
    there, here = PAIRS[table]
    with psycopg.connect(source) as before, psycopg.connect(converted.owner_url) as after:
        # All tenants at once, within this transaction.
        after.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        found = after.execute(f"SELECT {here} FROM {table}").fetchone()
        after.rollback()

        assert found == before.execute(f"SELECT {there}").fetchone()


def test_rollups_are_what_the_facts_give(converted: Settings) -> None:
    async def differences() -> list[object]:
        db = await Database.open(converted)
        try:
            return [each for number in (1, 20) for each in await verify(db, id_of(Kind.TENANT, number))]
        finally:
            await db.close()

    assert asyncio.run(differences()) == []
