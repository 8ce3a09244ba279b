"""What a running process holds: opened once by app/main, app/worker or a command, handed down as an argument."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.cache.answers import Answers
from app.cache.keys import KeyEpochs, NullKeyEpochs
from app.cache.open import open_cache
from app.core.clock import Clock, SystemClock
from app.db.session import Database
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The process's doors to the outside."""

    settings: Settings
    db: Database
    answers: Answers
    clock: Clock = field(default_factory=SystemClock)
    key_epochs: KeyEpochs = field(default_factory=NullKeyEpochs)


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on the servers that the settings name, closed at the end. Raises OutsideError when they are away."""
    db = await Database.open(settings)
    cache = open_cache(settings)
    try:
        yield Runtime(settings=settings, db=db, answers=cache.answers, key_epochs=cache.key_epochs)
    finally:
        await cache.close()
        await db.close()
