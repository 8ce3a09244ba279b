"""The command line as a user and a script meet it: what it prints, where, and with which exit code."""

import json
import signal
import subprocess
import time
import uuid
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

import asyncpg
import psutil
import pytest

from app.core.context import Role
from app.runtime import Runtime
from app.seeding.demo import SLICE
from app.settings import Settings
from app.tenancy import queries, service
from tests.factories.commands import COMMAND, Commands, Scoville, clean_environment, output

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture(scope="session")
def scoville(commands: Commands, settings: Settings) -> Scoville:
    """Runs a command against the suite's servers."""
    return commands.on(settings)


def new_name() -> str:
    """A tenant name that nobody has."""
    return f"brand {uuid.uuid4().hex}"


async def test_from_a_tenant_to_a_key_and_back(scoville: Scoville, runtime: Runtime) -> None:
    name = new_name()

    made = output(scoville("tenants", "create", name, "--zone", "Europe/Paris", "--currency", "EUR", "--json"))
    key = output(scoville("keys", "create", "--tenant", name, "--role", "store", "--name", "shop", "--json"))
    test_key = scoville("keys", "create", "--tenant", name, "--role", "admin", "--test").stdout.strip()

    assert [row["kind"] for row in made] == ["LIVE", "TEST"]
    principal = await queries.find_principal(runtime.db, service.hash_key(key["key"]))
    of_twin = await queries.find_principal(runtime.db, service.hash_key(test_key))
    assert principal is not None
    assert (str(principal.tenant.id), principal.role) == (made[0]["id"], Role.STORE)
    assert of_twin is not None
    assert str(of_twin.tenant.id) == made[1]["id"]

    revoked = scoville("keys", "revoke", key["id"])
    listed = output(scoville("keys", "list", "--tenant", name, "--json"))

    assert (revoked.returncode, revoked.stdout, revoked.stderr) == (0, "Revoked.\n", "")
    assert await queries.find_principal(runtime.db, service.hash_key(key["key"])) is None
    assert [(row["name"], row["revoked_at"] is None) for row in listed] == [("shop", False), ("unnamed", True)]
    assert key["key"] not in json.dumps(listed)

    again = scoville("keys", "revoke", key["id"])

    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("It was revoked before, at ")
    assert output(scoville("keys", "list", "--tenant", name, "--json")) == listed


