"""`scoville serve`."""

import asyncio
import socket

import structlog
import typer

from app.cli import server, services, signals
from app.cli.options import DataDir, Host, Port, Workers, load_settings
from app.observability import logs
from app.settings import Settings

commands = typer.Typer()

log = structlog.get_logger(__name__)


@commands.command("serve")
def serve(host: Host = None, port: Port = None, workers: Workers = None, data_dir: DataDir = None) -> None:
    """Serve the API. Without DATABASE_URL and REDIS_URL it starts embedded servers in the data directory."""
    settings = load_settings(host=host, port=port, workers=workers, data_dir=data_dir)
    logs.configure(settings)
    with services.ready(settings, may_make=True) as found, server.bind(found) as bound:
        log.info("listening", url=server.address(bound), workers=found.workers)
        if found.workers > 1:
            server.serve_with_workers(found, bound)
        else:
            services.run(_serve(found, bound))


async def _serve(settings: Settings, bound: socket.socket) -> None:
    stop = signals.stop_event()
    async with server.serving(settings, bound) as ended:
        await asyncio.wait([ended, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
