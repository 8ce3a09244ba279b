"""What a running process holds: opened once by app/main, app/worker or a command, handed down as an argument."""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from app.analytics.rollups.demand import Demand
from app.cache.answers import Answers
from app.cache.keys import KeyEpochs, NullKeyEpochs
from app.cache.open import open_cache
from app.cache.pubsub import Changes, NullChanges
from app.cache.rows import KeptRows
from app.core.clock import Clock, SystemClock
from app.db.session import Database
from app.settings import Settings

YOUNG_OBJECTS_MAX = 50_000
"""Objects made before the collector looks for cycles among them: a batch of orders makes some ten thousand, and they go
by themselves. At Python's 700 it takes a fifth of an import's time."""


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """The process's doors to the outside. demand: what questions needed of rollups, until it is recorded. rows: those
    that it keeps from one request to the next.

    at_end: where a part that keeps a door of its own says how it is closed.
    """

    settings: Settings
    db: Database
    answers: Answers
    clock: Clock = field(default_factory=SystemClock)
    key_epochs: KeyEpochs = field(default_factory=NullKeyEpochs)
    changes: Changes = field(default_factory=NullChanges)
    demand: Demand = field(default_factory=Demand)
    rows: KeptRows = field(default_factory=KeptRows)
    at_end: AsyncExitStack = field(default_factory=AsyncExitStack)


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on the servers that the settings name, closed at the end. Raises OutsideError when they are away."""
    db = await Database.open(settings)
    cache = open_cache(settings)
    try:
        async with AsyncExitStack() as at_end:
            with _calm_collector():
                yield Runtime(
                    settings=settings,
                    db=db,
                    answers=cache.answers,
                    key_epochs=cache.key_epochs,
                    changes=cache.changes,
                    at_end=at_end,
                )
    finally:
        await cache.close()
        await db.close()


@contextmanager
def _calm_collector() -> Iterator[None]:
    # The process's modules, schema and settings stay for its life: no collection needs to look through them again.
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
