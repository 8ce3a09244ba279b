"""Epochs: how every process learns at its next request that what it remembers is over.

A process remembers a key's principal together with the epoch of keys it read *before* it looked the key up, and uses it
only while the epoch is still that one. Without Redis (None) it may remember for at most `settings.key_cache_s`.

The same holds for rows that it remembers of a tenant (rows.py), each tenant with an epoch of its own: the note of a
write that changed one replaces it (answer_note.lua).
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

import structlog

from app.cache.answers import rows_key
from app.cache.client import Asked, RedisAway, RedisClient, RedisRefused, Script
from app.cache.epoch import EPOCH_LIFE_S, new_word, word_of

EPOCH_KEY = "scoville:{keys}:current"

_SCRIPT = Script.load("key_epoch")

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Epochs(NamedTuple):
    """Both epochs that a request wants; None where one is not known. rows: of one tenant."""

    keys: str | None
    rows: str | None


class KeyEpochs(Protocol):
    """Tells when remembered principals, and rows, must be looked up again. Never raises."""

    async def bump(self) -> bool:
        """Make every remembered principal stale, after a change of a key was committed. False: could not tell."""
        ...

    def current(self) -> Awaitable[str | None]:
        """The epoch now, read before a key is looked up; None when it cannot be known. Asked for at once."""
        ...

    def with_rows(self, tenant_id: UUID | None) -> Awaitable[Epochs]:
        """The same, and the epoch of a tenant's rows, if it is known whose."""
        ...


class RedisKeyEpochs:
    """The epoch that all processes of one Redis share."""

    def __init__(self, client: RedisClient, *, key: str = EPOCH_KEY) -> None:
        self._client = client
        self._key = key

    async def bump(self) -> bool:
        """Start a new epoch; False when Redis is away (it is then felt within EPOCH_LIFE_S)."""
        return await self._written(self._key, replace=True) is not None

    def current(self) -> Awaitable[str | None]:
        """The epoch now; None when Redis is away."""
        # Read as it is: the script that begins one is run where there is none, once in EPOCH_LIFE_S.
        return _Waiting(partial(self._read, self._client.ask_plainly("GET", self._key, question=self._key)))

    def with_rows(self, tenant_id: UUID | None) -> Awaitable[Epochs]:
        """The same, and the epoch of the tenant's rows: one command."""
        if tenant_id is None:
            return _Waiting(partial(self._read_alone, self.current()))
        rows = rows_key(tenant_id)
        asked = self._client.ask_plainly("MGET", self._key, rows, question=(self._key, rows))
        return _Waiting(partial(self._read_both, asked, rows, self._client.connections))

    async def _read(self, asked: Asked) -> str | None:
        try:
            found = await asked.reply()
        except (RedisAway, RedisRefused):
            return None
        return await self._known(found, self._key)

    async def _read_alone(self, current: Awaitable[str | None]) -> Epochs:
        return Epochs(await current, None)

    async def _read_both(self, asked: Asked, rows: str, connection: int) -> Epochs:
        try:
            found = await asked.reply()
        except (RedisAway, RedisRefused):
            return _UNKNOWN
        if not isinstance(found, list) or len(found) != 2:
            log.error("redis_reply_of_another_command")
            return _UNKNOWN
        word = await self._known(found[1], rows)
        # A server that was started from an older dump may tell a word that was replaced: not on the same connection.
        return Epochs(await self._known(found[0], self._key), None if word is None else f"{word}.{connection}")

    async def _known(self, found: Any, key: str) -> str | None:
        """The epoch that was found under a key; a new one where there is none."""
        return await self._written(key, replace=False) if found is None else _word(found)

    async def _written(self, key: str, *, replace: bool) -> str | None:
        args = (new_word(), EPOCH_LIFE_S * 1000, int(replace))
        try:
            return _word(await self._client.run(_SCRIPT, [key], args))
        except (RedisAway, RedisRefused):
            return None


_UNKNOWN = Epochs(None, None)


class _Waiting(Generic[T]):
    """What was asked for. To be waited for, or not: whoever leaves before needs no coroutine."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._read = read

    def __await__(self) -> Generator[Any, None, T]:
        return self._read().__await__()


def _word(reply: Any) -> str | None:
    word = word_of(reply)
    if word is None:
        log.error("redis_reply_of_another_command")
    return word


class NullKeyEpochs:
    """No shared epoch: principals are remembered for `settings.key_cache_s` only."""

    async def bump(self) -> bool:
        """Nobody was told."""
        return False

    async def current(self) -> str | None:
        """Unknown."""
        return None

    async def with_rows(self, tenant_id: UUID | None) -> Epochs:
        """Unknown, both."""
        return Epochs(await self.current(), None)
