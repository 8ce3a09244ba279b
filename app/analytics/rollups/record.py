"""The record of what questions needed of rollups: a row a shape and UTC day, written now and then, kept for some weeks.

A count that cannot be written is lost, and said so in the log: nothing but advice depends on it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from app.analytics.rollups.demand import Demand, Reading, Shape
from app.analytics.semantic.sums import Source
from app.core.clock import Clock
from app.core.timegrain import Interval
from app.core.words import Grain
from app.db.session import Database, ReadSession
from app.observability.logs import describe

log = structlog.get_logger(__name__)

SHAPES_MAX = 500
"""Shapes of one tenant and day, about: two processes may each add the last. Questions of others are only counted."""

BEYOND = ""
"""The key of what is only counted."""

AT_ONCE = 20
"""Plans that are looked at before others have a turn."""

_KNOWN = """/* rollups.known_demand */
SELECT shape FROM rollup_demand WHERE tenant_id = $1 AND day = $2"""

# In one order, so that processes that write the same shapes wait for each other at most once.
_ADD = """/* rollups.add_demand */
INSERT INTO rollup_demand (tenant_id, day, shape, readings, questions)
SELECT $1, $2, asked.shape, asked.readings::jsonb, asked.questions
FROM unnest($3::text[], $4::text[], $5::bigint[]) AS asked (shape, readings, questions)
ORDER BY asked.shape
ON CONFLICT (tenant_id, day, shape)
DO UPDATE SET questions = rollup_demand.questions + excluded.questions, readings = excluded.readings"""

_FORGET = """/* rollups.forget_demand */
DELETE FROM rollup_demand WHERE tenant_id = $1 AND day < $2"""

_READ = """/* rollups.demand */
SELECT day, shape, readings, questions
FROM rollup_demand
WHERE tenant_id = $1 AND day >= $2
ORDER BY day, shape"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A tenant's record. since: of its first day. beyond: questions whose shapes were not kept."""

    since: datetime | None
    questions: dict[Shape, int]
    beyond: int


async def asked(session: ReadSession, *, since: datetime) -> Asked:
    """What is on record since the instant's UTC day: each shape once, with the times of the last day it was asked."""
    rows = await session.fetch(_READ, session.tenant_id, _day(since))
    shapes: dict[str, Shape] = {}
    questions: Counter[str] = Counter()
    for row in rows:
        shapes[row["shape"]] = Shape(tuple(map(_read, row["readings"])))
        questions[row["shape"]] += row["questions"]
    beyond = questions.pop(BEYOND, 0)
    first = rows[0]["day"] if rows else None
    return Asked(first, {shapes[key]: count for key, count in questions.items()}, beyond)


@asynccontextmanager
async def recording(db: Database, demand: Demand, clock: Clock, *, interval_s: float) -> AsyncIterator[None]:
    """Write down what is gathered while the block runs, every so often, and once more at its end."""

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(interval_s)
            await record(db, demand, now=clock.now())

    task = asyncio.create_task(now_and_then(), name="record-demand")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await record(db, demand, now=clock.now())


async def record(db: Database, demand: Demand, *, now: datetime) -> None:
    """Write down what was gathered, and gather anew. Never raises: what cannot be written is logged."""
    taken = demand.take()
    counted: dict[UUID, Counter[str]] = {tenant_id: Counter({BEYOND: many}) for tenant_id, many in taken.beyond.items()}
    shapes: dict[str, Shape] = {BEYOND: Shape(())}
    for number, each in enumerate(taken.gathered):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        shape = each.shape
        shapes[shape.key] = shape
        counted.setdefault(each.tenant.id, Counter())[shape.key] += each.questions
    for tenant_id, questions in counted.items():
        try:
            await _add(db, tenant_id, _day(now), shapes, questions)
        except Exception as error:  # noqa: BLE001 - no answer may fail for a count, and other tenants' are written
            log.warning("demand_not_recorded", tenant_id=str(tenant_id), **describe(error))


async def _add(
    db: Database, tenant_id: UUID, day: datetime, shapes: dict[str, Shape], questions: "Counter[str]"
) -> None:
    async with db.write(tenant_id) as session:
        known = {row["shape"] for row in await session.fetch(_KNOWN, tenant_id, day)} - {BEYOND}
        room = SHAPES_MAX - len(known)
        # The most frequent of the new ones are kept.
        new = [key for key, _ in questions.most_common() if key not in known and key != BEYOND]
        kept = Counter({key: count for key, count in questions.items() if key in known or key in new[:room]})
        beyond = questions.total() - kept.total()
        if beyond:
            kept[BEYOND] = beyond
        readings = [orjson.dumps(list(map(_written, shapes[key].readings))).decode() for key in kept]
        await session.execute(_ADD, tenant_id, day, list(kept), readings, list(kept.values()))


async def forget(db: Database, tenant_id: UUID, *, before: datetime) -> None:
    """Delete what was asked before the instant's UTC day."""
    async with db.write(tenant_id) as session:
        await session.execute(_FORGET, tenant_id, _day(before))


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _written(reading: Reading) -> dict[str, Any]:
    return {
        "dimensions": reading.dimensions,
        "sources": reading.sources,
        "grain": reading.grain,
        "start": reading.interval.start,
        "end": reading.interval.end,
        "breaks": reading.breaks,
    }


def _read(value: dict[str, Any]) -> Reading:
    return Reading(
        tuple(value["dimensions"]),
        tuple(map(Source, value["sources"])),
        None if value["grain"] is None else Grain(value["grain"]),
        Interval(_instant(value["start"]), _instant(value["end"])),
        None if value["breaks"] is None else tuple(map(_instant, value["breaks"])),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
