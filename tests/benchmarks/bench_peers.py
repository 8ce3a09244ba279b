"""Scoville beside its peers and floors: Q1 to Q5 and M1, repeated and varied, over the same facts, against the goals.

Without PEERS it starts everything itself, on embedded services and a small generated data set: Scoville, hand-written
endpoints, one Redis GET, a constant body. PEERS (the harness's folder of data and servers) and HARNESS (the folder of
its scripts) bring its Postgres with one or ten million instances, PostGraphile and plain Strawberry into the same
rounds.

Contenders run in turn, A B C, then C B A; ratios are those of shots of one round. All is bounded: rounds × seconds.
`python -m tests.benchmarks.bench_peers --help` tells how to run less of it.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.analytics.rollups.fold import fold
from app.db.session import Database
from app.settings import Settings
from tests.benchmarks.peers import questions
from tests.benchmarks.peers.ground import Contender, Ground, lay, start, versions
from tests.benchmarks.peers.ids import Kind, id_of
from tests.benchmarks.peers.shots import Shot, answer, resident, shoot
from tests.benchmarks.peers.verify import compare

PICKS = 8_000
"""Distinct questions of a varied shot: none comes twice within the life of an answer."""


MIXED_LISTS = 200
MIXED_PICKS = 2_000
"""Lists, and distinct questions of each kind, among the mixed requests."""

MIXED_SHOTS_MAX = 1_000

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """The lower quartile of paired ratios must reach `least`. by: rate (theirs is divided by) or p50 (divides)."""

    question: str
    mode: str
    at_once: int
    other: str
    least: float
    by: str = "rate"
    ours: str = "scoville"

    def ratio(self, ours: Shot, theirs: Shot) -> float:
        """How many times faster ours is."""
        return ours.rate / theirs.rate if self.by == "rate" else theirs.p50 / ours.p50


VARIED, REPEATED = "varied", "repeated"

GOALS = (
    Goal("q1", VARIED, 16, "postgraphile", 2.0),
    Goal("q1", VARIED, 16, "handmade", 0.5),
    Goal("q2", VARIED, 16, "postgraphile", 10.0),
    Goal("q2", VARIED, 16, "handmade", 1.0),
    Goal("q3", VARIED, 16, "postgraphile", 15.0),
    Goal("q3", VARIED, 16, "handmade", 0.7),
    Goal("q3", VARIED, 1, "handmade", 0.5, by="p50"),
    *(Goal(question, REPEATED, 16, "redis get", 0.8) for question in questions.ANALYTICS),
    Goal("q1", REPEATED, 16, "postgraphile", 5.0),
    Goal("q2", REPEATED, 16, "postgraphile", 100.0),
    Goal("q3", REPEATED, 16, "postgraphile", 100.0),
    Goal("q4", REPEATED, 16, "postgraphile", 2.5),
    Goal("q4", REPEATED, 16, "plain", 25.0),
    Goal("q4", REPEATED, 16, "handmade", 0.7),
    Goal("q5", REPEATED, 16, "postgraphile", 2.5),
    Goal("q5", REPEATED, 1, "handmade", 0.7),
    Goal("m1", REPEATED, 16, "postgraphile", 0.5),
    Goal("m1", REPEATED, 16, "plain, cached documents", 1.0),
    *(
        Goal(question, VARIED, 16, "scoville", 1 / 1.3, ours="scoville, values in the document")
        for question in questions.ANALYTICS
    ),
    *(
        Goal(question, VARIED, 1, "scoville, a tenth of the facts", 1 / 1.3, by="p50")
        for question in questions.ANALYTICS
    ),
)
"""What is to be reached; those of contenders that do not run are left out."""

CPU_GOAL = 0.4 / 0.045
"""CPU of the server for one varied Q1: 0.4 ms on a machine where a constant body costs 0.045."""

MEMORY_GOAL_MB = 250


@dataclass(slots=True)
class Results:
    """Shots by question, mode and connections, then by contender, in the order of rounds."""

    shots: dict[tuple[str, str, int], dict[str, list[Shot]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to run."""

    asked: Sequence[str]
    modes: Sequence[str]
    at_once: Sequence[int]
    rounds: int
    seconds: int
    only: Sequence[str]
    mixed: int


