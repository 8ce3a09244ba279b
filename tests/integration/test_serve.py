"""`scoville serve` as a process: it answers, shares its port, stops in order, and leaves nothing behind when killed."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import asyncpg
import httpx
import psutil
import pytest

from app.settings import Settings
from tests.integration.test_cli import COMMAND, clean_environment

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Served:
    """A running `scoville serve`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.log: list[str] = []
        self.url = ""
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line)
            if line.startswith("{") and json.loads(line).get("event") == "listening":
                self.url = json.loads(line)["url"]
                break

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


def servers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The living server processes behind the port."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            # Killed, and not yet buried.
            continue
    return found


def wait_until(claim: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Whether the claim came true in time."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Served]]:
    """Starts servers on the suite's database; ends them."""
    assert settings.database_url is not None
    assert settings.database_admin_url is not None
    assert settings.redis_url is not None
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> Served:
        given = {
            "DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
            "DATABASE_ADMIN_URL": settings.database_admin_url.get_secret_value() if settings.database_admin_url else "",
            "REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        }
        process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            env=clean_environment(**(given | environment)),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Served(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_answers_and_stops_in_order(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)

    served.process.send_signal(signal.SIGTERM)
    _, rest = served.process.communicate(timeout=20)

    assert served.process.returncode == 0
    assert '"event":"server_stopped"' in rest
    assert "Traceback" not in rest


def test_several_processes_answer_behind_one_port_and_die_with_their_parent(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0", "--workers", "2")
    assert wait_until(served.is_up)
    assert wait_until(lambda: len(servers_of(served.process)) == 2)
    children = servers_of(served.process)

    served.process.kill()
    served.process.wait()

    gone, alive = psutil.wait_procs(children, timeout=20)
    assert (len(gone), alive) == (2, [])


def test_a_killed_process_of_several_is_replaced(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0", "--workers", "2")
    assert wait_until(served.is_up)
    assert wait_until(lambda: len(servers_of(served.process)) == 2)
    before = servers_of(served.process)

    before[0].kill()

    assert wait_until(lambda: len(servers_of(served.process)) == 2 and before[0] not in servers_of(served.process))
    assert wait_until(served.is_up)
    served.process.send_signal(signal.SIGINT)
    served.process.communicate(timeout=30)
    assert served.process.returncode == 0


def test_a_port_in_use_is_one_clear_line(serve: Callable[..., Served]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        served = serve("--port", str(taken.getsockname()[1]))

    served.process.wait(timeout=20)
    assert served.process.returncode == 1
    assert served.log[-1].startswith("scoville: Cannot listen on 127.0.0.1:")
    assert "Traceback" not in "".join(served.log)


async def test_a_given_database_with_an_old_schema_is_left_alone(
    serve: Callable[..., Served], settings: Settings, admin: Admin
) -> None:
    assert settings.database_admin_url is not None
    server = settings.database_admin_url.get_secret_value()
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"CREATE DATABASE {name}_old")
    old = server.replace(f"/{name}", f"/{name}_old")

    served = serve("--port", "0", DATABASE_URL=old, DATABASE_ADMIN_URL=old)
    served.process.wait(timeout=20)

    connection = await asyncpg.connect(old)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    await admin.execute(f"DROP DATABASE {name}_old WITH (FORCE)")
    assert tables == 0
    assert served.process.returncode == 1
    assert "Run `scoville migrate`" in served.log[-1]
