"""Fixtures of the whole suite: real Postgres and Redis, a fresh tenant per test.

Tests share one database per worker process and stay apart by tenant, as customers do: nothing is truncated, and every
test that passes also shows that tenants do not disturb each other. DATABASE_URL and REDIS_URL name other servers.
"""

import itertools
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import asyncpg
import pytest

import app.db.session as session_module
from app.core.context import Ctx, Principal, Role, TenantInfo
from app.core.ids import new_id
from app.db.embedded import EmbeddedServices
from app.db.owner import OwnerDatabase
from app.db.session import statement_observers
from app.main import create_app
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.tenancy.service import create_key
from tests.client import Client
from tests.factories.commands import Commands
from tests.factories.databases import migrated_database, wait_for_no_disk
from tests.invariants.sql_rules import violations

TESTS = str(Path(__file__).parent)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden`: write what is, instead of comparing with it."""
    parser.addoption("--update-golden", action="store_true", help="Rewrite the files of tests/golden.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long form out, unless `-m` speaks of it."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


@pytest.fixture(scope="session", autouse=True)
def statements_run() -> Iterator[dict[str, None]]:
    """The texts of all statements that the app ran in sessions, in order; those of tests themselves left out."""
    seen: dict[str, None] = {}
    observe = session_module._observe

    def observing(sql: str) -> None:
        caller: FrameType | None = sys._getframe(1)
        while caller is not None and caller.f_code.co_filename == session_module.__file__:
            caller = caller.f_back
        if caller is None or not caller.f_code.co_filename.startswith(TESTS):
            seen.setdefault(sql)
        observe(sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "_observe", observing)
        yield seen


@pytest.fixture(autouse=True)
def statements_keep_the_rules(statements_run: dict[str, None]) -> Iterator[None]:
    """Fails the test that is first to run a statement against tests/invariants/sql_rules.py: those built at run time
    are held to the rules too."""
    known = len(statements_run)
    yield
    new = itertools.islice(statements_run, known, None)
    wrong = [f"{'; '.join(found)}:\n{sql}" for sql in new if (found := violations(sql))]
    assert not wrong, "\n\n".join(wrong)


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that name a running Postgres and Redis: those of the environment, else embedded ones.

    The embedded ones are shared by all worker processes of a run, and end with the last.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    # Every answer is kept from the first time on: what keeps it is tested with questions of all sizes. A busy machine
    # may be late by a quarter of a second: which statements run must not depend on it.
    asked = Settings(data_dir=shared / "services", answer_rows_min=0, redis_timeout_s=1.0)
    with EmbeddedServices(asked) as settings:
        if asked.database_url is None:
            wait_for_no_disk(settings)
        yield settings


@pytest.fixture(scope="session")
async def settings(services: Settings) -> AsyncIterator[Settings]:
    """Settings for a freshly migrated database of this worker's own."""
    async with migrated_database(services) as settings:
        yield settings


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """Runs commands, in processes of their own."""
    with Commands() as made:
        yield made


@pytest.fixture(scope="session")
async def admin(settings: Settings) -> AsyncIterator["asyncpg.Pool[Any]"]:
    """A pool of the administrator: for building what no use case builds, and for looking behind the app's back."""
    pool = await asyncpg.create_pool(settings.owner_url, min_size=1, max_size=2)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def owner(settings: Settings) -> AsyncIterator[OwnerDatabase]:
    """The owner's sessions."""
    async with OwnerDatabase.connected(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on real services."""
    async with open_runtime(settings) as runtime:
        yield runtime


@pytest.fixture
async def tenant(admin: "asyncpg.Pool[Any]") -> TenantInfo:
    """A fresh live tenant: GBP, Europe/London."""
    info = TenantInfo(
        id=new_id(), name=f"tenant {uuid.uuid4().hex}", reporting_zone="Europe/London", currency="GBP", is_test=False
    )
    await add_tenant(admin, info)
    return info


async def add_tenant(admin: "asyncpg.Pool[Any]", info: TenantInfo) -> None:
    """Insert a tenant as it is."""
    await admin.execute(
        """INSERT INTO tenants (id, name, kind, reporting_zone, currency, created_at)
        VALUES ($1, $2, 'LIVE', $3, $4, $5)""",
        info.id,
        info.name,
        info.reporting_zone,
        info.currency,
        datetime.now(UTC),
    )


@pytest.fixture
def ctx(tenant: TenantInfo) -> Ctx:
    """An administrator of the tenant, now."""
    return make_ctx(tenant)


def make_ctx(
    tenant: TenantInfo, role: Role = Role.ADMIN, *, influencer_id: uuid.UUID | None = None, now: datetime | None = None
) -> Ctx:
    """A request of a principal of the tenant."""
    principal = Principal(key_id=new_id(), role=role, tenant=tenant, influencer_id=influencer_id)
    return Ctx(principal=principal, request_id=str(uuid.uuid4()), now=now or datetime.now(UTC))


@pytest.fixture
def make_key(owner: OwnerDatabase, tenant: TenantInfo) -> Callable[..., Awaitable[str]]:
    """`await make_key(Role.STORE)` gives a fresh key of the tenant; `of=` another tenant's, `influencer_id=` whose."""

    async def make(
        role: Role = Role.ADMIN, *, of: TenantInfo | None = None, influencer_id: uuid.UUID | None = None
    ) -> str:
        async with owner.owner() as session:
            made = await create_key(
                session,
                tenant=of or tenant,
                role=role,
                name="test",
                now=datetime.now(UTC),
                influencer_id=influencer_id,
            )
        return made.key

    return make


@pytest.fixture
async def client(runtime: Runtime, make_key: Callable[..., Awaitable[str]]) -> AsyncIterator[Client]:
    """A client of the whole application, with an administrator's key of the tenant."""
    async with Client(create_app(runtime), await make_key(Role.ADMIN)) as made:
        yield made


@pytest.fixture
def count_statements() -> Callable[[], Any]:
    """`with count_statements() as statements:` collects the text of every statement run inside."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []
        token = statement_observers.set((*statement_observers.get(), seen.append))
        try:
            yield seen
        finally:
            statement_observers.reset(token)

    return counting
