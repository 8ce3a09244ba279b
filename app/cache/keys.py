"""The epoch of API keys: how every process learns at its next request that a key was revoked.

A process remembers a key's principal together with the epoch it read *before* it looked the key up, and uses it only
while the epoch is still that one. Without Redis (None) it may remember for at most `settings.key_cache_s`.
"""

import secrets
from collections.abc import Awaitable, Generator
from typing import Any, Protocol

import structlog

from app.cache.client import Asked, RedisAway, RedisClient, RedisRefused, Script

EPOCH_KEY = "scoville:{keys}:current"

EPOCH_LIFE_S = 60
"""Seconds until an epoch ends by itself: how long a revocation may stay unfelt that could not be told to Redis."""

WORD_PREFIX = "epoch-"
"""How the word of an epoch begins."""

_SCRIPT = Script.load("key_epoch")

log = structlog.get_logger(__name__)


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
        return await self._written(replace=True) is not None

    def current(self) -> Awaitable[str | None]:
        """The epoch now; None when Redis is away."""
        # Read as it is: the script that begins one is run where there is none, once in EPOCH_LIFE_S.
        return _Epoch(self, self._client.ask_plainly("GET", self._key, question=self._key))

    async def read(self, asked: Asked) -> str | None:
        """The epoch that was asked for; a new one where there was none; None when Redis is away."""
        try:
            epoch = await asked.reply()
        except (RedisAway, RedisRefused):
            return None
        return await self._written(replace=False) if epoch is None else _word(epoch)

    async def _written(self, *, replace: bool) -> str | None:
        args = (WORD_PREFIX + secrets.token_hex(16), EPOCH_LIFE_S * 1000, int(replace))
        try:
            return _word(await self._client.run(_SCRIPT, [self._key], args))
        except (RedisAway, RedisRefused):
            return None


class _Epoch:
    """The epoch that is asked for. To be waited for, or not: whoever leaves before needs no coroutine."""

    __slots__ = ("_asked", "_epochs")

    def __init__(self, epochs: RedisKeyEpochs, asked: Asked) -> None:
        self._epochs = epochs
        self._asked = asked

    def __await__(self) -> Generator[Any, None, str | None]:
        return self._epochs.read(self._asked).__await__()


def _word(reply: Any) -> str | None:
    # By its form an epoch is known from the reply to another command.
    if isinstance(reply, bytes) and reply.startswith(WORD_PREFIX.encode()):
        return str(reply, "ascii")
    log.error("redis_reply_of_another_command")
    return None


class NullKeyEpochs:
    """No shared epoch: principals are remembered for `settings.key_cache_s` only."""

    async def bump(self) -> bool:
        """Nobody was told."""
        return False

    async def current(self) -> str | None:
        """Unknown."""
        return None
