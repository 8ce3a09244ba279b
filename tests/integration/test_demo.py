"""The demo's tenant: loaded once, moved to the present, finished after a cut, and with keys that open."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.core.context import Role, nobody
from app.core.ids import new_id
from app.db.owner import OwnerDatabase
from app.integrations.online_retail import CURRENCY, ZONE, survey
from app.runtime import Runtime
from app.seeding import paying, remembered
from app.seeding.demo import SLICE, Demo, find_or_make, keys_of, load, survey_before
from app.seeding.remembered import Remembered
from app.tenancy import queries
from app.tenancy.service import create_tenant, hash_key, revoke_key
from tests.factories.orders import Look

pytestmark = pytest.mark.database

LONDON = ZoneInfo("Europe/London")


class CutOffError(Exception):
    """What ends a load in its middle."""


@pytest.mark.parametrize("at", [datetime(2026, 11, 21, 15, tzinfo=UTC), datetime(2026, 6, 30, 23, 30, tzinfo=UTC)])
def test_the_slice_ends_in_the_week_before_with_its_weekdays_and_hours(at: datetime) -> None:
    original, moved = survey(SLICE), survey_before(at)

    assert timedelta(0) <= at - max(invoice.occurred_at for invoice in moved.invoices.values()) < timedelta(days=7)
    assert moved.invoices.keys() == original.invoices.keys()
    for number, invoice in original.invoices.items():
        then, now = (each.occurred_at.astimezone(LONDON) for each in (invoice, moved.invoices[number]))
        assert (then.weekday(), then.time()) == (now.weekday(), now.time())


async def test_a_load_that_was_cut_off_is_finished_by_the_next_start(
    runtime: Runtime, owner: OwnerDatabase, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    first = await find_or_make(owner, tmp_path, now=now)
    assert first.survey is not None

    def cut(phase: str, items: int) -> None:
        if phase == "orders":
            raise CutOffError

    with pytest.raises(CutOffError):
        await load(runtime, first, progress=cut)
    second = await find_or_make(owner, tmp_path, now=now + timedelta(days=30))
    assert second.survey is not None
    imported = await load(runtime, second, progress=lambda phase, items: None)
    keys = await keys_of(owner, tmp_path, second, now=now)

    assert second.survey.weeks == first.survey.weeks
    assert imported.phases["instances"].recorded == 0, "all of them came before the cut"
    look = Look(runtime.db, nobody(second.tenant, now))
    assert await look.counts("orders", "refunds", "adjustments", "rollup_delta") == {
        "orders": 1_367,
        "refunds": 247,
        "adjustments": 119,
        "rollup_delta": 0,
    }
    async with runtime.db.read(second.tenant.id) as session:
        batches = await session.fetch(
            "/* test */ SELECT * FROM payout_batches WHERE tenant_id = $1 ORDER BY created_at",
            second.tenant.id,
        )
        owed = await session.fetchval(
            "/* test */ SELECT sum(amount_minor) FROM ledger_deltas WHERE tenant_id = $1", second.tenant.id
        )
    last_day = batches[-1]["created_at"]
    assert {(row["state"], row["created_at"] == last_day) for row in batches} == {("DONE", False), ("DRAFT", True)}
    assert {row["currency"] for row in batches} == {"GBP", "EUR"}
    assert owed is None, "all of it is folded"
    third = await find_or_make(owner, tmp_path, now=now)
    assert (third.tenant, third.survey, third.keys) == (second.tenant, None, keys)


async def test_payouts_that_were_cut_off_are_confirmed_by_the_next_start(
    runtime: Runtime, owner: OwnerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    async with owner.owner() as session:
        tenant, _ = await create_tenant(
            session, name=f"cut {new_id()}", reporting_zone=ZONE, currency=CURRENCY, now=now
        )
    made = Demo(tenant, survey_before(now), {})

    async def cut(*_: object) -> None:
        raise CutOffError

    with monkeypatch.context() as patched, pytest.raises(CutOffError):
        patched.setattr(paying, "confirm_payout_items", cut)
        await load(runtime, made, progress=lambda phase, items: None)
    await load(runtime, made, progress=lambda phase, items: None)

    async with runtime.db.read(tenant.id) as reading:
        rows = await reading.fetch("/* test */ SELECT * FROM payout_batches WHERE tenant_id = $1", tenant.id)
    last_day = max(row["created_at"] for row in rows)
    assert {(row["state"], row["created_at"] == last_day) for row in rows} == {("DONE", False), ("DRAFT", True)}


async def test_keys_are_the_same_at_every_start_and_open(
    runtime: Runtime, owner: OwnerDatabase, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    made = await find_or_make(owner, tmp_path, now=now)
    if made.survey is not None:
        await load(runtime, made, progress=lambda phase, items: None)
    keys = await keys_of(owner, tmp_path, made, now=now)

    again = await keys_of(owner, tmp_path, await find_or_make(owner, tmp_path, now=now), now=now)

    assert again == keys
    assert list(keys) == list(Role)
    for role, key in keys.items():
        principal = await queries.find_principal(owner, hash_key(key))
        assert principal is not None
        assert (principal.role, principal.tenant.id) == (role, made.tenant.id)
    assert ((tmp_path / remembered.FILE).stat().st_mode & 0o777) == 0o600


async def test_a_revoked_key_is_replaced_and_the_others_stay(
    runtime: Runtime, owner: OwnerDatabase, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    made = await find_or_make(owner, tmp_path, now=now)
    if made.survey is not None:
        await load(runtime, made, progress=lambda phase, items: None)
    keys = await keys_of(owner, tmp_path, made, now=now)
    principal = await queries.find_principal(owner, hash_key(keys[Role.STORE]))
    assert principal is not None
    async with owner.owner() as session:
        await revoke_key(session, key_id=principal.key_id, now=now)

    after = await keys_of(owner, tmp_path, await find_or_make(owner, tmp_path, now=now), now=now)

    assert {role for role in Role if after[role] != keys[role]} == {Role.STORE}
    assert await queries.find_principal(owner, hash_key(after[Role.STORE])) is not None


async def test_what_was_remembered_of_another_database_is_not_believed(owner: OwnerDatabase, tmp_path: Path) -> None:
    made = await find_or_make(owner, tmp_path, now=datetime.now(UTC))
    remembered.write(tmp_path, Remembered(new_id(), {Role.ADMIN: "sk_live_of_another"}))

    again = await find_or_make(owner, tmp_path, now=datetime.now(UTC))

    assert again.tenant == made.tenant
    assert again.survey is not None
    assert again.keys == {}