def measure(scope: Scope, contenders: Sequence[Contender], ground: Ground) -> Results:
    """Run everything in the scope, printing each table when it is done."""
    results = Results()
    seeds = itertools.count(int.from_bytes(os.urandom(4), "big"))
    for question in scope.asked:
        for mode in scope.modes:
            if mode == VARIED and question not in questions.ANALYTICS:
                continue
            for at_once in scope.at_once:
                able = [one for one in contenders if _takes_part(one, question, mode, scope)]
                found: dict[str, list[Shot]] = {one.name: [] for one in able}
                for number in range(scope.rounds):
                    for one in able if number % 2 == 0 else reversed(able):
                        lines = one.lines(question, _picks(question, mode, next(seeds)))
                        pids = [one.server.pid]
                        shot = shoot(one.url(question), lines, pids, at_once=at_once, seconds=scope.seconds)
                        found[one.name].append(shot)
                results.shots[question, mode, at_once] = found
                _print_shots(question, mode, at_once, found)
        if question == "m1":
            asyncio.run(_fold(ground.settings))
    return results


def _takes_part(one: Contender, question: str, mode: str, scope: Scope) -> bool:
    if scope.only and one.name not in scope.only:
        return False
    if not questions.exists(one.language, question):
        return False
    if mode == VARIED:
        return not one.is_floor
    if question == "m1" and (one.is_floor or one.path.startswith("/isolated")):
        return False
    return not one.is_variant


def _picks(question: str, mode: str, seed: int) -> list[questions.Pick]:
    if mode == REPEATED:
        return [questions.usual(question)]
    return list(itertools.islice(questions.varied(question, seed), PICKS))


async def _fold(settings: Settings) -> None:
    # What M1 left: later questions are not to pay for it.
    db = await Database.open(settings)
    try:
        await fold(db, id_of(Kind.TENANT, questions.ORDERING_PARTNER), now=datetime.now(UTC))
    finally:
        await db.close()


def _print_shots(question: str, mode: str, at_once: int, found: dict[str, list[Shot]]) -> None:
    print(f"\n{question}, {mode}, {at_once} at once")
    print(f"{'':34}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'cpu ms':>9}  errors  scoville / it (quartile)")
    for name, shots in found.items():
        rate, p50, p99, cpu = (
            statistics.median(getattr(shot, what) for shot in shots) for what in ("rate", "p50", "p99", "cpu")
        )
        errors = sum(shot.errors for shot in shots)
        line = f"{name:34}{rate:12,.1f}{p50:10.2f}{p99:10.2f}{cpu:9.3f}{errors:8}"
        if "scoville" in found:
            ratios = [ours.rate / theirs.rate for ours, theirs in zip(found["scoville"], shots, strict=True)]
            line += f"  {statistics.median(ratios):10.3f} ({_quartile(ratios):.3f})"
        print(line, flush=True)


def _quartile(values: Sequence[float]) -> float:
    """The lower quartile."""
    if len(values) < 2:
        return min(values)
    return statistics.quantiles(values, n=4, method="inclusive")[0]


def print_goals(results: Results) -> None:
    """Each goal whose contenders ran: median and lower quartile of the paired ratios, and whether it is met."""
    print(f"\n{'goal':66}{'at least':>9}{'median':>9}{'quartile':>10}")
    for goal in GOALS:
        found = results.shots.get((goal.question, goal.mode, goal.at_once), {})
        if goal.ours not in found or goal.other not in found:
            continue
        ratios = [goal.ratio(ours, theirs) for ours, theirs in zip(found[goal.ours], found[goal.other], strict=True)]
        quartile = _quartile(ratios)
        what = f"{goal.question} {goal.mode} {goal.at_once}: {goal.ours} / {goal.other}"
        met = "met" if quartile >= goal.least else "missed"
        print(f"{what:66}{goal.least:9.2f}{statistics.median(ratios):9.3f}{quartile:10.3f}  {met}")
    dashboards = results.shots.get(("q1", VARIED, 16), {}).get("scoville", [])
    constants = results.shots.get(("q1", REPEATED, 16), {}).get("constant", [])
    if dashboards and constants:
        ours, floor = (statistics.median(shot.cpu for shot in shots) for shots in (dashboards, constants))
        met = "met" if ours / floor <= CPU_GOAL else "missed"
        what = f"q1 varied 16: CPU of the server ({ours:.3f} ms) / constant ({floor:.3f} ms), at most"
        print(f"{what:75}{CPU_GOAL:9.2f}{ours / floor:9.2f}  {met}")


