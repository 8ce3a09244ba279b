"""What a reply turns out to depend on while it is made: remembered by whoever may keep it whole."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date

from app.cache.answers import Depends


@dataclass(slots=True)
class Recorded:
    """Days and tags that a reply depends on. is_lasting: whether nothing of it changes as time goes by."""

    days: set[tuple[date, date | None]] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    is_lasting: bool = True

    @property
    def depends(self) -> Depends:
        """The same as a store of answers takes it."""
        return Depends(tuple(sorted(self.days, key=str)), frozenset(self.tags))


recording: ContextVar[Recorded | None] = ContextVar("recording", default=None)
"""The record of the reply that is made now, if somebody keeps it."""


def depends_on(depends: Depends, *, is_lasting: bool) -> None:
    """The reply depends on this; is_lasting: and on nothing that changes by itself."""
    record = recording.get()
    if record is not None:
        record.days.update(depends.days)
        record.tags |= depends.tags
        record.is_lasting = record.is_lasting and is_lasting


def shows(tags: Iterable[str]) -> None:
    """The reply shows names that these tags stand for."""
    record = recording.get()
    if record is not None:
        record.tags.update(tags)
