"""Starts what is measured, each as one process on a free port of the loopback, and stops it again."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]

START_TIMEOUT_S = 60.0

STOP_TIMEOUT_S = 20.0

HARNESS_PORTS = {"plain": 8202, "plain-cache": 8212, "postgraphile": 8201}
"""Where the harness's servers.sh starts them."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and its process."""

    url: str
    pid: int


class NotStarted(Exception):
    """A server ended, or did not listen in time."""


@contextmanager
def scoville(settings: Settings, directory: Path, *, name: str = "scoville") -> Iterator[Server]:
    """`scoville serve` of this checkout."""
    assert settings.database_url is not None, "databases are made before they are served"
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "SCOVILLE_LOG_LEVEL": "WARNING",
        "SCOVILLE_DATA_DIR": str(directory / "data"),
    }
    if settings.redis_url is None:
        environment["SCOVILLE_REDIS_ENABLED"] = "false"
    else:
        environment["REDIS_URL"] = settings.redis_url.get_secret_value()
    port = _free_port()
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", str(port)]
    with _running(command, environment, port, directory / f"{name}.log") as server:
        yield server


@contextmanager
def contenders(source: str, redis: str, bodies: Path, directory: Path) -> Iterator[Server]:
    """The floors and hand-written endpoints of contenders.py. source, redis: URLs."""
    port = _free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "tests.benchmarks.peers.contenders:app", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]
    environment = {"PEERS_SOURCE": source, "PEERS_REDIS": redis, "PEERS_BODIES": str(bodies)}
    with _running(command, environment, port, directory / "contenders.log") as server:
        yield server


@contextmanager
def of_harness(harness: Path, peers: Path, name: str, database: str) -> Iterator[Server]:
    """A peer, by the harness's own script."""
    script, environment = str(harness / "servers.sh"), os.environ | {"PEERS": str(peers)}
    subprocess.run([script, "start", name, database], env=environment, check=True)
    try:
        _wait(HARNESS_PORTS[name], peers / f"{name}.log")
        yield Server(f"http://127.0.0.1:{HARNESS_PORTS[name]}", int((peers / f"{name}.pid").read_text()))
    finally:
        subprocess.run([script, "stop", name], env=environment, check=True)


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], port: int, log: Path) -> Iterator[Server]:
    with log.open("wb") as output, _process(command, environment, output) as process:
        _wait(port, log, process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], output: IO[bytes]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | dict(environment), stdout=output, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def _wait(port: int, log: Path, process: "subprocess.Popen[bytes] | None" = None) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise NotStarted(f"Nothing listens on port {port}: {log.read_text()[-2_000:]}")
