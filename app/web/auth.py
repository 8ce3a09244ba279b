"""Who calls: a key in the Authorization header, looked up by its hash before anything of the request is read.

A principal is remembered together with the epoch of keys that was read before it was looked up, and used while that
epoch lasts: a revocation starts a new one and is felt at the next request. Where the epoch cannot be known (no Redis)
it is used for `settings.key_cache_s`.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.core.context import Principal
from app.observability import metrics
from app.runtime import Runtime
from app.tenancy.queries import find_principal
from app.tenancy.service import hash_key, is_key
from app.web.errors import unauthenticated

REMEMBERED_MAX = 10_000
"""Principals a process remembers, the least recently used dropped first."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    epoch: str | None
    at_s: float


class Authenticator:
    """Finds principals, and remembers them as long as it may."""

    def __init__(self, runtime: Runtime, *, time_s: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._time_s = time_s
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def authenticate(self, header: str | None) -> Principal:
        """The principal of an Authorization header.

        Raises EdgeError 401 for a missing, malformed, unknown or revoked key; OutsideError when nobody can tell.
        """
        key = _bearer(header)
        if key is None:
            raise unauthenticated("Send a key: `Authorization: Bearer sk_live_…`.", known_scheme=False)
        if not is_key(key):
            raise unauthenticated("This is no key. A key is sk_live_ or sk_test_ and 32 characters.", known_scheme=True)
        principal = await self._find(hash_key(key))
        if principal is None:
            raise unauthenticated("The key is unknown or revoked.", known_scheme=True)
        return principal

    async def _find(self, key_hash: str) -> Principal | None:
        # Read before the look-up: a key revoked in between has a later epoch than the one remembered.
        epoch = await self._runtime.key_epochs.current()
        now_s = self._time_s()
        known = self._remembered.get(key_hash)
        if known is not None and self._holds(known, epoch, now_s):
            self._remembered.move_to_end(key_hash)
            metrics.labelled(metrics.principal_lookups, "memory").inc()
            return known.principal
        metrics.labelled(metrics.principal_lookups, "database").inc()
        principal = await find_principal(self._runtime.db, key_hash)
        if principal is None:
            self._remembered.pop(key_hash, None)
            return None
        self._remembered[key_hash] = _Remembered(principal=principal, epoch=epoch, at_s=now_s)
        self._remembered.move_to_end(key_hash)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return principal

    def _holds(self, known: _Remembered, epoch: str | None, now_s: float) -> bool:
        if epoch is None:
            return now_s - known.at_s < self._runtime.settings.key_cache_s
        return known.epoch == epoch


def _bearer(header: str | None) -> str | None:
    scheme, _, key = (header or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None
