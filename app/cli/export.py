"""`scoville export …`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import services
from app.cli.lookup import find_tenant
from app.cli.options import DataDir, Json, Tenant, Test, load_settings
from app.cli.output import print_json, print_rows, progress_bar
from app.db.facts import FAMILIES
from app.db.owner import OwnerDatabase
from app.db.session import Database
from app.seeding.export import Exported, export_facts
from app.settings import Settings

commands = typer.Typer(help="Copies of a tenant's data, for other tools.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Copies of a tenant's data, for other tools."""


@commands.command("facts")
def facts(
    tenant: Tenant,
    out: Annotated[Path, typer.Option("--out", help="Directory for the files; made if missing.", file_okay=False)],
    snapshot: Annotated[
        str | None,
        typer.Option("--snapshot", help="See what an open transaction sees, by its pg_export_snapshot()."),
    ] = None,
    test: Test = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write all facts as Parquet: a file a family, all as of one moment; export.json beside them says what is what."""

    async def work(settings: Settings) -> Exported:
        async with OwnerDatabase.connected(settings) as owner:
            whose = await find_tenant(owner, tenant, is_test=test)
        db = await Database.open(settings)
        try:
            with progress_bar(is_quiet=as_json) as bar:
                tasks = {family.name: bar.add_task(family.name, total=None) for family in FAMILIES}
                return await export_facts(
                    db,
                    whose,
                    out,
                    now=datetime.now(UTC),
                    snapshot_id=snapshot,
                    progress=lambda name, rows: bar.advance(tasks[name], rows),
                )
        finally:
            await db.close()

    with services.ready(load_settings(data_dir=data_dir)) as settings:
        made = services.run(work(settings))
    if as_json:
        print_json({"directory": made.directory, "rows": made.rows})
    else:
        print_rows(("family", "rows"), list(made.rows.items()), as_json=False)
