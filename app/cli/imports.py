"""`scoville import …`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli import services
from app.cli.lookup import find_tenant
from app.cli.options import DataDir, Json, Tenant, Test, load_settings
from app.cli.output import print_json, print_rows, progress_bar
from app.core.context import TenantInfo, nobody
from app.db.owner import OwnerDatabase
from app.integrations.online_retail import COLUMNS, Survey, survey
from app.integrations.online_retail.report import MEANINGS, Bucket
from app.runtime import open_runtime
from app.seeding.online_retail import Imported, extent_of, import_online_retail
from app.seeding.pump import Progress
from app.settings import Settings

commands = typer.Typer(help="A store's history, from files.", no_args_is_help=True)


class Format(StrEnum):
    """What a file may hold."""

    ONLINE_RETAIL = "online-retail"


@commands.callback()
def group() -> None:
    """A store's history, from files."""


@commands.command("orders")
def orders(
    file: Annotated[Path, typer.Argument(help="CSV, plain or gzipped.", exists=True, dir_okay=False, readable=True)],
    file_format: Annotated[
        Format, typer.Option("--format", help=f"Whose columns the file has. online-retail: {', '.join(COLUMNS)}.")
    ],
    tenant: Tenant,
    program: Annotated[
        bool,
        typer.Option(
            "--program/--no-program",
            help="Lay invented influencers, campaigns, codes and clicks over the orders, so that attribution has work.",
        ),
    ] = True,
    test: Test = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Record the orders, refunds and adjustments of a file, and report what became of each of its lines.

    A second run replays: it finishes what a first one left, and doubles nothing. Exit code 1 when anything was refused,
    or a row could not be read.
    """
    started = time.perf_counter()
    assert file_format is Format.ONLINE_RETAIL, "the only one"

    async def work(settings: Settings, found: Survey, whose: TenantInfo) -> Imported:
        async with open_runtime(settings) as runtime:
            with progress_of(found, is_quiet=as_json) as progress:
                imported = await import_online_retail(
                    runtime, nobody(whose, datetime.now(UTC)), found, with_program=program, progress=progress
                )
        async with OwnerDatabase.connected(settings) as owner:
            await owner.analyze()
        return imported

    found = survey(file)
    with services.ready(load_settings(data_dir=data_dir)) as settings:
        whose = services.run(_tenant(settings, tenant, is_test=test))
        if found.invoices:
            services.make_partitions(settings, span=extent_of(found))
        imported = services.run(work(settings, found, whose))
    took_s = time.perf_counter() - started
    if as_json:
        print_json({"seconds": round(took_s, 3), **imported.to_json()})
    else:
        _show(imported, took_s)
    if imported.report.malformed_rows or not imported.is_whole:
        raise typer.Exit(1)


@contextmanager
def progress_of(found: Survey, *, is_quiet: bool) -> Iterator[Progress]:
    """Progress by phase, with totals where the survey knows them."""
    totals = {
        "customers": len(found.customers),
        "products": len(found.products),
        "orders": sum(invoice.is_order and not invoice.is_late for invoice in found.invoices.values()),
    }
    with progress_bar(is_quiet=is_quiet) as bar:
        tasks = {name: bar.add_task(name, total=total) for name, total in totals.items()}

        def advance(phase: str, items: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=None)
            bar.advance(tasks[phase], items)

        yield advance


def _show(imported: Imported, took_s: float) -> None:
    report = imported.report
    print_rows(
        ("lines", "units", "value", "what became of them"),
        [
            (f"{tally.lines:,}", f"{tally.quantity:,}", f"{tally.value:,}", MEANINGS[bucket])
            for bucket, tally in report.buckets.items()
            if tally.lines
        ]
        + [(f"{report.lines:,}", "", f"{report.positive + report.negative:,}", "all lines of the file")],
        as_json=False,
    )
    notes = (
        (report.surplus.lines, "credit notes pay more than their order's line: what is above is an adjustment"),
        (report.rounded, f"lines have parts of a penny; rounding them changed the sum by {report.rounding:f}"),
        (report.several_times, "invoices have lines of several times; the earliest counts"),
        (report.several_customers, "invoices have lines of several customers; the first line's counts"),
        (report.buckets[Bucket.MALFORMED].lines, f"malformed rows, the first at {report.malformed_rows[:5]}"),
    )
    for count, note in notes:
        if count:
            typer.echo(f"{count:,} {note}.")
    typer.echo()
    print_rows(
        ("recorded", "replayed", "rejected", "seconds", "of"),
        [
            (f"{phase.recorded:,}", f"{phase.replayed:,}", f"{phase.rejected:,}", f"{phase.seconds:.1f}", phase.name)
            for phase in imported.phases.values()
        ],
        as_json=False,
    )
    typer.echo(f"It took {took_s:.1f} s in all. Phases overlap and wait for each other: theirs do not add up to it.")
    for phase in imported.phases.values():
        for refusal in phase.rejections:
            typer.echo(f"{phase.name} {refusal.external_id}: {refusal.code}: {refusal.message}", err=True)
        if phase.rejected > len(phase.rejections):
            typer.echo(f"{phase.name}: {phase.rejected - len(phase.rejections):,} more were rejected.", err=True)


async def _tenant(settings: Settings, name: str, *, is_test: bool) -> TenantInfo:
    async with OwnerDatabase.connected(settings) as owner:
        return await find_tenant(owner, name, is_test=is_test)
