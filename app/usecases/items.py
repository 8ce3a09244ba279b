"""Steps that all batched writes share: each item is checked before anything is written, and answered in its place."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.outcomes import ItemOutcome, rejected
from app.core.pauses import Pauses
from app.errors import DomainError

T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Unread:
    """An item that could not be read where it came in: refused in its place, and part of the call's body.

    sent: the item as JSON values, for the idempotency key. error: why it is refused, its path from the item on.
    """

    sent: Any
    error: DomainError
    external_id: str | None = None


async def check_each(
    items: Sequence[T | Unread],
    check: Callable[[T], C],
    *,
    name: str,
    external_id: Callable[[T], str | None],
    is_long: bool = False,
) -> tuple[dict[int, C], dict[int, ItemOutcome]]:
    """What `check` gave by index, and the outcomes of the items that it refused. name: of the list in the call.

    is_long: whether a single item may take a while; it is then checked in a thread, one after the other.
    """
    checked: dict[int, C] = {}
    outcomes: dict[int, ItemOutcome] = {}
    pauses = Pauses()
    for index, item in enumerate(items):
        await pauses.take()
        if isinstance(item, Unread):
            outcomes[index] = refused(item.error, index, name=name, external_id=item.external_id)
            continue
        try:
            checked[index] = await asyncio.to_thread(check, item) if is_long else check(item)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=name, external_id=external_id(item))
    return checked, outcomes


def refused(error: DomainError, index: int, *, name: str, external_id: str | None) -> ItemOutcome:
    """The outcome of an item that was refused, with the item's own path before the error's."""
    placed = DomainError(error.code, error.message, path=(name, index, *error.path))
    # An id too long or not storable is what was refused: it is not repeated.
    shown = external_id if external_id is not None and len(external_id) <= 200 and external_id.isprintable() else None
    return rejected(index, placed, external_id=shown)


def conflict(what: str, external_id: str, *, path: Iterable[str] = ("externalId",)) -> DomainError:
    """The refusal of an external id that is known with other content."""
    return DomainError(
        "CONFLICTING_DUPLICATE",
        f"The {what} {external_id!r} is known with other content.",
        path=tuple(path),
    )


def repeated(what: str, external_id: str, *, path: Iterable[str] = ("externalId",)) -> DomainError:
    """The refusal of an external id that occurs earlier in the batch with other content."""
    return DomainError(
        "DUPLICATE_IN_BATCH",
        f"The {what} {external_id!r} occurs earlier in the batch with other content.",
        path=tuple(path),
    )


def other_content(
    what: str, external_id: str, *, is_stored: bool, path: Iterable[str] = ("externalId",)
) -> DomainError:
    """The refusal of an external id that is taken by other content: by what is stored, or by an earlier item."""
    return (conflict if is_stored else repeated)(what, external_id, path=path)


def in_order(outcomes: Mapping[int, ItemOutcome], count: int) -> tuple[ItemOutcome, ...]:
    """The outcomes of all items, in the order of the call: every item has exactly one."""
    assert len(outcomes) == count, "every item is answered"
    return tuple(outcomes[index] for index in range(count))
