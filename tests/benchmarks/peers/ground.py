"""What a run stands on: databases with the same facts, and the servers that answer from them."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from app.db.embedded import EmbeddedServices
from app.db.migrate import migrate
from app.settings import Settings
from tests.benchmarks.peers import questions, servers
from tests.benchmarks.peers.convert import convert, served
from tests.benchmarks.peers.servers import Server
from tests.benchmarks.peers.shots import answer

HERE = Path(__file__).parent

HARNESS_SERVER = "host=127.0.0.1 port=55432 user=bench"
HARNESS_REDIS = "redis://127.0.0.1:56379"

GENERATED_INSTANCES = 200_000


@dataclass(frozen=True, slots=True)
class Contender:
    """Who is asked: `path` below the server's URL. shape: of its answers, for the comparison; None: it is not compared.

    is_floor: it says the same to every question. is_variant: Scoville in another way, for varied questions alone.
    """

    name: str
    server: Server
    path: str
    language: str
    shape: str | None
    inline: bool = False
    is_floor: bool = False
    is_variant: bool = False

    def url(self, question: str) -> str:
        """Where the question is posted."""
        return self.server.url + self.path.replace("{question}", question)

    def lines(self, question: str, picks: Sequence[questions.Pick]) -> list[str]:
        """What is posted."""
        return questions.lines(self.language, question, picks, inline=self.inline)


@dataclass(frozen=True, slots=True)
class Ground:
    """The databases of a run. small: with a tenth of the facts, where there is one."""

    source: str
    settings: Settings
    small: Settings | None
    redis: str
    harness: tuple[Path, Path, str] | None


def lay(stack: ExitStack, database: str, small: str | None) -> Ground:
    """The databases: the harness's, converted where they are not yet, or a generated one on embedded services."""
    peers, harness = os.environ.get("PEERS"), os.environ.get("HARNESS")
    if peers is None or harness is None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scoville-peers-")))
        services = stack.enter_context(EmbeddedServices(Settings(data_dir=directory)))
        assert services.redis_url is not None, "embedded services have both"
        source = generated(services.owner_url)
        target = make_conninfo(source, dbname="scoville_peers")
        settings = convert(source, target, say=lambda line: None)
        redis = services.redis_url.get_secret_value()
        return Ground(_url(source), _with_redis(settings, redis), None, redis, None)
    redis = f"{HARNESS_REDIS}/5"
    return Ground(
        source=_url(make_conninfo(HARNESS_SERVER, dbname=database)),
        settings=_with_redis(_converted(database), f"{HARNESS_REDIS}/5"),
        small=None if small is None else _with_redis(_converted(small), f"{HARNESS_REDIS}/6"),
        redis=f"{HARNESS_REDIS}/7",
        harness=(Path(harness), Path(peers), database),
    )


def _converted(name: str) -> Settings:
    source = make_conninfo(HARNESS_SERVER, dbname=name)
    target = make_conninfo(HARNESS_SERVER, dbname=f"scoville_{name}")
    with psycopg.connect(source) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (f"scoville_{name}",)).fetchone()
    if not known:
        return convert(source, target, say=lambda line: print(line, flush=True))
    settings = served(target)
    migrate(settings.owner_url)
    return settings


def _with_redis(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"redis_enabled": True, "redis_url": SecretStr(url)})


def generated(owner_url: str, *, name: str = "source", instances: int = GENERATED_INSTANCES) -> str:
    """A new database on the server, in the shape of the harness's."""
    source = make_conninfo(owner_url, dbname=name)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    text = (HERE / "source.sql").read_text()
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute((text % {"instances": instances}).encode())
    return source


def _make_handmade(source: str) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('handmade.pivot_month')").fetchone() == (None,):
            connection.execute((HERE / "handmade.sql").read_text().encode())
            connection.execute(
                "VACUUM (ANALYZE) handmade.campaign_day, handmade.influencer_month, handmade.pivot_month"
            )


def _url(conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts.get('port', 5432)}"


def start(stack: ExitStack, ground: Ground) -> list[Contender]:
    """Every contender, running until the stack is left. The floors' bodies are Scoville's answers."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scoville-bench-")))
    ours = stack.enter_context(servers.scoville(ground.settings, directory))
    scoville = Contender("scoville", ours, "/graphql", "scoville", "scoville")
    bodies = directory / "bodies"
    bodies.mkdir()
    for question in questions.READS:
        line = scoville.lines(question, [questions.usual(question)])[0]
        (bodies / f"{question}.json").write_bytes(answer(scoville.url(question), line))
    _make_handmade(ground.source)
    hand = stack.enter_context(servers.contenders(ground.source, ground.redis, bodies, directory))
    found = [
        scoville,
        Contender("scoville, values in the document", ours, "/graphql", "scoville", None, inline=True, is_variant=True),
        Contender("handmade", hand, "/handmade/{question}", "plain", "handmade"),
        Contender("handmade, isolated", hand, "/isolated/{question}", "plain", "handmade"),
        Contender("redis get", hand, "/redis/{question}", "plain", None, is_floor=True),
        Contender("constant", hand, "/constant/{question}", "plain", None, is_floor=True),
    ]
    if ground.small is not None:
        less = stack.enter_context(servers.scoville(ground.small, directory, name="small"))
        found.append(Contender("scoville, a tenth of the facts", less, "/graphql", "scoville", None, is_variant=True))
    if ground.harness is not None:
        harness, peers, database = ground.harness
        for name, shown, language in (
            ("postgraphile", "postgraphile", "postgraphile"),
            ("plain-cache", "plain, cached documents", "plain"),
            ("plain", "plain", "plain"),
        ):
            server = stack.enter_context(servers.of_harness(harness, peers, name, database))
            found.append(Contender(shown, server, "/graphql", language, language))
    return found


def versions(ground: Ground) -> Iterator[str]:
    """What it runs on."""
    with psycopg.connect(ground.source) as connection:
        row = connection.execute("SELECT version(), (SELECT count(*) FROM instances)").fetchone()
        assert row is not None, "a query without FROM has a row"
        yield f"{row[0].split(' on ')[0]}, {row[1]:,} instances"
    yield f"Python {sys.version.split()[0]}"
