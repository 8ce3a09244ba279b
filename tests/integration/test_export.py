"""The export of facts: what the dictionary says is what the files hold, of one moment and of one tenant."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.db.facts import FAMILIES
from app.db.families import Family
from app.errors import DomainError
from app.runtime import Runtime
from app.seeding.export import export_facts
from app.tables import CustomerIdentity
from tests.conftest import add_tenant
from tests.factories.facts import insert, made_up
from tests.factories.orders import Look, ProgramRows
from tests.factories.rates import add_own_rates

pytestmark = pytest.mark.database

START = datetime(2026, 1, 5, tzinfo=UTC)

_VERSIONS = """/* test */ INSERT INTO order_versions
  (tenant_id, order_id, version, content_hash, total_minor, gross_minor, recorded_at)
SELECT tenant_id, id, version, '\\x00', 100, 100, recorded_at FROM orders WHERE tenant_id = $1"""


async def fill(runtime: Runtime, tenant: TenantInfo, *, seed: int) -> dict[str, int]:
    """Put made-up facts into the tenant; the number of rows by family."""
    made = made_up(tenant, seed=seed, start=START, days=60)
    await insert(runtime.db, made)
    async with runtime.db.write(tenant.id) as session:
        await session.execute(_VERSIONS, tenant.id)
    return {
        family.name: len(made.rows.get(family.name, ())) + len(made.former.get(family.name, ()))
        for family in FAMILIES
        if not family.is_global
    }


def own(rows: dict[str, int]) -> dict[str, int]:
    """The numbers of rows that are the tenant's alone."""
    return {family.name: rows[family.name] for family in FAMILIES if not family.is_global}


async def test_files_hold_what_the_dictionary_says(runtime: Runtime, ctx: Ctx, admin: Any, tmp_path: Path) -> None:
    rows = await fill(runtime, ctx.tenant, seed=1)
    await ProgramRows(runtime.db, admin, ctx).rate("NIO", "GBP", "0.02")
    rows["exchange_rates"] = await admin.fetchval("SELECT count(*) FROM exchange_rates")
    await add_own_rates(runtime.db, ctx, seed=1, first=ctx.now.date(), days=30)
    rows["own_rates"] = await Look(runtime.db, ctx).value("count(*)", "own_rates")

    made = await export_facts(runtime.db, ctx.tenant, tmp_path / "out", now=ctx.now)

    assert made.rows == rows
    assert all(rows[name] for name in rows if name != "codes")
    for family in FAMILIES:
        table = parquet.read_table(made.directory / f"{family.name}.parquet")
        assert table.num_rows == rows[family.name]
        described = {field.name: field.metadata[b"description"].decode() for field in table.schema}
        assert described == {column.name: column.description for column in family.columns}
    manifest = json.loads((made.directory / "export.json").read_text())
    assert (manifest["currency"], manifest["reportingZone"]) == ("GBP", "Europe/London")
    assert {name: family["rows"] for name, family in manifest["families"].items()} == rows


async def test_values_come_as_they_are_stored(runtime: Runtime, ctx: Ctx, tmp_path: Path) -> None:
    await fill(runtime, ctx.tenant, seed=2)

    await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)

    (exported,) = parquet.read_table(tmp_path / "order_lines.parquet").slice(0, 1).to_pylist()
    async with runtime.db.read(ctx.tenant_id) as session:
        row = await session.fetchrow(
            "/* test */ SELECT * FROM order_lines WHERE tenant_id = $1 ORDER BY id LIMIT 1", ctx.tenant_id
        )
    assert row is not None
    shown = {name: str(row[name]) if name.endswith("id") and row[name] is not None else row[name] for name in exported}
    assert exported == shown


async def test_other_tenants_are_not_in_it(runtime: Runtime, ctx: Ctx, admin: Any, tmp_path: Path) -> None:
    other = TenantInfo(new_id(), f"other {new_id()}", "UTC", "EUR", is_test=False)
    await add_tenant(admin, other)
    await fill(runtime, other, seed=3)

    made = await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)

    assert set(own(made.rows).values()) == {0}


async def test_all_files_see_the_snapshot_that_was_named(runtime: Runtime, ctx: Ctx, tmp_path: Path) -> None:
    async with runtime.db.snapshot(ctx.tenant_id) as open_session:
        snapshot_id = await open_session.fetchval("/* test */ SELECT pg_export_snapshot()")
        rows = await fill(runtime, ctx.tenant, seed=4)
        before = await export_facts(runtime.db, ctx.tenant, tmp_path / "a", now=ctx.now, snapshot_id=snapshot_id)
    after = await export_facts(runtime.db, ctx.tenant, tmp_path / "b", now=ctx.now)

    assert set(own(before.rows).values()) == {0}
    assert own(after.rows) == rows


async def test_rates_come_with_all_their_digits(runtime: Runtime, ctx: Ctx, admin: Any, tmp_path: Path) -> None:
    await ProgramRows(runtime.db, admin, ctx).rate("NIO", "GBP", "0.0212345678", on=START)

    await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)

    rates = parquet.read_table(tmp_path / "exchange_rates.parquet").to_pylist()
    (rate,) = [row for row in rates if (row["base"], row["quote"], row["day"]) == ("NIO", "GBP", START.date())]
    assert (rate["rate"], rate["recorded_at"]) == (Decimal("0.0212345678"), START)


async def test_each_family_is_one_statement(
    runtime: Runtime, ctx: Ctx, tmp_path: Path, count_statements: Callable[[], Any]
) -> None:
    with count_statements() as statements:
        await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)

    assert len(statements) == len(FAMILIES)


async def test_an_export_is_never_written_over(runtime: Runtime, ctx: Ctx, tmp_path: Path) -> None:
    await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)

    with pytest.raises(DomainError, match="already holds an export"):
        await export_facts(runtime.db, ctx.tenant, tmp_path, now=ctx.now)


async def test_without_pyarrow_the_way_out_is_told(
    runtime: Runtime, ctx: Ctx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(DomainError, match=r"pip install 'scoville\[export\]'"):
        await export_facts(runtime.db, ctx.tenant, tmp_path / "out", now=ctx.now)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_personal_data_is_exported(family: Family) -> None:
    personal = set(CustomerIdentity.model_fields) - {"tenant_id", "customer_id", "created_at", "updated_at", "name"}

    assert not personal & {column.name for column in family.columns}


@pytest.mark.parametrize("out", ["file/out", "x" * 300, "taken"])
async def test_a_directory_that_cannot_be_written_is_named(
    runtime: Runtime, ctx: Ctx, tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "instances.parquet").mkdir(parents=True)

    with pytest.raises(DomainError, match=r"cannot be written: .*Name another directory with --out\.") as refused:
        await export_facts(runtime.db, ctx.tenant, tmp_path / out, now=ctx.now)

    assert refused.value.code == "BAD_USER_INPUT"
