"""Content hashes: equal content, equal hash, whatever the key order. For idempotency and for cache keys.

And Python's own, of values that are looked up again and again.
"""

import hashlib
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson

T = TypeVar("T", bound=type)

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


def canonical_json(value: Any) -> bytes:
    """JSON bytes with sorted keys; Decimals as plain strings; dataclasses and named tuples by their fields."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def content_hash(value: Any) -> bytes:
    """SHA-256 (32 bytes) of the canonical JSON of the value."""
    return hashlib.sha256(canonical_json(value)).digest()


def _plain(value: Any) -> Any:
    # Decimal, asyncpg's UUID, sets, named tuples: in a form that does not depend on how the value was made.
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


def email_hash(tenant_id: UUID, address: str) -> str:
    """The hash by which an address is recognised again: of its lower-case form, of no use with other tenants."""
    return hashlib.sha256(tenant_id.bytes + address.strip().casefold().encode()).hexdigest()


def hashed_once(kind: T) -> T:
    """Class decorator above a frozen dataclass without slots: each value works out its hash once.

    For deep values that are keys of many look-ups: every one of these would go through all that is in them.
    """
    worked_out: Any = kind.__hash__

    def hash_of(self: Any) -> int:
        known: dict[str, Any] = self.__dict__
        # Attributes with an underscore are no content: no JSON is made of them.
        found: int | None = known.get("_hash")
        if found is None:
            known["_hash"] = found = int(worked_out(self))
        return found

    kind.__hash__ = hash_of  # type: ignore[method-assign, assignment]  # the same, remembered
    return kind