async def test_influencers_key_takes_an_id_or_an_external_id(
    scoville: Scoville, runtime: Runtime, admin: Admin
) -> None:
    name = new_name()
    (live, _) = output(scoville("tenants", "create", name, "--zone", "UTC", "--currency", "USD", "--json"))
    influencer_id = uuid.uuid4()
    async with runtime.db.write(uuid.UUID(live["id"])) as session:
        await session.execute(
            """/* test */
            INSERT INTO influencers (tenant_id, id, external_id, name, status, created_at, updated_at)
            VALUES ($1, $2, 'ada', 'Ada', 'ACTIVE', $3, $3)""",
            session.tenant_id,
            influencer_id,
            runtime.clock.now(),
        )

    for reference in ("ada", str(influencer_id)):
        arguments = ("--tenant", name, "--role", "influencer", "--influencer", reference)
        key = scoville("keys", "create", *arguments).stdout.strip()
        principal = await queries.find_principal(runtime.db, service.hash_key(key))
        assert principal is not None
        assert principal.influencer_id == influencer_id


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("keys", "create", "--tenant", "no such tenant", "--role", "admin"), 1, "NOT_FOUND: There is no tenant named"),
        (("keys", "create", "--tenant", "x", "--role", "influencer"), 2, "BAD_USER_INPUT: --influencer goes with"),
        (("keys", "create", "--tenant", "x", "--role", "owner"), 2, "'owner' is not one of 'admin', "),
        (("keys", "list", "--tenant", "no such tenant"), 1, "There is no tenant named"),
        (("keys", "revoke", str(uuid.UUID(int=7))), 1, "There is no key with the id"),
        (("keys", "revoke", "not-an-id"), 2, "BAD_USER_INPUT: 'not-an-id' is not the id of a key."),
        (("import", "orders", __file__, "--tenant", "x", "--format", "xml"), 2, "'xml' is not one of 'online-retail'"),
        (
            ("tenants", "create", "a\nb", "--zone", "UTC", "--currency", "EUR"),
            1,
            "BAD_USER_INPUT: The name must have no",
        ),
        (
            ("explain", "--tenant", "x", "/nowhere/question.graphql"),
            2,
            "BAD_USER_INPUT: /nowhere/question.graphql is no",
        ),
        (("explain", "--tenant", "x", "{ viewer(\udcff) }"), 2, "BAD_USER_INPUT: "),
        (("tenants", "create", "x", "--zone", "Mars/Olympus", "--currency", "EUR"), 1, "not an IANA time zone"),
        (("tenants", "create", "x", "--zone", "UTC", "--currency", "ABC"), 1, "not an ISO 4217 currency"),
        (("no-such-command",), 2, "no-such-command"),
    ],
)
def test_mistakes_are_said_on_standard_error_without_a_traceback(
    scoville: Scoville, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = scoville(*arguments)

    assert done.returncode == code
    assert done.stdout == ""
    assert said in " ".join(done.stderr.replace("│", "").split())
    assert "Traceback" not in done.stderr
    assert "Value error" not in done.stderr


def test_a_server_that_is_away_is_one_line(scoville: Scoville) -> None:
    done = scoville("tenants", "list", DATABASE_ADMIN_URL="postgresql://ada:open-sesame@127.0.0.1:9/db")

    assert done.returncode == 1
    assert done.stderr == "scoville: The database is not reachable or refuses the role of the URL.\n"


@pytest.mark.parametrize(
    ("is_there", "arguments"),
    [
        (False, ("tenants", "list")),
        (True, ("keys", "revoke", str(uuid.UUID(int=7)))),
        (False, ("rollups", "verify")),
        (True, ("partitions", "ensure")),
        (False, ("import", "orders", str(SLICE), "--format", "online-retail", "--tenant", "x")),
        (True, ("export", "facts", "--tenant", "x", "--out", "never-made")),
        (False, ("explain", "--tenant", "x", "--measure", "orders")),
    ],
)
def test_a_mistyped_data_directory_stays_as_it_is(
    commands: Commands, tmp_path: Path, is_there: bool, arguments: tuple[str, ...]
) -> None:
    data_dir = tmp_path / "data" if is_there else tmp_path / "nowhere" / "data"
    if is_there:
        data_dir.mkdir()
    before = list(tmp_path.rglob("*"))

    done = commands.alone(*arguments, "--data-dir", str(data_dir))

    assert done.returncode == 1
    assert done.stderr == (
        f"scoville: NOT_FOUND: There is no Scoville data in {data_dir}: `scoville serve` makes it. See --data-dir.\n"
    )
    assert done.stdout == ""
    assert list(tmp_path.rglob("*")) == before


SERVE, LIST = ("serve", "--port", "0"), ("tenants", "list")


@pytest.mark.parametrize(
    ("arguments", "data_dir", "said"),
    [
        (SERVE, "file/data", "The data directory {}/file/data cannot be made: Not a directory. Choose another"),
        (SERVE, "file", "The data directory {}/file cannot be made: File exists. Choose another"),
        (SERVE, "taken", "The embedded postgres in {}/taken/postgres cannot be used: Not a directory. Choose another"),
        (SERVE, "~nobody-has-this-name", "~nobody-has-this-name is in no user's home. Choose another"),
        (LIST, "~nobody-has-this-name", "~nobody-has-this-name is in no user's home. Choose another"),
        (LIST, "x" * 300, "cannot be made: File name too long. Choose another"),
    ],
)
def test_a_data_directory_that_cannot_be_is_one_line(
    commands: Commands, tmp_path: Path, arguments: tuple[str, ...], data_dir: str, said: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "postgres").touch()
    given = data_dir if data_dir.startswith("~") else str(tmp_path / data_dir)

    done = commands.alone(*arguments, "--data-dir", given)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said.format(tmp_path) in done.stderr


def test_version_is_the_installed_one() -> None:
    # As a shell starts it: nothing is imported yet.
    done = subprocess.run(
        [*COMMAND, "--version"], env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"scoville {metadata.version('scoville')}\n", "")


def test_partitions_and_migrate_may_be_repeated(scoville: Scoville) -> None:
    assert scoville("migrate").returncode == 0
    assert scoville("migrate").stdout.endswith("The schema is the newest.\n")
    assert output(scoville("partitions", "ensure", "--json")) == []
    assert scoville("partitions", "ensure").stdout == "Nothing to do.\n"


def test_settings_are_shown_with_their_source_and_without_secrets(commands: Commands, tmp_path: Path) -> None:
    done = commands.alone(
        "settings",
        "--json",
        "--data-dir",
        str(tmp_path),
        "--port",
        "0",
        DATABASE_URL="postgresql://ada:open-sesame@db.example:5433/brand?sslmode=require&password=open-sesame",
        SCOVILLE_WORKERS="3",
        SCOVILLE_PORT="9999",
    )

    rows = {row["name"]: row for row in output(done)}
    assert rows["DATABASE_URL"]["value"] == "postgresql://ada:hidden@db.example:5433/brand?hidden"
    assert "open-sesame" not in json.dumps(rows)
    sources = {name: row["source"] for name, row in rows.items()}
    assert (sources["DATABASE_URL"], sources["SCOVILLE_WORKERS"]) == ("environment", "environment")
    assert (sources["SCOVILLE_PORT"], rows["SCOVILLE_PORT"]["value"]) == ("flag", 0)
    assert (sources["SCOVILLE_DATA_DIR"], rows["SCOVILLE_DATA_DIR"]["value"]) == ("flag", str(tmp_path))
    assert sources["SCOVILLE_HOST"] == "default"
    assert len(rows) == len(Settings.model_fields)
    assert all(row["description"] for row in rows.values())


def test_a_setting_that_does_not_fit_is_named(commands: Commands) -> None:
    done = commands.alone("settings", SCOVILLE_PORT="70000", SCOVILLE_WORKERS="many")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "SCOVILLE_PORT: " in done.stderr
    assert "SCOVILLE_WORKERS: " in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://ada:hunter2@127.0.0.1/brand"),
        ("DATABASE_URL", "postgresql://ada:hunter2@127.0.0.1:soon/brand"),
        ("DATABASE_URL", "postgresql://ada:hunter2@[::1/brand"),
        ("DATABASE_URL", "postgresql://ada:hunter2@127.0.0.1:70000/brand"),
        # The driver that migrates takes one host.
        ("DATABASE_URL", "postgresql://ada:hunter2@one.example:5432,two.example:5432/brand"),
        ("DATABASE_ADMIN_URL", "hunter2"),
        ("REDIS_URL", "hunter2"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:soon"),
        ("REDIS_URL", "redis://:hunter2[x@127.0.0.1/0"),
    ],
)
@pytest.mark.parametrize("command", [("tenants", "list"), ("serve", "--port", "0")], ids=["tenants", "serve"])
def test_an_address_that_is_none_is_named_without_its_secret(
    commands: Commands, command: tuple[str, ...], name: str, value: str
) -> None:
    done = commands.alone(*command, **{name: value})

    assert done.returncode == 2
    assert done.stderr.startswith(f"scoville: BAD_USER_INPUT: {name}: this is no URL such as ")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr + done.stdout


