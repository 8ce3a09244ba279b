"""The epoch of API keys: how every process learns at its next request that a key was revoked.

A process remembers a key's principal together with the epoch it read *before* it looked the key up, and uses it only
while the epoch is still that one. Without Redis (None) it may remember for at most `settings.key_cache_s`.
"""

import secrets
from collections.abc import Awaitable, Generator
from typing import Any, Protocol

from app.cache.client import Asked, RedisAway, RedisClient, RedisRefused, Script

EPOCH_KEY = "scoville:{keys}:epoch"

EPOCH_LIFE_S = 60
"""Seconds until an epoch ends by itself: how long a revocation may stay unfelt that could not be told to Redis."""

_SCRIPT = Script.load("key_epoch")


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
        return await _Epoch(self._asked(replace=True), self._key) is not None

    def current(self) -> Awaitable[str | None]:
        """The epoch now; None when Redis is away."""
        return _Epoch(self._asked(replace=False), self._key)

    def _asked(self, *, replace: bool) -> Asked:
        args = (secrets.token_hex(16), EPOCH_LIFE_S * 1000, int(replace))
        return self._client.ask(_SCRIPT, [self._key], args, question=None if replace else self._key)


class _Epoch:
    """The epoch that is asked for, to be waited for."""

    __slots__ = ("_asked", "_key")

    def __init__(self, asked: Asked, key: str) -> None:
        self._asked = asked
        self._key = key

    def __await__(self) -> Generator[Any, None, str | None]:
        return self._read().__await__()

    async def _read(self) -> str | None:
        try:
            key, epoch = await self._asked.reply()
        except (RedisAway, RedisRefused):
            return None
        assert key == self._key.encode(), "a reply to another command"
        return str(epoch, "ascii")


class NullKeyEpochs:
    """No shared epoch: principals are remembered for `settings.key_cache_s` only."""

    async def bump(self) -> bool:
        """Nobody was told."""
        return False

    async def current(self) -> str | None:
        """Unknown."""
        return None
