"""One measurement: requests to one server for some seconds by wrk, or one wave of slow ones; bounded either way."""

import http.client
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

SCRIPT = Path(__file__).parent / "load.lua"

WAVE_SHARE = 0.6
"""A wave instead of wrk where the requests under way would take this share of the seconds: none is left behind."""

ANSWER_TIMEOUT_S = 300.0

SETTLE_S = 30.0
"""Seconds at most that a server gets to finish what was abandoned before the next shot."""

IDLE_SHARE = 0.1
"""CPU of a core that an idle server may use."""

_SHOT = re.compile(r"SHOT (\d+) (\d+) (\d+) (\d+) (\d+)")


@dataclass(frozen=True, slots=True)
class Shot:
    """What came out. p50, p99 and cpu in milliseconds; cpu is the server's processes' for one request."""

    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


class NoLoad(Exception):
    """The load generator is missing or broke."""


def shoot(url: str, lines: Sequence[str], pids: Sequence[int], *, at_once: int, seconds: int) -> Shot:
    """Requests from so many connections. The lines are sent in turn, over and over."""
    settle(pids)
    alone = min(_timed(url, lines[number % len(lines)])[0] for number in range(2))
    if alone * at_once > WAVE_SHARE * seconds:
        return _wave(url, lines, pids, at_once)
    with tempfile.NamedTemporaryFile("w", suffix=".lines") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        before = _cpu(pids)
        command = ["wrk", "-t1", f"-c{at_once}", f"-d{seconds}s", "--timeout", "60s", "-s", str(SCRIPT), url]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=os.environ | {"LINES": file.name}
            )
        except FileNotFoundError:
            raise NoLoad("wrk makes the load: install it (`apt-get install wrk`).") from None
        spent = _cpu(pids) - before
    found = _SHOT.search(done.stdout)
    if found is None:
        raise NoLoad(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}")
    requests, duration, p50, p99, errors = map(int, found.groups())
    return Shot(requests, requests / duration * 1e6, p50 / 1e3, p99 / 1e3, spent / max(requests, 1) * 1e3, errors)


def answer(url: str, line: str) -> bytes:
    """The body of one answer. Raises NoLoad when it is an error."""
    _, status, body = _timed(url, line)
    if status != 200 or b'"errors":[' in body[:1_000].replace(b" ", b""):
        raise NoLoad(f"{url} answers {status} {body[:500].decode()} to {line[:2_000]}")
    return body


def settle(pids: Sequence[int]) -> None:
    """Wait until the processes have nothing left to do."""
    end = time.monotonic() + SETTLE_S
    last = _cpu(pids)
    while time.monotonic() < end:
        time.sleep(0.25)
        now = _cpu(pids)
        if now - last < 0.25 * IDLE_SHARE:
            return
        last = now


def resident(pids: Sequence[int]) -> int:
    """Bytes of memory that the processes hold."""
    return sum(process.memory_info().rss for process in _processes(pids))


def _cpu(pids: Sequence[int]) -> float:
    total = 0.0
    for process in _processes(pids):
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _processes(pids: Sequence[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        process = psutil.Process(pid)
        found += [process, *process.children(recursive=True)]
    return found


def _timed(url: str, line: str) -> tuple[float, int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT_S)
    try:
        return _post(connection, parts.path, line, f"wave-{time.time_ns()}")
    finally:
        connection.close()


def _post(connection: http.client.HTTPConnection, path: str, line: str, once: str) -> tuple[float, int, bytes]:
    authorization, _, body = line.partition("\t")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    start = time.perf_counter()
    connection.request("POST", path, body.replace("@x", once).encode(), headers)
    response = connection.getresponse()
    read = response.read()
    return time.perf_counter() - start, response.status, read


def _wave(url: str, lines: Sequence[str], pids: Sequence[int], at_once: int) -> Shot:
    # Each connection sends one request and waits for it; alone, three follow each other.
    count = 1 if at_once > 1 else 3
    took: list[tuple[float, int]] = []

    def send(first: int) -> None:
        for number in range(count):
            seconds, status, _ = _timed(url, lines[(first + number) % len(lines)])
            took.append((seconds, status))

    before, start = _cpu(pids), time.perf_counter()
    threads = [threading.Thread(target=send, args=(number * count,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, spent = time.perf_counter() - start, _cpu(pids) - before
    seconds = [each for each, _ in took]
    return Shot(
        requests=len(took),
        rate=len(took) / elapsed,
        p50=statistics.median(seconds) * 1e3,
        p99=max(seconds) * 1e3,
        cpu=spent / len(took) * 1e3,
        errors=sum(status != 200 for _, status in took),
    )
