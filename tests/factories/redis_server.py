"""Redis servers of a test's own, to be killed and started again, and a proxy that makes them slow."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import app.db.keeper.valkey as embedded
from app.cache.answers import RedisAnswers
from app.cache.client import RedisClient
from app.settings import Settings

START_TIMEOUT_S = 20.0


def server_binaries() -> list[Path]:
    """The embedded Valkey, and Redis where the machine has one."""
    found = shutil.which(os.environ.get("REDIS_SERVER", "redis-server"))
    return [embedded._binary(), *([Path(found)] if found else [])]


@asynccontextmanager
async def answers_on(url: str, timeout_s: float = 1.0) -> AsyncIterator[RedisAnswers]:
    """Answers of one process on a server."""
    client = RedisClient(url, timeout_s=timeout_s)
    answers = RedisAnswers(client, Settings(redis_url=url))
    yield answers
    await answers.close()
    await client.close()


class RedisServer:
    """A server on a Unix socket, without persistence."""

    def __init__(self, binary: Path, *settings: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="sv-redis-"))
        self.socket = self._directory / "s"
        self._command = [str(binary), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._directory)]
        self._command += ["--save", "", "--loglevel", "warning", *settings]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                if client.recv(7) == b"+PONG\r\n":
                    return
            time.sleep(0.01)
        raise AssertionError("the test's Redis does not start")

    def kill(self) -> None:
        """Kill it, as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it and remove what it left."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._directory)


class SlowProxy:
    """Stands before a server and holds every reply back for a while."""

    def __init__(self, target: Path, *, delay_s: float) -> None:
        self._target = target
        self._delay_s = delay_s
        self._directory = Path(tempfile.mkdtemp(prefix="sv-proxy-"))
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = f"unix://{self._directory / 's'}"

    async def __aenter__(self) -> "SlowProxy":
        self._server = await asyncio.start_unix_server(self._serve, str(self._directory / "s"))
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        shutil.rmtree(self._directory)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(str(self._target))
        for source, sink, delay_s in ((reader, up_writer, 0.0), (up_reader, writer, self._delay_s)):
            task = asyncio.create_task(_pump(source, sink, delay_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float) -> None:
    try:
        while data := await source.read(65536):
            await asyncio.sleep(delay_s)
            sink.write(data)
            await sink.drain()
    except OSError:
        # The client cut the connection: what this proxy is for.
        return
    finally:
        sink.close()
