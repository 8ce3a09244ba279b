"""`scoville worker`."""

import typer

from app import worker
from app.cli import services, signals
from app.cli.options import DataDir, load_settings
from app.observability import logs
from app.runtime import open_runtime
from app.settings import Settings

commands = typer.Typer()


@commands.command("worker")
def run_worker(data_dir: DataDir = None) -> None:
    """Fold rollups and keep house until stopped. Several may run at once."""
    settings = load_settings(data_dir=data_dir)
    logs.configure(settings)
    with services.ready(settings, may_make=True) as found:
        services.run(_work(found))


async def _work(settings: Settings) -> None:
    stop = signals.stop_event()
    async with open_runtime(settings) as runtime:
        await worker.work(runtime, stop)
