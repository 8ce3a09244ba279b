"""Bounds on the JSON values a request brings."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from app.errors import DomainError
from app.limits.documents import VALUE_DEPTH_MAX, check_text


def check_values(value: Any) -> None:
    """Raise QUERY_TOO_DEEP or BAD_USER_INPUT for JSON that is nested too deeply or holds text nobody can store.

    Level by level, without recursion: what reads the values later does recurse.
    """
    level = [value]
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
                return
            level = below
    except DomainError as error:
        # Which one is looked for only now.
        path = next(path for path, found in _within(value, ()) if found is item)
        raise DomainError(error.code, error.message, path=path) from None
    raise DomainError("QUERY_TOO_DEEP", f"The variables are nested deeper than {VALUE_DEPTH_MAX} levels.")


def _within(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    # Everything in it, and where it stands; no deeper than is allowed.
    yield path, value
    if len(path) > VALUE_DEPTH_MAX:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from _within(below, (*path, key))
