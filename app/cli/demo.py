"""`scoville demo`."""

import asyncio
import socket
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app import worker
from app.cli import server, services, signals
from app.cli.imports import progress_of
from app.cli.options import DataDir, Json, Port, load_settings
from app.cli.output import print_json
from app.core.context import Role
from app.db.keeper.place import make_data_dir
from app.db.owner import OwnerDatabase
from app.observability import logs
from app.runtime import Runtime, open_runtime
from app.seeding import demo
from app.seeding.demo import Demo
from app.seeding.online_retail import extent_of
from app.settings import Settings

commands = typer.Typer()

QUERY = "{ analytics(range: {last: {n: 3, unit: MONTH}}) { totals { orders netRevenue commission } } }"


@commands.command("demo")
def run_demo(port: Port = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Serve a shop with a year of orders, influencers and clicks, until Ctrl-C. Needs nothing but this command.

    With --json it prints one line when it is ready: url, graphql, and a key for each role, under the role's name and
    together as keys. The first start loads the data; each later one finds them, and gives the same keys.
    """
    settings = load_settings(port=port, data_dir=data_dir, workers=1)
    if not as_json:
        settings = _for_people(settings)
    logs.configure(settings)
    with services.ready(settings, may_make=True) as found, server.bind(found) as bound:
        whose = services.run(_find_or_make(found))
        if whose.survey is not None:
            services.make_partitions(found, span=extent_of(whose.survey))
        services.run(_demonstrate(found, bound, whose, as_json=as_json))


def _for_people(settings: Settings) -> Settings:
    # What was asked for in the environment stays; else a person sees text, and of the log what went wrong.
    quiet = {"log_json": False, "log_level": "WARNING"}
    return settings.model_copy(
        update={name: value for name, value in quiet.items() if name not in settings.model_fields_set}
    )


async def _find_or_make(settings: Settings) -> Demo:
    async with OwnerDatabase.connected(settings) as owner:
        return await demo.find_or_make(owner, make_data_dir(settings.data_dir), now=datetime.now(UTC))


async def _demonstrate(settings: Settings, bound: socket.socket, whose: Demo, *, as_json: bool) -> None:
    stop = signals.stop_event()
    async with open_runtime(settings) as runtime:
        if whose.survey is not None and not await _unless_stopped(_load(runtime, whose, as_json=as_json), stop):
            return
        async with OwnerDatabase.connected(settings) as owner:
            if whose.survey is not None:
                await owner.analyze()
            keys = await demo.keys_of(owner, make_data_dir(settings.data_dir), whose, now=datetime.now(UTC))
        async with server.serving(settings, bound) as ended:
            works = asyncio.create_task(worker.work(runtime, stop))
            _tell(server.address(bound), keys, as_json=as_json)
            asked = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([ended, works, asked], return_when=asyncio.FIRST_COMPLETED)
            finally:
                stop.set()
                await asyncio.gather(asked, works)


async def _load(runtime: Runtime, whose: Demo, *, as_json: bool) -> None:
    assert whose.survey is not None, "the data are to be loaded"
    started = time.perf_counter()
    with progress_of(whose.survey, is_quiet=as_json) as progress:
        await demo.load(runtime, whose, progress=progress)
    if not as_json:
        typer.echo(f"The data were loaded in {time.perf_counter() - started:.1f} s.", err=True)


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether the work came to its end before somebody asked to stop. Raises what it raises."""
    task, asked = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
        return False
    await task
    return True


def _tell(url: str, keys: dict[Role, str], *, as_json: bool) -> None:
    graphql = f"{url}/graphql"
    if as_json:
        by_role = {role.value: key for role, key in keys.items()}
        # Each key stands under its role's name too: a shell script picks one field.
        print_json({"url": url, "graphql": graphql, **by_role, "keys": by_role})
        return
    known = Table.grid(padding=(0, 2))
    known.add_row("GraphQL", Text(graphql, style="bold"))
    known.add_row("", "open it in a browser for GraphiQL")
    for role, key in keys.items():
        known.add_row(f"{role.value} key", Text(key))
    console = Console(highlight=False, soft_wrap=True)
    console.print(Panel(Group(known), title="Scoville is ready", subtitle="Ctrl-C stops it", expand=False))
    # Below the frame: a line to copy must hold nothing else.
    console.print("\nAsk what the last three months brought:\n", markup=False)
    console.print(
        f"curl -s {graphql} -H 'Authorization: Bearer {keys[Role.ANALYST]}' "
        f"""-H 'Content-Type: application/json' -d '{{"query": "{QUERY}"}}'\n""",
        markup=False,
    )
