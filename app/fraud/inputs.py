"""What callers send about fraud, as plain values."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FraudReview:
    """What somebody found of a hit. is_accepted: its commission is in order. reason: needed where it is refused."""

    id: UUID
    is_accepted: bool
    reason: str | None = None
