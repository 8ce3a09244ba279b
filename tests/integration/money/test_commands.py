"""`scoville ledger` and `scoville rates`. In a database of its own, for rates of all tenants are theirs for good."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.usecases.record_orders import record_orders
from tests.conftest import add_tenant, make_ctx
from tests.factories.commands import Commands, Scoville, output
from tests.factories.databases import migrated_database
from tests.factories.orders import NOON, Look, ProgramRows, item, order

pytestmark = pytest.mark.database

DAILY = "Date, USD, GBP, JPY, TRY, \n10 March 2026, 1.16, 0.87, 171.5, N/A, \n"


@pytest.fixture(scope="module")
async def own_settings(services: Settings) -> AsyncIterator[Settings]:
    """Settings for this module's database."""
    async with migrated_database(services) as settings:
        yield settings


@pytest.fixture(scope="module")
async def own_runtime(own_settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on this module's database."""
    async with open_runtime(own_settings) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def scoville(commands: Commands, own_settings: Settings) -> Scoville:
    """Runs a command against this module's database."""
    return commands.on(own_settings)


@pytest.fixture
async def store(own_settings: Settings, own_runtime: Runtime) -> Ctx:
    """A new tenant, in pounds, with an order in dollars that is not converted."""
    tenant = TenantInfo(new_id(), f"store {new_id()}", reporting_zone="UTC", currency="GBP", is_test=False)
    ctx = make_ctx(tenant, now=datetime.now(UTC))
    async with asyncpg.create_pool(own_settings.owner_url, min_size=1, max_size=1) as admin:
        await add_tenant(admin, tenant)
        offer = await ProgramRows(own_runtime.db, admin, ctx).offer()
    await record_orders(own_runtime, ctx, [order(item("116.00"), currency="USD", codes=(offer.code,))])
    return ctx


async def test_what_is_off_in_the_books_is_found_and_repaired(
    scoville: Scoville, own_runtime: Runtime, store: Ctx
) -> None:
    tenant = ("--tenant", store.tenant.name)
    fine = scoville("ledger", "verify", *tenant)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "No differences.\n", "")
    async with own_runtime.db.write(store.tenant_id) as session:
        await session.execute("/* test.lose */ DELETE FROM ledger_deltas WHERE tenant_id = $1", store.tenant_id)

    off = scoville("ledger", "verify", *tenant)

    assert off.returncode == 1
    assert {line.split("  ")[0] for line in off.stdout.splitlines()[1:]} == {store.tenant.name}
    assert {"ACCRUED", "EXPENSE"} <= set(off.stdout.split())
    assert output(scoville("ledger", "rebuild", *tenant, "--json")) == [{"tenant": store.tenant.name, "kind": "LIVE"}]
    assert output(scoville("ledger", "verify", *tenant, "--json")) == []


async def test_rates_of_the_ecb_convert_what_waited_for_them(
    scoville: Scoville, own_runtime: Runtime, store: Ctx, tmp_path: Path
) -> None:
    look = Look(own_runtime.db, store)
    assert await look.value("amount_base_minor", "order_lines") is None
    file = tmp_path / "eurofxref.csv"
    file.write_text(DAILY, encoding="utf-8")

    first = output(scoville("rates", "import", str(file), "--json"))
    again = scoville("rates", "import", str(file))

    # Three of the euro, and three between the others.
    assert first == {"rates": 6, "new": 6, "days": 1}
    assert again.stdout == "0 of 6 rates of 1 days are new.\n"
    async with own_runtime.db.directory() as session:
        rows = await session.fetch(
            "/* test.rates */ SELECT base, quote, rate FROM exchange_rates WHERE day = $1", NOON.date()
        )
    assert {(row["base"], row["quote"]): row["rate"] for row in rows} == {
        ("EUR", "GBP"): Decimal("0.87"),
        ("EUR", "USD"): Decimal("1.16"),
        ("EUR", "JPY"): Decimal("171.5"),
        ("GBP", "USD"): Decimal("1.3333333333"),
        ("GBP", "JPY"): Decimal("197.1264367816"),
        ("USD", "JPY"): Decimal("147.8448275862"),
    }
    assert await look.value("amount_base_minor", "order_lines") == 8_700
    assert await look.value("amount_base_minor", "commissions") == 870


def test_files_that_are_none_are_refused_with_the_line(scoville: Scoville, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("Date,USD,\n2026-03-10,much,\n", encoding="utf-8")

    zipped = tmp_path / "zipped.csv"
    zipped.write_bytes(b"PK\x03\x04\xff\xfe")

    refused = scoville("rates", "import", str(bad))
    unreadable = scoville("rates", "import", str(zipped))
    missing = scoville("rates", "import", str(tmp_path / "none.csv"))
    no_day = scoville("rates", "import", str(bad), "--since", "soon")

    assert refused.returncode == 1
    assert "Line 2" in refused.stderr
    assert (missing.returncode, no_day.returncode, unreadable.returncode) == (2, 2, 2)
    assert "zipped.csv is no text in UTF-8 (its byte 4)" in unreadable.stderr
