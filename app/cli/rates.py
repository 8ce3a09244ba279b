"""`scoville rates …`."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import services
from app.cli.options import DataDir, Json, UsageError, load_settings
from app.cli.output import print_json
from app.db.owner import OwnerDatabase
from app.orders.ecb import Rate, crossed, read_rates
from app.orders.rates import insert_for_all
from app.runtime import open_runtime
from app.settings import Settings
from app.tenancy.queries import list_tenant_ids
from app.usecases.record_exchange_rates import TAG
from app.worker import convert_late_facts

commands = typer.Typer(help="Exchange rates that all tenants share.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Exchange rates that all tenants share."""


@commands.command("import")
def run_import(
    file: Annotated[str, typer.Argument(help="eurofxref.csv or eurofxref-hist.csv of the ECB; - for standard input.")],
    since: Annotated[
        str | None, typer.Option("--since", help="Leave out days before this one, such as 2026-01-01.")
    ] = None,
    crosses: Annotated[
        bool,
        typer.Option("--crosses/--no-crosses", help="Keep the rates between two other currencies that follow, too."),
    ] = True,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add the European Central Bank's reference rates, and convert the facts of all tenants that waited for them.

    A rate that is known for its day stays as it is.
    """
    found = list(read_rates(_read(file), since=_day(since)))
    if crosses:
        found += crossed(found)
    with services.ready(load_settings(data_dir=data_dir)) as settings:
        inserted = services.run(_insert(settings, found))
    days = {rate.day for rate in found}
    if as_json:
        print_json({"rates": len(found), "new": inserted, "days": len(days)})
    else:
        typer.echo(f"{inserted} of {len(found)} rates of {len(days)} days are new.")


async def _insert(settings: Settings, rates: Sequence[Rate]) -> int:
    now = datetime.now(UTC)
    async with OwnerDatabase.connected(settings) as owner, owner.owner() as session:
        inserted = await insert_for_all(session, rates, now=now)
    async with open_runtime(settings) as runtime:
        async with runtime.db.directory() as reading:
            tenants = await list_tenant_ids(reading)
        for tenant_id in tenants:
            await runtime.answers.note(tenant_id, (), (TAG,))
        await convert_late_facts(runtime)
    return inserted


def _read(file: str) -> str:
    path = Path(file)
    if file != "-" and not path.is_file():
        raise UsageError(f"{file} is no file.")
    content = sys.stdin.buffer.read() if file == "-" else path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = "standard input" if file == "-" else file
        raise UsageError(f"{name} is no text in UTF-8 (its byte {error.start}): is it zipped?") from None


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text[:20]!r} is no day such as 2026-01-01.") from None
