"""What every batched write answers with: a result per item, and how many there were of each kind.

A mutation's result type extends ItemResult with what it shows of the item; its payload is `Payload[ThatResult]` under a
name of its own. Both are made from ItemOutcome alone, so a repetition under the same idempotency key gives the same.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

import strawberry

from app.core.context import Ctx, Scope
from app.core.outcomes import ItemOutcome, Outcome
from app.core.unset import camel
from app.db.keyset import Listing
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.items import Unread
from graphql_schema.context import Info
from graphql_schema.families import know
from graphql_schema.permissions import requires
from graphql_schema.scalars import uuid_of
from graphql_schema.unreadable import Unreadable

R = TypeVar("R", bound="ItemResult")
T_contra = TypeVar("T_contra", contravariant=True)

NO_ROW = UUID(int=0)
"""An id that no row has."""

IDEMPOTENCY_KEY = (
    "Makes the call safe to repeat: the same key and input give the same answer for 30 days, the same key with another "
    "input is IDEMPOTENCY_CONFLICT. At most 200 characters."
)
"""Description of the field `idempotencyKey` of every input."""


_PLAIN = frozenset({str, int, bool, datetime, Decimal, type(None), type(strawberry.UNSET)})
"""Types of values that were read, and hold no others."""


class UseCase(Protocol[T_contra]):
    """A use case that writes a batch."""

    def __call__(
        self, runtime: Runtime, ctx: Ctx, items: Sequence[T_contra], /, *, idempotency_key: str | None
    ) -> Awaitable[Sequence[ItemOutcome]]:
        """What became of each item; one that could not be read comes as Unread."""
        ...


@strawberry.type(description="What became of one item of a write.")
class ItemResult:
    """What became of one item of a write."""

    index: int = strawberry.field(description="The item's place in the call, from 0.")
    outcome: Outcome = strawberry.field(description="What became of it.")
    id: strawberry.ID | None = strawberry.field(description="Id of the row it made, changed or found again.")
    external_id: str | None = strawberry.field(description="The item's external id, where it has one.")
    code: str | None = strawberry.field(description="Why it was rejected: a stable code.")
    message: str | None = strawberry.field(description="Why it was rejected, and the way out.")
    path: list[str] = strawberry.field(description="Which part of the input was rejected; empty otherwise.")
    row_id: strawberry.Private[UUID | None]
    detail: strawberry.Private[dict[str, Any]]

    @classmethod
    def of(cls, outcome: ItemOutcome) -> Self:
        """The outcome as it is shown."""
        return cls(
            index=outcome.index,
            outcome=outcome.outcome,
            id=None if outcome.id is None else strawberry.ID(str(outcome.id)),
            external_id=outcome.external_id,
            code=outcome.code,
            message=outcome.message,
            path=list(outcome.path),
            row_id=outcome.id,
            detail=outcome.detail,
        )


@strawberry.type(description="What became of all items of a write.")
class Payload(Generic[R]):
    """What became of all items of a write."""

    results: list[R] = strawberry.field(description="A result per item, in the order of the input.")
    recorded_count: int = strawberry.field(description="Items that made or changed a row.")
    replayed_count: int = strawberry.field(description="Items known with the same content: nothing changed.")
    rejected_count: int = strawberry.field(description="Items refused: nothing of them was kept.")

    @classmethod
    def of(cls, outcomes: Sequence[ItemOutcome], result: type[R]) -> Self:
        """The outcomes as they are shown."""
        counts = {kind: sum(item.outcome is kind for item in outcomes) for kind in Outcome}
        return cls(
            results=[result.of(item) for item in outcomes],
            recorded_count=counts[Outcome.RECORDED],
            replayed_count=counts[Outcome.REPLAYED],
            rejected_count=counts[Outcome.REJECTED],
        )


def batch(
    use_case: UseCase[Any],
    items: str,
    *,
    input: type[Any],
    payload: type[Payload[Any]],
    result: type[ItemResult],
    description: str,
    scope: Scope,
    rows: Listing | None = None,
) -> Any:
    """The mutation that runs a use case over the input's list `items`, each item's `value()`.

    Rows that the request loaded before are forgotten: they may have changed. rows: the listing of those that outcomes
    tell: such are shown as they were committed, and not looked up.
    """

    async def resolve(info: Info, input: Any) -> Any:
        key = None if input.idempotency_key is strawberry.UNSET else input.idempotency_key
        outcomes = await use_case(
            info.context.runtime,
            info.context.ctx,
            [_value(item) for item in getattr(input, items)],
            idempotency_key=key,
        )
        info.context.loaders.forget()
        made = [] if rows is None else [outcome.row for outcome in outcomes if outcome.row is not None]
        if rows is not None and made:
            know(info, rows, made)
        return payload.of(outcomes, result)

    what = strawberry.argument(description=f"The {items} in their order, and what makes the call safe to repeat.")
    resolve.__annotations__ |= {"input": Annotated[input, what], "return": payload}
    return strawberry.mutation(resolver=resolve, description=description, extensions=[requires(scope)])


def _value(item: Any) -> Any:
    """The item as the use case takes it: its value, or Unread when some value in it is Unreadable."""
    found = _unreadable(item)
    if found is None:
        return item.value()
    path, mark = found
    name = next(part for part in reversed(path) if isinstance(part, str))
    external_id = getattr(item, "external_id", None)
    return Unread(
        sent=_sent(item),
        error=DomainError(mark.code, f"`{name}`: {mark.message}", path=path),
        external_id=external_id if isinstance(external_id, str) and not isinstance(external_id, Unreadable) else None,
    )


def _unreadable(item: Any) -> tuple[tuple[str | int, ...], Unreadable] | None:
    """The first value of an input object that could not be read, with its path."""
    for name, value in vars(item).items():
        # Nearly all values of nearly all items: passed by in one step.
        if type(value) in _PLAIN:
            continue
        for index, part in enumerate(value) if isinstance(value, list) else ((None, value),):
            below = ((), part) if isinstance(part, Unreadable) else _unreadable(part) if _is_input(part) else None
            if below is not None:
                here = (camel(name),) if index is None else (camel(name), index)
                return (*here, *below[0]), below[1]
    return None


def _sent(value: Any) -> Any:
    """The value as JSON takes it, without what was not sent."""
    if isinstance(value, list):
        return [_sent(part) for part in value]
    if _is_input(value):
        return {name: _sent(part) for name, part in vars(value).items() if part is not strawberry.UNSET}
    return value


def _is_input(value: object) -> bool:
    return hasattr(type(value), "__strawberry_definition__") and not isinstance(value, Enum)


def given(item: Any, *but: str) -> dict[str, Any]:
    """The fields of an input object that were sent, null among them, without those named in `but`."""
    return {name: value for name, value in vars(item).items() if value is not strawberry.UNSET and name not in but}


def present(item: Any, *but: str) -> dict[str, Any]:
    """The fields of an input object that were sent with a value: what a new row is made from, the rest by default."""
    return {name: value for name, value in given(item, *but).items() if value is not None}


def id_named(value: strawberry.ID | None) -> UUID | None:
    """The id that an item names. What cannot be an id is no row's, so that the item alone is refused for it."""
    if value is None or value is strawberry.UNSET:
        return None
    found = uuid_of(value)
    return NO_ROW if found is None else found


def own_id(value: strawberry.ID) -> UUID:
    """The id of the row that a change names."""
    return uuid_of(value) or NO_ROW
