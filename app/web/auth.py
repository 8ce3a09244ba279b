"""Who calls: a key in the Authorization header, looked up by its hash before anything of the request is read.

A principal is remembered together with the epoch of keys that was read before it was looked up, and used while that
epoch lasts: a revocation starts a new one and is felt at the next request. Where the epoch cannot be known (no Redis)
it is used for `settings.key_cache_s`. While the epoch is asked for, an answer may be looked for on behalf of whoever is
remembered: a claim that is told to nobody until it holds.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
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
        return await self.claim(header).settled()

    def claim(self, header: str | None) -> "Claim":
        """The same as a claim, to be settled. Raises EdgeError 401 for a missing or malformed key."""
        key = _bearer(header)
        if key is None:
            raise unauthenticated("Send a key: `Authorization: Bearer sk_live_…`.", known_scheme=False)
        if not is_key(key):
            raise unauthenticated("This is no key. A key is sk_live_ or sk_test_ and 32 characters.", known_scheme=True)
        key_hash = hash_key(key)
        # Read before the look-up: a key revoked in between has a later epoch than the one remembered.
        return Claim(self, key_hash, self._remembered.get(key_hash), self._runtime.key_epochs.current())

    async def find(self, key_hash: str, known: _Remembered | None, epoch: str | None) -> Principal:
        """The principal of a key: the one remembered, if it still holds in the epoch."""
        now_s = self._time_s()
        if known is not None and self._holds(known, epoch, now_s):
            if key_hash in self._remembered:
                self._remembered.move_to_end(key_hash)
            metrics.labelled(metrics.principal_lookups, "memory").inc()
            return known.principal
        metrics.labelled(metrics.principal_lookups, "database").inc()
        principal = await find_principal(self._runtime.db, key_hash)
        if principal is None:
            self._remembered.pop(key_hash, None)
            raise unauthenticated("The key is unknown or revoked.", known_scheme=True)
        self._remembered[key_hash] = _Remembered(principal=principal, epoch=epoch, at_s=now_s)
        self._remembered.move_to_end(key_hash)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return principal

    def _holds(self, known: _Remembered, epoch: str | None, now_s: float) -> bool:
        if epoch is None:
            return now_s - known.at_s < self._runtime.settings.key_cache_s
        return known.epoch == epoch


class Claim:
    """A key that came, while it is asked whether what is remembered of it still holds.

    remembered: whom it belonged to when it was last looked up; None where that is not known.
    """

    __slots__ = ("_authenticator", "_epoch", "_key_hash", "_known", "remembered")

    def __init__(
        self, authenticator: Authenticator, key_hash: str, known: _Remembered | None, epoch: Awaitable[str | None]
    ) -> None:
        self.remembered = None if known is None else known.principal
        self._authenticator = authenticator
        self._key_hash = key_hash
        self._known = known
        self._epoch = epoch

    async def settled(self) -> Principal:
        """Whose the key is. Raises EdgeError 401 where it is nobody's; OutsideError when nobody can tell."""
        return await self._authenticator.find(self._key_hash, self._known, await self._epoch)


def _bearer(header: str | None) -> str | None:
    scheme, _, key = (header or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None