def test_an_address_without_text_is_not_set(commands: Commands, tmp_path: Path) -> None:
    empty = {"DATABASE_URL": "", "DATABASE_ADMIN_URL": " ", "REDIS_URL": ""}

    done = commands.alone("tenants", "list", "--data-dir", str(tmp_path), **empty)

    assert done.returncode == 1
    assert "There is no Scoville data in" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgres://brand",
        "postgresql:///brand?host=/run/postgresql",
        "postgresql://ada:p%40ss@one.example:/brand?target_session_attrs=primary",
        " POSTGRESQL://ada@one.example/brand\n",
        "postgresql://ada@[::1]:5432/brand",
        "postgresql://ada:a:b@127.0.0.1/brand#",
    ],
)
def test_addresses_that_drivers_take_are_taken(commands: Commands, url: str) -> None:
    rows = output(commands.alone("settings", "--json", DATABASE_URL=url, REDIS_URL="unix:///run/redis.sock?db=1"))

    assert {row["name"]: row["source"] for row in rows}["DATABASE_URL"] == "environment"


def test_names_that_look_alike_are_not_two(scoville: Scoville) -> None:
    done = scoville("tenants", "create", " Big ", "--zone", "UTC", "--currency", "EUR")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "scoville: BAD_USER_INPUT: The name ' Big ' begins or ends with a blank.\n"


def test_a_command_that_is_interrupted_says_so() -> None:
    with subprocess.Popen(
        [*COMMAND, "rates", "import", "-"],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell runs in the background ignores Ctrl-C, and so would the command.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as command:
        process, spent_s, before_s = psutil.Process(command.pid), 0.0, -1.0
        while spent_s < 0.2 or spent_s > before_s:
            # It does nothing any more once it waits for its input.
            time.sleep(0.5)
            before_s, spent_s = spent_s, sum(process.cpu_times()[:2])
        command.send_signal(signal.SIGINT)
        printed, said = command.communicate(timeout=30)

    assert (command.returncode, printed, said) == (130, "", "scoville: Interrupted.\n")
