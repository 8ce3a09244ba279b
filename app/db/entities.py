"""What batches of creations and changes know of a kind of entity: declared by its feature, used by use cases."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.core.context import Ctx
from app.db.rows import Change, EntityRow, RowTable
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError

R = TypeVar("R", bound=EntityRow)


class Complete(Protocol[R]):
    """Reads what belongs to rows and lies in other tables."""

    def __call__(self, ctx: Ctx, session: ReadSession, rows: Sequence[R]) -> Awaitable[Sequence[R]]:
        """The rows with their fields of other tables filled, in the same order."""
        ...


class Save(Protocol[R]):
    """Writes what belongs to rows and lies in other tables."""

    def __call__(self, ctx: Ctx, session: WriteSession, changes: Sequence[Change[R]]) -> Awaitable[None]:
        """Called after the rows themselves were written."""
        ...


@dataclass(frozen=True, slots=True)
class EntityKind(Generic[R]):
    """A kind of entity.

    noun: its word, in cache tags and in topics. plural: the list's name in calls. has_topic: whether changes go to the
    outbox. shown_as: the field by which answers name it, if they do: its changes are noted, so that neither an answer
    that was kept nor a row (`Listing.is_kept`) shows what it was. taken: the refusal of a creation whose key is known
    with other content; None where the key is the external id.
    """

    noun: str
    plural: str
    table: RowTable[R]
    has_topic: bool = True
    shown_as: str | None = None
    taken: Callable[[R], DomainError] | None = None
    complete: Complete[R] | None = None
    save: Save[R] | None = None
