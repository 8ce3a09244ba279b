"""Bounds on the JSON values a request brings."""

from math import isfinite
from typing import Any

from app.errors import DomainError
from app.limits.documents import VALUE_DEPTH_MAX, check_text


def check_values(value: Any) -> None:
    """Raise QUERY_TOO_DEEP or BAD_USER_INPUT for JSON that is nested too deeply or holds text nobody can store.

    Level by level, without recursion: what reads the values later does recurse.
    """
    level = [value]
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
    raise DomainError("QUERY_TOO_DEEP", f"The variables are nested deeper than {VALUE_DEPTH_MAX} levels.")
