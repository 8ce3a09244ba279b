"""An epoch: a random word that whoever remembers something of it compares, and whoever changes that replaces."""

import secrets
from collections.abc import Generator
from typing import Any

import structlog

from app.cache.client import RedisAway, RedisClient, RedisRefused, Script

EPOCH_LIFE_S = 60
"""Seconds until an epoch ends by itself: how long a change may stay unfelt that could not be told to Redis."""

WORD_PREFIX = "epoch-"
"""How the word of an epoch begins."""

_SCRIPT = Script.load("epoch")

log = structlog.get_logger(__name__)


def new_word() -> str:
    """The word of a new epoch."""
    return f"{WORD_PREFIX}{secrets.token_hex(16)}"


class AskedEpoch:
    """The epoch under a key, asked for at once. To be waited for, or not: whoever leaves before needs no coroutine."""

    __slots__ = ("_asked", "_client", "_key")

    def __init__(self, client: RedisClient, key: str) -> None:
        self._client = client
        self._key = key
        # Read as it is: the script that begins one is run where there is none, once in EPOCH_LIFE_S.
        self._asked = client.ask_plainly("GET", key, question=key)

    async def read(self) -> str | None:
        """Its word; a new one where there was none; None when Redis is away."""
        try:
            found = await self._asked.reply()
        except (RedisAway, RedisRefused):
            return None
        return await written(self._client, self._key, replace=False) if found is None else _word(found)

    def __await__(self) -> Generator[Any, None, str | None]:
        return self.read().__await__()


class EpochOfConnection(AskedEpoch):
    """The same, as long as the connection lasts: a server that was started again from an older dump, or took over from
    another, may tell a word that was replaced."""

    __slots__ = ("_connection",)

    def __init__(self, client: RedisClient, key: str) -> None:
        self._connection = client.connections
        super().__init__(client, key)

    async def read(self) -> str | None:
        """Its word with the connection's number; None where the reply may be another connection's."""
        word = await super().read()
        if word is None or self._client.connections != self._connection:
            return None
        return f"{word}.{self._connection}"


class _NoEpoch:
    """None, to be waited for or not."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


NO_EPOCH = _NoEpoch()


async def written(client: RedisClient, key: str, *, replace: bool) -> str | None:
    """The epoch after a new one was begun: in any case, or where there was none; None when Redis is away."""
    try:
        return _word(await client.run(_SCRIPT, [key], (new_word(), EPOCH_LIFE_S * 1000, int(replace))))
    except (RedisAway, RedisRefused):
        return None


def _word(reply: Any) -> str | None:
    # By its form a word is known from the reply to another command.
    if isinstance(reply, bytes) and reply.startswith(WORD_PREFIX.encode()):
        return str(reply, "ascii")
    log.error("redis_reply_of_another_command")
    return None
