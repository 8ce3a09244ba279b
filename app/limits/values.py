"""Bounds on the JSON values a request brings."""

import re
from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from app.errors import DomainError
from app.limits.documents import VALUE_DEPTH_MAX, check_text

FILTER_VALUES_MAX = 1_000
"""Values of one list in a filter."""

REPEATED_VALUES_MAX = 100_000
"""Values that variables may bring beside the first time that they are named: each place is read by itself."""

LARGE_MIN = 101
"""Values of a variable from which on it is counted where it is named: so many places are no document."""

_NAMED = re.compile(r"\$([A-Za-z_][0-9A-Za-z_]*)")

LOOKED_AT_MAX = 100_000
"""Values that are looked through for the place of one that is refused: more than a full batch has."""

READ_VALUES_MAX = 40_000
"""Values in the variables of a query: each is read before anything else bounds it."""

WRITTEN_VALUES_MAX = 400_000
"""Values in those of a mutation."""


def check_variables(document: str, variables: Mapping[str, Any], *, most: int = READ_VALUES_MAX) -> None:
    """Raise what `check_values` does, or QUERY_TOO_COSTLY for large variables that are named in many places."""
    if check_values(variables, most=most) >= LARGE_MIN:
        _check_repeated(document, variables)


def check_values(value: Any, *, most: int | None = None) -> int:
    """How many values are below it.

    Raises QUERY_TOO_DEEP, PAYLOAD_TOO_LARGE or BAD_USER_INPUT for JSON that is nested too deeply, has more than so many
    values, or holds text nobody can store.

    Level by level, without recursion: what reads the values later does recurse.
    """
    level = [value]
    count = 0
    item: Any = value
    try:
        for _ in range(VALUE_DEPTH_MAX + 1):
            below: list[Any] = []
            for item in level:
                kind = type(item)
                if kind is str:
                    check_text(item)
                elif kind is float:
                    if not isfinite(item):
                        raise DomainError("BAD_USER_INPUT", "A number is larger than any that can be kept.")
                elif kind is dict:
                    below.extend(item.values())
                elif kind is list:
                    below.extend(item)
            if not below:
                return count
            count += len(below)
            if most is not None and count > most:
                break
            level = below
    except DomainError as error:
        raise DomainError(error.code, error.message, path=_path_to(item, value)) from None
    if most is not None and count > most:
        raise DomainError("PAYLOAD_TOO_LARGE", f"The variables hold more than {most} values. Send several requests.")
    raise DomainError("QUERY_TOO_DEEP", f"The variables are nested deeper than {VALUE_DEPTH_MAX} levels.")


def _check_repeated(document: str, variables: Mapping[str, Any]) -> None:
    large = {name: size for name, value in variables.items() if (size := _size(value)) >= LARGE_MIN}
    # Declared once, and read once in any case. What stands in a comment or a text is counted too.
    named = Counter(_NAMED.findall(document))
    repeated = sum(size * max(named[name] - 2, 0) for name, size in large.items())
    if repeated > REPEATED_VALUES_MAX:
        raise DomainError(
            "QUERY_TOO_COSTLY",
            f"Variables are named in so many places that {repeated} values of theirs are read again; at most "
            f"{REPEATED_VALUES_MAX} may be. Name large ones less often, or send several queries.",
        )


def _size(value: Any) -> int:
    # Values in it, level by level.
    count, level = 0, [value]
    while level:
        count += len(level)
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
    return count


def _path_to(wanted: Any, value: Any) -> tuple[str | int, ...]:
    """Where in the value it stands, which is looked for only now; () where that would take too long."""
    looked_at = 0
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting and looked_at < LOOKED_AT_MAX:
        path, container = waiting.pop()
        looked_at += len(container)
        for key, item in container.items() if isinstance(container, dict) else enumerate(container):
            if item is wanted:
                return (*path, key)
            if isinstance(item, (dict, list)):
                waiting.append(((*path, key), item))
    return ()


def too_many(count: int) -> str | None:
    """What to tell of a list in a filter that holds so many values; None where they are not too many."""
    if count <= FILTER_VALUES_MAX:
        return None
    return f"A list of the filter has {count} values; at most {FILTER_VALUES_MAX} are allowed."
