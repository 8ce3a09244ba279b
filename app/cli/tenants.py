"""`scoville tenants …`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.cli import services
from app.cli.options import DataDir, Json, load_settings
from app.cli.output import print_rows
from app.core.context import TenantInfo
from app.db.owner import OwnerDatabase
from app.settings import Settings
from app.tenancy import queries, service

COLUMNS = ("id", "name", "kind", "reporting_zone", "currency")

commands = typer.Typer(help="Tenants, each with its TEST twin.", no_args_is_help=True)


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The brand, agency or chain.")],
    zone: Annotated[str, typer.Option("--zone", help="IANA time zone of its days and months.")],
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217 code of its reports.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a tenant, and the TEST twin that its sk_test_ keys open."""

    async def work(settings: Settings) -> tuple[TenantInfo, TenantInfo]:
        async with OwnerDatabase.connected(settings) as db, db.owner() as session:
            return await service.create_tenant(
                session, name=name, reporting_zone=zone, currency=currency, now=datetime.now(UTC)
            )

    with services.ready(load_settings(data_dir=data_dir), may_make=True) as settings:
        made = services.run(work(settings))
    print_rows(COLUMNS, [_shown(tenant) for tenant in made], as_json=as_json)


@commands.command("list")
def list_all(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List all tenants."""

    async def work(settings: Settings) -> list[queries.TenantRow]:
        async with OwnerDatabase.connected(settings) as db, db.directory() as session:
            return await queries.list_tenants(session)

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        rows = services.run(work(settings))
    print_rows(COLUMNS, [_shown(row.info) for row in rows], as_json=as_json)


def _shown(tenant: TenantInfo) -> tuple[object, ...]:
    kind = "TEST" if tenant.is_test else "LIVE"
    return (tenant.id, tenant.name, kind, tenant.reporting_zone, tenant.currency)