def check(contenders: Sequence[Contender], asked: Sequence[str]) -> None:
    """Raise unless all who answer with facts give the same numbers: the usual pick, and some varied ones."""
    chance = 7
    for question in asked:
        if question == "m1":
            continue
        picks = [questions.usual(question)]
        if question in questions.ANALYTICS:
            picks += itertools.islice(questions.varied(question, chance), 5)
        for pick in picks:
            compare(
                question,
                {
                    one.name: (one.shape, answer(one.url(question), one.lines(question, [pick])[0]))
                    for one in contenders
                    if one.shape is not None and questions.exists(one.language, question)
                },
            )
    print(f"{', '.join(asked)}: all contenders give the same numbers", flush=True)


def remember(contender: Contender, wanted: int, *, seconds: int) -> None:
    """Print the memory of the server while it answers so many mixed requests."""
    lines = contender.lines("q5", [questions.usual("q5")]) * MIXED_LISTS
    for question in questions.ANALYTICS:
        lines += contender.lines(question, _picks(question, VARIED, 3)[:MIXED_PICKS])
    random.Random(3).shuffle(lines)
    pids, sent, shown = [contender.server.pid], 0, 0
    print(f"\nmemory of {contender.name}: {resident(pids) / MEGABYTE:.0f} MB at first", flush=True)
    for _ in range(MIXED_SHOTS_MAX):
        sent += shoot(contender.url(""), lines, pids, at_once=16, seconds=seconds).requests
        if sent >= shown + wanted // 5 or sent >= wanted:
            shown = sent
            print(f"after {sent:9,} requests {resident(pids) / MEGABYTE:6.0f} MB (goal {MEMORY_GOAL_MB})", flush=True)
        if sent >= wanted:
            return


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables, and how they compare with the goals."""
    parser = argparse.ArgumentParser(description="Scoville beside its peers.")
    parser.add_argument("--questions", default="q1,q2,q3,q4,q5,m1")
    parser.add_argument("--modes", default="varied,repeated")
    parser.add_argument("--at-once", default="1,16", help="connections")
    parser.add_argument("--rounds", type=int, default=7, help="0: only see that all give the same numbers")
    parser.add_argument("--seconds", type=int, default=2, help="of a shot")
    parser.add_argument("--only", default="", help="contenders, separated by semicolons")
    parser.add_argument("--mixed", type=int, default=20_000, help="requests before memory is read; 0 for none")
    parser.add_argument("--database", default="bench10m", help="the harness's")
    parser.add_argument("--small", default="bench1m", help="the harness's with a tenth of the facts; empty for none")
    chosen = parser.parse_args(arguments)
    scope = Scope(
        asked=chosen.questions.split(","),
        modes=chosen.modes.split(","),
        at_once=[int(each) for each in chosen.at_once.split(",")],
        rounds=chosen.rounds,
        seconds=chosen.seconds,
        only=[each for each in chosen.only.split(";") if each],
        mixed=chosen.mixed,
    )
    with ExitStack() as stack:
        ground = lay(stack, chosen.database, chosen.small or None)
        print("; ".join(versions(ground)), flush=True)
        contenders = start(stack, ground)
        check(contenders, scope.asked)
        if scope.rounds:
            print_goals(measure(scope, contenders, ground))
        if scope.mixed:
            remember(contenders[0], scope.mixed, seconds=5)


if __name__ == "__main__":
    main(sys.argv[1:])
