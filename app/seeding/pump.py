"""Sends batches to use cases, a few at a time, and keeps account of what became of their items."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.runtime import Runtime

T = TypeVar("T")

IN_FLIGHT_MAX = 4
"""Batches under way at once: while one is computed, others wait for the database."""

REJECTIONS_SHOWN_MAX = 20
"""Rejections that a report tells in full; all are counted."""

Progress = Callable[[str, int], None]
"""Told of each batch that ended: the phase, and how many items it had."""

UseCase = Callable[[Runtime, Ctx, Sequence[T]], Awaitable[Sequence[ItemOutcome]]]


@dataclass(slots=True)
class Phase:
    """One kind of thing that an import records, and what became of its items."""

    name: str
    recorded: int = 0
    replayed: int = 0
    rejected: int = 0
    rejections: list[ItemOutcome] = field(default_factory=list)
    _started: float | None = None
    _ended: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time from the start of its first batch to the end of its last; phases overlap."""
        return 0.0 if self._started is None else self._ended - self._started

    def start(self) -> None:
        """A batch starts."""
        if self._started is None:
            self._started = time.perf_counter()

    def count(self, outcomes: Iterable[ItemOutcome]) -> None:
        """A batch ended: add what became of it."""
        self._ended = time.perf_counter()
        for outcome in outcomes:
            if outcome.outcome is Outcome.RECORDED:
                self.recorded += 1
            elif outcome.outcome is Outcome.REPLAYED:
                self.replayed += 1
            else:
                self.rejected += 1
                if len(self.rejections) < REJECTIONS_SHOWN_MAX:
                    self.rejections.append(outcome)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "recorded": self.recorded,
            "replayed": self.replayed,
            "rejected": self.rejected,
            "seconds": round(self.seconds, 3),
            "rejections": [
                {"externalId": item.external_id, "code": item.code, "message": item.message} for item in self.rejections
            ],
        }


class Pump:
    """At most IN_FLIGHT_MAX batches under way. A batch that fails as a whole ends the import with its error.

    Every batch is a request of its own, by the same principal, at the time it is sent.
    """

    def __init__(self, runtime: Runtime, ctx: Ctx, progress: Progress) -> None:
        self._runtime = runtime
        self._ctx = ctx
        self._progress = progress
        self._tasks: set[asyncio.Task[Sequence[ItemOutcome]]] = set()
        self.phases: dict[str, Phase] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self.drain()
        # Batches are never broken off: what they commit, the next run replays.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def put(self, phase: str, use_case: UseCase[T], items: Sequence[T]) -> None:
        """Send a batch, as soon as there is room for it."""
        while len(self._tasks) >= IN_FLIGHT_MAX:
            await self._wait(asyncio.FIRST_COMPLETED)
        self._tasks.add(asyncio.create_task(self.send(phase, use_case, items)))
        # Lets the batch begin before the next one is computed.
        await asyncio.sleep(0)

    async def put_all(self, phase: str, use_case: UseCase[T], items: Iterable[T], *, size: int) -> None:
        """Send the items in batches of so many."""
        for batch in batched(items, size):
            await self.put(phase, use_case, batch)

    async def send(self, phase: str, use_case: UseCase[T], items: Sequence[T]) -> Sequence[ItemOutcome]:
        """What became of a batch that is sent at once."""
        account = self.phases.setdefault(phase, Phase(phase))
        account.start()
        outcomes = await use_case(self._runtime, replace(self._ctx, now=self._runtime.clock.now()), items)
        account.count(outcomes)
        self._progress(phase, len(outcomes))
        return outcomes

    async def drain(self) -> None:
        """Wait until no batch is under way."""
        while self._tasks:
            await self._wait(asyncio.ALL_COMPLETED)

    async def _wait(self, until: str) -> None:
        done, self._tasks = await asyncio.wait(self._tasks, return_when=until)
        for task in done:
            task.result()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of so many."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
