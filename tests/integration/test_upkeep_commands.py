"""What operators run beside the server: `rollups`, `worker`, `export facts`, `schema`; for people and for scripts.

In a database of its own, for a worker folds the deltas of all tenants, also those that other tests want unfolded.
"""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pyarrow.parquet as parquet
import pytest

from app.analytics.rollups.fold import fold
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.db.facts import FAMILIES
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from tests.conftest import add_tenant, make_ctx
from tests.factories.commands import COMMAND, Commands, Done, Scoville, environment_of, output
from tests.factories.databases import migrated_database
from tests.factories.facts import Facts, contribute, insert, made_up
from tests.factories.orders import Look

pytestmark = pytest.mark.database

START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """A tenant with facts, none of them folded yet."""

    ctx: Ctx
    facts: Facts
    look: Look

    @property
    def name(self) -> str:
        """Of the tenant."""
        return self.ctx.tenant.name


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
async def store(own_settings: Settings, own_runtime: Runtime) -> Store:
    """A new tenant with facts."""
    tenant = TenantInfo(new_id(), f"store {new_id()}", reporting_zone="Europe/London", currency="GBP", is_test=False)
    async with asyncpg.create_pool(own_settings.owner_url, min_size=1, max_size=1) as admin:
        await add_tenant(admin, tenant)
    ctx = make_ctx(tenant)
    facts = made_up(tenant, seed=7, start=START, days=30, orders=20, instances=60)
    await insert(own_runtime.db, facts)
    await contribute(own_runtime.db, ctx, facts)
    return Store(ctx, facts, Look(own_runtime.db, ctx))


def table(done: Done) -> list[str]:
    """The lines of the table that a successful command printed for people, without its header."""
    assert (done.returncode, done.stderr) == (0, "")
    return [line.rstrip() for line in done.stdout.splitlines()[1:]]


async def test_folding_moves_what_waits_into_rollups(scoville: Scoville, store: Store) -> None:
    tenant = ("--tenant", store.name)
    waiting = await store.look.value("count(*)", "rollup_delta")

    (before,) = output(scoville("rollups", "status", *tenant, "--json"))
    folded = output(scoville("rollups", "fold", *tenant, "--json"))
    (after,) = output(scoville("rollups", "status", *tenant, "--json"))

    assert (before["rows"], before["deltas"], before["folded_at"]) == (0, waiting, None)
    assert folded == [{"tenant": store.name, "kind": "LIVE", "deltas_folded": waiting}]
    rows = await store.look.value("count(*)", "rollups")
    assert rows > 0
    assert (after["rows"], after["deltas"], after["missing"]) == (rows, 0, "")
    assert datetime.fromisoformat(after["folded_at"]) > store.ctx.now
    assert table(scoville("rollups", "fold", *tenant)) == [f"{store.name}  LIVE  0"]
    (shown,) = table(scoville("rollups", "status", *tenant))
    assert shown.split("  ")[:2] == [store.name, "LIVE"]
    assert f" {rows} " in shown


async def test_what_was_tampered_with_is_found_and_repaired(
    scoville: Scoville, store: Store, own_runtime: Runtime
) -> None:
    tenant = ("--tenant", store.name)
    await fold(own_runtime.db, store.ctx.tenant_id, now=store.ctx.now)
    fine = scoville("rollups", "verify", *tenant)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "No differences.\n", "")
    assert output(scoville("rollups", "verify", *tenant, "--json")) == []
    async with own_runtime.db.write(store.ctx.tenant_id) as session:
        (broken,) = await session.fetch(
            """/* test.break */ UPDATE rollups SET clicks = clicks + 2
            WHERE tenant_id = $1 AND rollup_set = 'influencer' AND grain = 'DAY' AND ctid = (
              SELECT min(ctid) FROM rollups WHERE tenant_id = $1 AND rollup_set = 'influencer' AND grain = 'DAY')
            RETURNING influencer_id, bucket""",
            store.ctx.tenant_id,
        )

    for_people = scoville("rollups", "verify", *tenant)
    for_scripts = scoville("rollups", "verify", *tenant, "--json")

    assert (for_people.returncode, for_scripts.returncode) == (1, 1)
    assert (for_people.stderr, for_scripts.stderr) == ("", "")
    (found,) = json.loads(for_scripts.stdout)
    assert (found["tenant"], found["rollup_set"], found["grain"]) == (store.name, "influencer", "DAY")
    assert found["off"] == {"clicks": -2}
    assert datetime.fromisoformat(found["bucket"]) == broken["bucket"]
    (line,) = for_people.stdout.splitlines()[1:]
    assert line.startswith(store.name)
    assert line.rstrip().endswith("clicks=-2")

    assert output(scoville("rollups", "rebuild", *tenant, "--json")) == [{"tenant": store.name, "kind": "LIVE"}]
    assert scoville("rollups", "verify", *tenant).stdout == "No differences.\n"
    assert table(scoville("rollups", "rebuild", *tenant)) == [f"{store.name}  LIVE"]


def test_a_tenant_that_is_none_is_told(scoville: Scoville) -> None:
    done = scoville("rollups", "verify", "--tenant", "nobody")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("scoville: NOT_FOUND: There is no tenant named 'nobody'")


@pytest.fixture
def worker(own_settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """A running `scoville worker`."""
    process = subprocess.Popen(
        [*COMMAND, "worker"],
        env=environment_of(own_settings) | {"SCOVILLE_FOLD_INTERVAL_S": "0.05"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


async def test_a_worker_folds_until_it_is_told_to_stop(store: Store, worker: "subprocess.Popen[str]") -> None:
    async with asyncio.timeout(60):
        while await store.look.value("count(*)", "rollup_delta"):
            assert worker.poll() is None, "it ended by itself"
            await asyncio.sleep(0.05)

    worker.send_signal(signal.SIGTERM)
    printed, log = worker.communicate(timeout=40)

    assert await store.look.value("count(*)", "rollups") > 0
    assert (worker.returncode, printed) == (0, "")
    lines = [json.loads(line) for line in log.splitlines()]
    events = [line["event"] for line in lines if line["event"].startswith("worker_")]
    assert events == ["worker_started", "worker_stopped"]
    assert [line for line in lines if line["level"] != "info"] == []


async def test_an_export_is_where_it_is_said_to_be(scoville: Scoville, store: Store, tmp_path: Path) -> None:
    arguments = ("export", "facts", "--tenant", store.name, "--out")

    told = output(scoville(*arguments, str(tmp_path / "one"), "--json"))
    shown = table(scoville(*arguments, str(tmp_path / "two")))
    refused = scoville(*arguments, str(tmp_path / "one"))

    assert told["directory"] == str(tmp_path / "one")
    assert set(told["rows"]) == {family.name for family in FAMILIES}
    assert told["rows"]["order_lines"] == len(store.facts.rows["order_lines"])
    assert dict(line.split() for line in shown) == {name: str(rows) for name, rows in told["rows"].items()}
    for directory in ("one", "two"):
        exported = parquet.read_table(tmp_path / directory / "order_lines.parquet")
        assert exported.num_rows == told["rows"]["order_lines"] > 0
    assert (refused.returncode, refused.stdout) == (1, "")


def test_the_schema_is_printed_as_it_is_kept(scoville: Scoville) -> None:
    done = scoville("schema")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (Path(__file__).parents[2] / "graphql_schema" / "schema.graphql").read_text(encoding="utf-8")
