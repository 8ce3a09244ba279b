"""Two states of the source in turns: what a question costs the server and Postgres, in the process, without HTTP.

The machine's speed changes by half within seconds, so that two runs one after the other compare nothing. Each tree runs
in a process of its own, as an ASGI application that is called; they take turns, A B, then B A. A line tells of each
tree the median, and the lower quartile, of CPU milliseconds a request.

    git worktree add ../before HEAD~1
    python -m tests.benchmarks.peers.turns --database postgresql://…/scoville_bench10m --redis redis://… \\
        --question q1 --at-once 16 --tree ../before --tree .

database: converted by tests/benchmarks/peers/convert.py. Q1 to Q3 are varied; Q4 and Q5 are the usual ones, without a
cache.
"""

import argparse
import asyncio
import gc
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.main import create_app
from app.observability.logs import configure
from app.runtime import open_runtime
from app.settings import Settings
from tests.benchmarks.peers import questions

TICKS = os.sysconf("SC_CLK_TCK")


async def _call(app: Any, line: str) -> None:
    # line: "Bearer <key>", a tab, and the body, as wrk is given it.
    key, _, body = line.partition("\t")
    headers = {"content-type": "application/json", "content-length": str(len(body)), "authorization": key}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    parts = iter([{"type": "http.request", "body": body.encode(), "more_body": False}])
    sent: list[Any] = []

    async def receive() -> Any:
        part = next(parts, None)
        if part is None:
            await asyncio.Event().wait()
        return part

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    assert b'"errors"' not in sent[1]["body"][:40], sent[1]["body"][:1_000]


async def _call_all(app: Any, todo: Iterator[str]) -> None:
    for line in todo:
        await _call(app, line)


def _lines(question: str) -> Iterator[str]:
    if question in questions.ANALYTICS:
        picks: Iterator[questions.Pick] = questions.varied(question, time.time_ns())
    else:
        picks = itertools.repeat(questions.usual(question))
    return (questions.line("scoville", question, pick) for pick in picks)


def _postgres_s(database: str) -> float:
    # CPU seconds of the processes that serve connections to it. One that ended takes its own away: few do so meanwhile.
    found = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            title = (process / "cmdline").read_bytes()
            times = (process / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if title.startswith(b"postgres: ") and f" {database} ".encode() in title:
            found += (int(times[11]) + int(times[12])) / TICKS
    return found


async def _answer(question: str) -> None:
    """Runs as many requests as each line of the standard input says, so many at once, and prints what they cost."""
    settings = Settings(
        database_url=SecretStr(os.environ["TURNS_DATABASE"]),
        redis_url=SecretStr(os.environ["TURNS_REDIS"]),
        redis_enabled=question in questions.ANALYTICS,
        log_level="WARNING",
    )
    configure(settings)
    lines = _lines(question)
    database = urlsplit(os.environ["TURNS_DATABASE"]).path.strip("/")
    loop = asyncio.get_running_loop()
    async with open_runtime(settings) as runtime:
        app = create_app(runtime)
        while order := await loop.run_in_executor(None, sys.stdin.readline):
            count, at_once = map(int, order.split())
            todo = iter(list(itertools.islice(lines, count)))
            gc.collect()
            postgres_s, server_s = _postgres_s(database), time.process_time()
            await asyncio.gather(*(_call_all(app, todo) for _ in range(at_once)))
            server_s, postgres_s = time.process_time() - server_s, _postgres_s(database) - postgres_s
            print(server_s / count * 1e3, postgres_s / count * 1e3, flush=True)


def _costs(child: "subprocess.Popen[str]", count: int, at_once: int) -> tuple[float, float]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{count} {at_once}\n")
    child.stdin.flush()
    server_ms, postgres_ms = map(float, child.stdout.readline().split())
    return server_ms, postgres_ms


def main() -> None:
    """Print what the question costs in each tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--question", choices=questions.READS, default="q1")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--count", type=int, default=1_000, help="requests a turn")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--tree", action="append", type=Path, required=True)
    given = parser.parse_args()
    urls = {"TURNS_DATABASE": given.database, "TURNS_REDIS": given.redis}
    # This file in each tree's packages, also in one that does not have it yet.
    command = [sys.executable, "-P", str(Path(__file__).resolve()), given.question]
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tree,
            env={**os.environ, **urls, "PYTHONPATH": str(tree.resolve())},
        )
        for tree in given.tree
    ]
    found: list[list[tuple[float, float]]] = [[] for _ in children]
    for number in range(given.rounds + 1):
        places = range(len(children))
        for place in places if number % 2 else reversed(places):
            costs = _costs(children[place], given.count, given.at_once)
            # The first round warms up.
            found[place] += [costs] if number else []
    for tree, costs_of in zip(given.tree, found, strict=True):
        shown = []
        for name, values in zip(("server", "postgres"), zip(*costs_of, strict=True), strict=True):
            shown.append(f"{name} {statistics.median(values):.3f} ({sorted(values)[len(values) // 4]:.3f})")
        print(f"{tree!s:30} {'  '.join(shown)} ms")
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


if __name__ == "__main__":
    if "TURNS_DATABASE" in os.environ:
        import uvloop

        uvloop.run(_answer(sys.argv[1]))
    else:
        main()
