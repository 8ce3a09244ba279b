"""What became of a batch's items, to compare with."""

from collections.abc import Sequence

from app.core.outcomes import ItemOutcome


def summary(outcomes: Sequence[ItemOutcome]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """What became of each item, its code and path."""
    return [(outcome.outcome.value, outcome.code, outcome.path) for outcome in outcomes]
