"""UNSET: what a change does not mention, apart from null, which clears."""

from collections.abc import Collection
from dataclasses import fields
from enum import Enum
from typing import Any, Final

from app.errors import DomainError


class Unset(Enum):
    """The type of UNSET. An enum, so that type checkers know its only value, and hashes are stable."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET


def given(change: Any, *but: str, required: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a change (a dataclass) that it mentions, without those named in `but`.

    required: fields that cannot be cleared. Raises BAD_USER_INPUT for a null in one of them.
    """
    mentioned = {
        field.name: value
        for field in fields(change)
        if field.name not in but and (value := getattr(change, field.name)) is not UNSET
    }
    for name in required:
        if name in mentioned and mentioned[name] is None:
            raise DomainError(
                "BAD_USER_INPUT", f"`{camel(name)}` cannot be null. Leave it out to keep it.", path=(camel(name),)
            )
    return mentioned


def camel(name: str) -> str:
    """A field's name as the API spells it."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
