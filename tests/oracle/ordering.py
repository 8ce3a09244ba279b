"""The order of groups: by shown values; keys not named follow, ascending; a null key stands last either way."""

from collections.abc import Callable
from typing import Any

from tests.oracle.ask import Ask
from tests.oracle.oracle import Key, Values
from tests.oracle.questions import By


def ordered(groups: dict[Key, Values], ask: Ask, order: tuple[By, ...]) -> list[tuple[Key, Values]]:
    """The groups in their total order."""
    named = {element.name for element in order}
    names = [*ask.by, *(["time"] if ask.every else [])]
    total = [*order, *(By(name, is_descending=False) for name in names if name not in named)]
    found = list(groups.items())
    # Sorting is stable: from the last element to the first.
    for element in reversed(total):
        value = _value(ask, element.name)
        known = [group for group in found if value(group) is not None]
        unknown = [group for group in found if value(group) is None]
        # Texts by code point, ids by their digits, times by instant.
        known.sort(key=value, reverse=element.is_descending)
        found = unknown + known if element.nulls_first else known + unknown
    return found


def _value(ask: Ask, name: str) -> Callable[[tuple[Key, Values]], Any]:
    if name in ask.measures:
        at = ask.measures.index(name)
        return lambda group: group[1][at]
    at = len(ask.by) if name == "time" else ask.by.index(name)
    return lambda group: group[0][at]
