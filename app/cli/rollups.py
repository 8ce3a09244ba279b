"""`scoville rollups …`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from app.analytics.advice import Workload, advise
from app.analytics.rollups import fold, rebuild, record, sizes, status, verify
from app.analytics.rollups.catalog import CATALOG
from app.cli import advised, services
from app.cli.lookup import unknown_tenant
from app.cli.options import DataDir, Json, load_settings
from app.cli.output import print_json, print_rows, progress_bar
from app.core.context import TenantInfo
from app.db.session import Database
from app.tenancy import queries

commands = typer.Typer(help="Stored sums: what they hold, and whether they are right.", no_args_is_help=True)

TenantOrAll = Annotated[str | None, typer.Option("--tenant", help="Of this tenant and its twin; else of all.")]

Found = TypeVar("Found")


@commands.command("status")
def show_status(tenant: TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show what is stored and what waits to be folded."""

    async def look(db: Database, whose: TenantInfo) -> status.RollupStatus | None:
        return await status.status(db, whose.id)

    rows = [
        (*named(whose), found.rows, found.deltas, found.generation, found.folded_at, found.rebuilt_at, missing)
        for whose, found in of_each(tenant, look, data_dir=data_dir, is_quiet=True)
        if found is not None
        for missing in [" ".join(found.missing)]
    ]
    columns = ("tenant", "kind", "rows", "deltas", "generation", "folded_at", "rebuilt_at", "missing")
    print_rows(columns, rows, as_json=as_json)


@commands.command("fold")
def run_fold(tenant: TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Move pending deltas into rollups, as the worker does all the time."""

    async def move(db: Database, whose: TenantInfo) -> int:
        return await fold.fold(db, whose.id, now=datetime.now(UTC))

    folded = of_each(tenant, move, data_dir=data_dir, is_quiet=as_json)
    print_rows(
        ("tenant", "kind", "deltas_folded"), [(*named(whose), deltas) for whose, deltas in folded], as_json=as_json
    )


@commands.command("rebuild")
def run_rebuild(tenant: TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the rollups anew from facts: after a change of zone or currency, for a new set, or to repair."""

    async def renew(db: Database, whose: TenantInfo) -> None:
        await rebuild.rebuild(db, whose, now=datetime.now(UTC))

    rebuilt = of_each(tenant, renew, data_dir=data_dir, is_quiet=as_json)
    print_rows(("tenant", "kind"), [named(whose) for whose, _ in rebuilt], as_json=as_json)


@commands.command("verify")
def run_verify(tenant: TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Compare rollups and pending deltas with the facts; exit code 1 when they differ. May run beside writes."""

    async def compare(db: Database, whose: TenantInfo) -> list[verify.Difference]:
        return await verify.verify(db, whose.id)

    rows = [
        (
            *named(whose),
            found.rollup_set,
            found.grain,
            found.bucket,
            found.campaign_id,
            found.influencer_id,
            found.platform,
            found.off if as_json else " ".join(f"{name}={value:+}" for name, value in found.off.items()),
        )
        for whose, differences in of_each(tenant, compare, data_dir=data_dir, is_quiet=as_json)
        for found in differences
    ]
    columns = ("tenant", "kind", "rollup_set", "grain", "bucket", "campaign", "influencer", "platform", "off")
    if rows or as_json:
        print_rows(columns, rows, as_json=as_json)
    else:
        typer.echo("No differences.")
    if rows:
        raise typer.Exit(1)


@commands.command("advise")
def show_advice(
    tenant: TenantOrAll = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=366, help="By the questions of the last so many days.")
    ] = 30,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Propose sets that would make the questions that are asked cheaper, and tell which stored ones none needs."""
    since = datetime.now(UTC) - timedelta(days=days - 1)

    async def look(db: Database, whose: TenantInfo) -> tuple[record.Asked, sizes.Sizes | None]:
        async with db.snapshot(whose.id, timeout_s=verify.TIMEOUT_S) as session:
            return await record.asked(session, since=since), await sizes.sizes(session, whose.reporting_zone)

    found = [each for _, each in of_each(tenant, look, data_dir=data_dir, is_quiet=as_json)]
    workloads = [Workload(asked.questions, size) for asked, size in found if size is not None]
    first = min((asked.since for asked, _ in found if asked.since is not None), default=None)
    beyond = sum(asked.beyond for asked, _ in found)
    advice = advise(workloads, CATALOG)
    if as_json:
        print_json(advised.as_values(advice, first, beyond))
    else:
        typer.echo("\n".join(advised.lines(advice, first, beyond)))


def named(tenant: TenantInfo) -> tuple[str, str]:
    """The columns that say whose a row is."""
    return tenant.name, "TEST" if tenant.is_test else "LIVE"


def of_each(
    name: str | None, work: Callable[[Database, TenantInfo], Awaitable[Found]], *, data_dir: Any, is_quiet: bool
) -> list[tuple[TenantInfo, Found]]:
    """What the work found for each tenant: those of the name, or all."""

    async def of_each(db: Database) -> list[tuple[TenantInfo, Found]]:
        async with db.directory() as session:
            tenants = [row.info for row in await queries.list_tenants(session) if name in (None, row.info.name)]
        if not tenants and name is not None:
            raise unknown_tenant(name)
        with progress_bar(is_quiet=is_quiet) as bar:
            return [(tenant, await work(db, tenant)) for tenant in bar.track(tenants, description="tenants")]

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        return services.run(services.with_database(settings, of_each))
