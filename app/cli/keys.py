"""`scoville keys …`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from app.cache.epoch import EPOCH_LIFE_S
from app.cache.open import open_cache
from app.cli import services
from app.cli.lookup import find_tenant, unknown_tenant
from app.cli.options import DataDir, Json, Tenant, Test, UsageError, load_settings
from app.cli.output import print_json, print_rows, shown
from app.core.context import Role, TenantInfo
from app.db.owner import OwnerDatabase
from app.errors import DomainError
from app.settings import Settings
from app.tenancy import queries, service
from app.tenancy.service import NewKey

commands = typer.Typer(help="API keys: shown once, stored as hashes.", no_args_is_help=True)


@commands.command("create")
def create(
    tenant: Tenant,
    role: Annotated[Role, typer.Option("--role", help="What the key is for.")],
    name: Annotated[str, typer.Option("--name", help="Whose it is, for the list.")] = "unnamed",
    influencer: Annotated[
        str | None,
        typer.Option("--influencer", help="For role influencer: the influencer's id or external id."),
    ] = None,
    test: Test = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a key and show it. It is never shown again."""
    if (role is Role.INFLUENCER) != (influencer is not None):
        raise UsageError("--influencer goes with --role influencer, and only with it.")

    async def work(settings: Settings) -> NewKey:
        async with OwnerDatabase.connected(settings) as db:
            owner_of_key = await find_tenant(db, tenant, is_test=test)
            influencer_id = None if influencer is None else await _influencer(db, owner_of_key, influencer)
            async with db.owner() as session:
                return await service.create_key(
                    session,
                    tenant=owner_of_key,
                    role=role,
                    name=name,
                    now=datetime.now(UTC),
                    influencer_id=influencer_id,
                )

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        made = services.run(work(settings))
    if as_json:
        print_json({"id": made.id, "role": made.role, "key": made.key})
    else:
        typer.echo(made.key)


@commands.command("list")
def list_all(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Of this tenant only.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List keys by their hints, revoked ones too."""

    async def work(settings: Settings) -> list[queries.KeyRow]:
        async with OwnerDatabase.connected(settings) as db, db.directory() as session:
            tenants = await queries.list_tenants(session)
            chosen = [row.info.id for row in tenants if tenant in (None, row.info.name)]
            if not chosen and tenant is not None:
                raise unknown_tenant(tenant)
            return await queries.list_keys(session, chosen)

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        rows = services.run(work(settings))
    print_rows(
        ("id", "tenant", "role", "name", "hint", "influencer", "created_at", "revoked_at"),
        [
            (
                row.id,
                row.tenant_name,
                row.role.value,
                row.name,
                row.hint,
                row.influencer_id,
                row.created_at,
                row.revoked_at,
            )
            for row in rows
        ],
        as_json=as_json,
    )


@commands.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `scoville keys list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Close a key: it opens nothing from the next request on."""
    try:
        chosen = UUID(key_id)
    except ValueError:
        raise UsageError(f"{key_id!r} is not the id of a key. `scoville keys list` shows them.") from None
    now = datetime.now(UTC)

    async def work(settings: Settings) -> tuple[datetime, bool]:
        async with OwnerDatabase.connected(settings) as db, db.owner() as session:
            revoked_at = await service.revoke_key(session, key_id=chosen, now=now)
        cache = open_cache(settings)
        try:
            return revoked_at, await cache.key_epochs.bump()
        finally:
            await cache.close()

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        revoked_at, is_told = services.run(work(settings))
    if settings.redis_enabled and not is_told:
        typer.echo(
            f"Redis could not be told: servers that use it may honour the key for {EPOCH_LIFE_S} s more.", err=True
        )
    if revoked_at == now:
        typer.echo("Revoked.")
    else:
        typer.echo(f"It was revoked before, at {shown(revoked_at)}. Nothing changed.")


async def _influencer(db: OwnerDatabase, tenant: TenantInfo, reference: str) -> UUID:
    async with db.read(tenant.id) as session:
        found = await queries.find_influencer(session, reference)
    if found is None:
        raise DomainError("UNKNOWN_INFLUENCER", f"{tenant.name!r} has no influencer {reference!r}.")
    return found
