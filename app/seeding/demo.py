"""The demo's tenant: a slice of real orders with an invented program laid over it, and a key for each role.

The orders are of 2010 and 2011. So that questions about the last months have answers, all their times are moved by the
same number of whole weeks, as many as fit before the tenant was made: weekdays and hours stay what they were, and the
last order lies less than a week before the first start. Nothing else depends on when that was; later starts move
nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.analytics.rollups.fold import fold
from app.core.context import Role, TenantInfo, nobody
from app.core.timegrain import zone
from app.db.owner import OwnerDatabase
from app.errors import DomainError
from app.integrations.online_retail import CURRENCY, ZONE, Survey, survey
from app.runtime import Runtime
from app.seeding import remembered
from app.seeding.online_retail import Imported, import_online_retail
from app.seeding.paying import pay
from app.seeding.program import PERSONAS
from app.seeding.pump import Progress
from app.seeding.remembered import Remembered
from app.tenancy import queries
from app.tenancy.service import create_key, create_tenant, hash_key

NAME = "Scoville demo"
"""Of the demo's tenant."""

SLICE = Path(__file__).parent / "data" / "online-retail-slice.csv.gz"

STAR = PERSONAS[0]
"""The influencer whose key the demo gives out: the one with most orders."""

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's tenant. survey: of the data to load into it; None when they are there. keys: known so far, by role."""

    tenant: TenantInfo
    survey: Survey | None
    keys: dict[Role, str]


async def find_or_make(owner: OwnerDatabase, data_dir: Path, *, now: datetime) -> Demo:
    """The demo of this database, whose tenant (and TEST twin) is made if it is new."""
    row = await _find(owner)
    if row is None:
        async with owner.owner() as session:
            tenant, _ = await create_tenant(session, name=NAME, reporting_zone=ZONE, currency=CURRENCY, now=now)
        return Demo(tenant, survey_before(now), {})
    tenant = row.info
    known = remembered.read(data_dir, tenant.id)
    if known is None:
        return Demo(tenant, survey_before(row.created_at), {})
    return Demo(tenant, None, known.keys)


def survey_before(at: datetime) -> Survey:
    """The slice, moved by whole weeks so that it ends in the week before."""
    last = max(invoice.occurred_at for invoice in survey(SLICE).invoices.values())
    local = zone(ZONE)
    weeks = (at.astimezone(local).replace(tzinfo=None) - last.astimezone(local).replace(tzinfo=None)) // WEEK
    return survey(SLICE, weeks=weeks)


async def load(runtime: Runtime, demo: Demo, *, progress: Progress) -> Imported:
    """Record the demo's data, pay whom they earned something, and fold. Cut off, the next start finishes it."""
    assert demo.survey is not None, "the data are to be loaded"
    ctx = nobody(demo.tenant, runtime.clock.now())
    imported = await import_online_retail(runtime, ctx, demo.survey, progress=progress)
    if not imported.is_whole:
        refused = next(item for phase in imported.phases.values() for item in phase.rejections)
        assert refused.code is not None, "a refusal has a code"
        raise DomainError(
            refused.code,
            f"The demo's data do not fit what {NAME!r} holds by now ({refused.external_id}: {refused.message}) "
            "Choose another --data-dir.",
        )
    await pay(runtime, demo.tenant, demo.survey, progress=progress)
    await fold(runtime.db, demo.tenant.id, now=runtime.clock.now())
    return imported


async def keys_of(owner: OwnerDatabase, data_dir: Path, demo: Demo, *, now: datetime) -> dict[Role, str]:
    """A key for each role, the same at every start: made and remembered where there is none, or none that opens."""
    keys: dict[Role, str] = {}
    for role in Role:
        key = demo.keys.get(role)
        if key is None or await queries.find_principal(owner, hash_key(key)) is None:
            key = await _new_key(owner, demo.tenant, role, now=now)
        keys[role] = key
    if keys != demo.keys:
        remembered.write(data_dir, Remembered(demo.tenant.id, keys))
    return keys


async def _new_key(owner: OwnerDatabase, tenant: TenantInfo, role: Role, *, now: datetime) -> str:
    influencer_id = None
    if role is Role.INFLUENCER:
        async with owner.read(tenant.id) as reading:
            influencer_id = await queries.find_influencer(reading, STAR.handle)
        assert influencer_id is not None, "the program is laid before keys are made"
    async with owner.owner() as session:
        made = await create_key(
            session, tenant=tenant, role=role, name=f"demo {role.value}", now=now, influencer_id=influencer_id
        )
    return made.key


async def _find(owner: OwnerDatabase) -> queries.TenantRow | None:
    async with owner.directory() as session:
        rows = await queries.list_tenants(session)
    return next((row for row in rows if row.info.name == NAME and not row.info.is_test), None)
