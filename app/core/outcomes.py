"""The answer of a batched write, item by item: recorded, replayed, or rejected with code, message and path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.errors import DomainError


class Outcome(StrEnum):
    """What became of one item."""

    RECORDED = "RECORDED"
    REPLAYED = "REPLAYED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of the item at `index` of the call.

    id: of the row it made or found. detail: JSON values the answer shows beside (an order's explanation). code,
    message, path: only when rejected. row: what it made, by column, where the writer tells it; no part of the JSON.
    """

    index: int
    outcome: Outcome
    id: UUID | None = None
    external_id: str | None = None
    code: str | None = None
    message: str | None = None
    path: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives an equal outcome back."""
        return {
            "index": self.index,
            "outcome": self.outcome.value,
            "id": None if self.id is None else str(self.id),
            "externalId": self.external_id,
            "code": self.code,
            "message": self.message,
            "path": list(self.path),
            "detail": self.detail,
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> "ItemOutcome":
        """The outcome that `to_json` wrote."""
        return ItemOutcome(
            index=value["index"],
            outcome=Outcome(value["outcome"]),
            id=None if value["id"] is None else UUID(value["id"]),
            external_id=value["externalId"],
            code=value["code"],
            message=value["message"],
            path=tuple(value["path"]),
            detail=value["detail"],
        )


def rejected(index: int, error: DomainError, *, external_id: str | None = None) -> ItemOutcome:
    """The outcome of an item that the error refused."""
    return ItemOutcome(
        index=index,
        outcome=Outcome.REJECTED,
        external_id=external_id,
        code=error.code,
        message=error.message,
        path=error.path,
    )
