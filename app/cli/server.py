"""The HTTP server of a command: in this process, or several behind one port."""

import asyncio
import multiprocessing
import os
import resource
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app import main
from app.core.lifeline import end_with_parent
from app.errors import OutsideError
from app.observability import logs
from app.observability.metrics import MULTIPROCESS_DIR, forget_process
from app.settings import Settings
from app.web.protocol import BoundedProtocol
from app.web.socket_protocol import BoundedWebSocket

GRACE_S = 20
"""Seconds that requests under way get when the server stops."""

KEEP_ALIVE_S = 30

WORKER_PATIENCE_S = 30
"""Seconds a worker process may be silent before it is replaced: more than it needs to start on a busy machine."""

BACKLOG = 2048

FILES_BESIDE = 3_000
"""Files and connections of a process beside those with subscriptions: requests, databases, logs."""


class Server(uvicorn.Server):
    """uvicorn's server without its signal handling: the command decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which replaces server processes that died."""

    def keep_subprocess_alive(self) -> None:
        """Replace the dead, and forget what they had under way."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            assert pid is not None, "it was started"
            forget_process(pid)


def bind(settings: Settings) -> socket.socket:
    """A socket at the address of the settings. Raises OutsideError when it is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        raise OutsideError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another --port or --host.",
            retryable=False,
        ) from error
    bound.set_inheritable(True)
    return bound


def address(bound: socket.socket) -> str:
    """The URL that reaches the socket from this machine."""
    host, port = bound.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the listener's name, not ours
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


@asynccontextmanager
async def serving(settings: Settings, bound: socket.socket) -> AsyncIterator["asyncio.Task[None]"]:
    """A server of this process that answers; stopped in order at the end. The task ends early if the server does.

    Raises OutsideError when it does not start.
    """
    server = Server(_config(settings))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if task.done():
                await task
                raise OutsideError("The server did not start; its log says why.", retryable=False)
            await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait([task])


def serve_with_workers(settings: Settings, bound: socket.socket) -> None:
    """Serve with several processes behind the socket until Ctrl-C or SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="scoville-metrics-") as shared:
        # Whichever process is asked for /metrics tells the counts of all.
        os.environ[MULTIPROCESS_DIR] = shared
        supervisor = Supervisor(_config(settings), sockets=[bound])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise OutsideError("The server's processes did not start; their log says why.", retryable=False)


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        partial(build, settings),
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws=BoundedWebSocket,
        ws_max_size=settings.live_message_bytes_max,
        ws_ping_interval=settings.live_ping_s,
        ws_ping_timeout=settings.live_ping_s,
        # What is compressed can unfold to anything.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        # Nothing is asked of where a request came from: whoever stands before the server is not looked for in its head.
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_worker_healthcheck=WORKER_PATIENCE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def build(settings: Settings) -> ASGIApp:
    """The application, in whichever process serves it."""
    logs.configure(settings)
    _open_more_files(settings.live_connections_max + FILES_BESIDE)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        # A killed supervisor would leave its servers listening with nobody to stop them.
        assert supervisor.pid is not None
        end_with_parent(signal.SIGTERM, supervisor.pid)()
    return main.Server(settings)


def _open_more_files(most: int) -> None:
    """Let this process hold so many connections, or as many as the system lets it: usually it starts with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
