"""Servers for a command: those of the environment, or embedded ones brought to the newest schema."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from app.db.embedded import EmbeddedServices, has_postgres
from app.db.migrate import check_schema, migrate
from app.db.partitions import PartitionMade, ensure_partitions
from app.db.session import Database
from app.errors import DomainError
from app.settings import Settings

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of asynchronous work."""
    return uvloop.run(work)


async def with_database(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """What the work gives, done with sessions of the app's role."""
    db = await Database.open(settings)
    try:
        return await work(db)
    finally:
        await db.close()


@contextmanager
def running(settings: Settings) -> Iterator[Settings]:
    """Settings that name running servers, whatever their schema."""
    with EmbeddedServices(settings) as found:
        yield found


@contextmanager
def ready(settings: Settings, *, may_make: bool = False) -> Iterator[Settings]:
    """Settings that name running servers at the newest schema.

    An embedded database is ours: it is brought there. One that was given is only looked at: OutsideError tells to run
    `scoville migrate`. may_make: an embedded database may be made where there is none; else that is NOT_FOUND, and
    nothing is made in a directory that was mistyped.
    """
    if settings.database_url is None and not may_make and not has_postgres(settings.data_dir):
        raise DomainError(
            "NOT_FOUND", f"There is no Scoville data in {settings.data_dir}: `scoville serve` makes it. See --data-dir."
        )
    with running(settings) as found:
        if settings.database_url is None:
            bring_up(found)
        else:
            check_schema(found.owner_url)
        yield found


def bring_up(settings: Settings) -> list[PartitionMade]:
    """Migrate, and make the months ahead: the partitions made."""
    migrate(settings.owner_url)
    return make_partitions(settings)


def make_partitions(settings: Settings, *, span: tuple[datetime, datetime] | None = None) -> list[PartitionMade]:
    """The partitions made, for this month, those ahead, and those of the span."""
    return ensure_partitions(
        settings.owner_url, now=datetime.now(UTC), months_ahead=settings.partitions_ahead, span=span
    )
