"""`scoville ledger …`."""

import typer

from app.cli import rollups
from app.cli.options import DataDir, Json
from app.cli.output import print_rows
from app.core.context import TenantInfo
from app.db.session import Database
from app.ledger import balances

commands = typer.Typer(help="The books: whether they balance.", no_args_is_help=True)


@commands.command("verify")
def run_verify(tenant: rollups.TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Check that every posting sums to zero and every balance is what its entries sum to; exit code 1 if not.

    May run beside writes.
    """

    async def check(db: Database, whose: TenantInfo) -> tuple[list[balances.Difference], list[balances.Unbalanced]]:
        return await balances.verify(db, whose.id)

    rows: list[tuple[object, ...]] = []
    for whose, (differences, unbalanced) in rollups.of_each(tenant, check, data_dir=data_dir, is_quiet=as_json):
        named = rollups.named(whose)
        rows += [
            (*named, "balance", each.influencer_id, each.account, each.currency, each.month, each.off)
            for each in differences
        ]
        rows += [(*named, "posting", each.posting_id, None, each.currency, None, each.off) for each in unbalanced]
    if rows or as_json:
        print_rows(("tenant", "kind", "what", "of", "account", "currency", "month", "off"), rows, as_json=as_json)
    else:
        typer.echo("No differences.")
    if rows:
        raise typer.Exit(1)


@commands.command("rebuild")
def run_rebuild(tenant: rollups.TenantOrAll = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the balances anew from the ledger's entries: to repair. May run beside writes."""

    async def renew(db: Database, whose: TenantInfo) -> None:
        await balances.rebuild(db, whose.id)

    rebuilt = rollups.of_each(tenant, renew, data_dir=data_dir, is_quiet=as_json)
    print_rows(("tenant", "kind"), [rollups.named(whose) for whose, _ in rebuilt], as_json=as_json)
