"""Keyset cursors: opaque to clients, bound to the connection and question they came from."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from app.core.hashing import content_hash
from app.errors import DomainError


@dataclass(frozen=True, slots=True)
class Page:
    """A validated request for one page: forward (`first`, `after`) or backward (`last`, `before`)."""

    limit: int
    backward: bool = False
    cursor: str | None = None


def page_of(
    first: int | None, after: str | None, last: int | None, before: str | None, *, default: int, limit_max: int
) -> Page:
    """The page asked for. Raises INVALID_PAGE for combinations that mean nothing and sizes out of bounds."""
    if first is not None and last is not None:
        raise DomainError("INVALID_PAGE", "Give either `first` or `last`, not both.", path=("first",))
    if after is not None and (last is not None or before is not None):
        raise DomainError("INVALID_PAGE", "`after` goes with `first`, `before` with `last`.", path=("after",))
    if before is not None and last is None:
        raise DomainError("INVALID_PAGE", "`before` goes with `last`.", path=("before",))
    backward = last is not None
    limit = last if last is not None else first if first is not None else default
    if not 0 <= limit <= limit_max:
        name = "last" if backward else "first"
        raise DomainError("INVALID_PAGE", f"`{name}` is {limit}; it must be 0 to {limit_max}.", path=(name,))
    return Page(limit=limit, backward=backward, cursor=before if backward else after)


def encode_cursor(question: Any, values: Sequence[Any]) -> str:
    """A cursor after the row whose sort values these are (last one its id).

    question: whatever the order of rows depends on (connection name, filter, order): a cursor of another is refused.
    """
    return cursors(question)(values)


def cursors(question: Any) -> Callable[[Sequence[Any]], str]:
    """What makes the cursors of one list: `encode_cursor` with its question looked at once."""
    mark = content_hash(question)[:6].hex()

    def encode(values: Sequence[Any]) -> str:
        body = orjson.dumps([mark, [_pack(value) for value in values]])
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()

    return encode


def decode_cursor(question: Any, cursor: str, *, path: str = "after") -> list[Any]:
    """The sort values in the cursor. Raises INVALID_CURSOR for garbage and for a cursor of another question."""
    bad = DomainError(
        "INVALID_CURSOR",
        f"`{path}` is not a cursor of this connection with these arguments. Start again without it.",
        path=(path,),
    )
    try:
        body = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        mark, values = orjson.loads(body)
        unpacked = [_unpack(value) for value in values]
    except (ValueError, TypeError, KeyError, binascii.Error, ArithmeticError):
        raise bad from None
    if mark != content_hash(question)[:6].hex():
        raise bad
    return unpacked


def _pack(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case UUID():
            return {"u": str(value)}
        case datetime():
            return {"t": value.isoformat()}
        case Decimal():
            return {"d": format(value, "f")}
        case _:
            raise TypeError(f"no cursor form for {type(value).__name__}")


_UNPACKERS: dict[str, Callable[[str], Any]] = {"u": UUID, "t": datetime.fromisoformat, "d": Decimal}


def _unpack(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _UNPACKERS[kind](text)
