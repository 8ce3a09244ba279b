"""The epoch of API keys: how every process learns at its next request that a key was revoked.

A process remembers a key's principal together with the epoch it read *before* it looked the key up, and uses it only
while the epoch is still that one. Without Redis (None) it may remember for at most `settings.key_cache_s`.
"""

from collections.abc import Awaitable
from typing import Protocol

from app.cache.client import RedisClient
from app.cache.epoch import AskedEpoch, written

EPOCH_KEY = "scoville:{keys}:current"


class KeyEpochs(Protocol):
    """Tells when remembered principals must be looked up again. Never raises."""

    async def bump(self) -> bool:
        """Make every remembered principal stale, after a change of a key was committed. False: could not tell."""
        ...

    def current(self) -> Awaitable[str | None]:
        """The epoch now, read before a key is looked up; None when it cannot be known. Asked for at once."""
        ...


class RedisKeyEpochs:
    """The epoch that all processes of one Redis share."""

    def __init__(self, client: RedisClient, *, key: str = EPOCH_KEY) -> None:
        self._client = client
        self._key = key

    async def bump(self) -> bool:
        """Start a new epoch; False when Redis is away (it is then felt within EPOCH_LIFE_S)."""
        return await written(self._client, self._key, replace=True) is not None

    def current(self) -> Awaitable[str | None]:
        """The epoch now; None when Redis is away."""
        return AskedEpoch(self._client, self._key)


class NullKeyEpochs:
    """No shared epoch: principals are remembered for `settings.key_cache_s` only."""

    async def bump(self) -> bool:
        """Nobody was told."""
        return False

    async def current(self) -> str | None:
        """Unknown."""
        return None
