"""The connection to Redis (6.2 up, or Valkey): scripts go out, replies come back, and a dead server costs nothing.

Used by the other files of app/cache alone. Nothing here raises anything but RedisAway and RedisRefused. Opened lazily:
a client may be made before the server is there.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import structlog
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import NoScriptError, RedisError, ResponseError

from app.observability import metrics

FAILURES_MAX = 3
"""Failures in a row after which Redis counts as away. One may be a hiccup; each costs its caller up to the timeout."""

PROBE_INTERVAL_S = 1.0
"""Seconds between attempts to reach a Redis that is away: it is back in use at most this, and a timeout, later."""

Argument = bytes | str | int

log = structlog.get_logger(__name__)


class RedisAway(Exception):
    """Redis did not answer in time, or is known to be away. The command may have run."""


class RedisRefused(Exception):
    """Redis answered with an error: out of memory, read-only replica, a key of another type."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the hash the server knows it by."""

    text: str
    sha: str

    @classmethod
    def load(cls, name: str) -> "Script":
        """The script of this package's file `<name>.lua`."""
        text = files("app.cache").joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return cls(text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class RedisClient:
    """A bounded set of connections to one Redis, and what is known of its health."""

    def __init__(self, url: str, *, timeout_s: float, connections_max: int) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        self._connection_class: type[AbstractConnection] = options.pop("connection_class", Connection)
        options.pop("max_connections", None)
        # No timeouts of the driver's: one deadline spans connecting, sending and reading. RESP2 and no client name
        # spare a new connection two round trips.
        self._options = {**options, "socket_timeout": None, "socket_connect_timeout": None, "protocol": 2}
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(connections_max)
        self._idle: list[AbstractConnection] = []
        self._failures_in_row = 0
        self._probe: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_away(self) -> bool:
        """Whether commands are refused at once, because the last ones failed."""
        return self._failures_in_row >= FAILURES_MAX

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """The script's reply. keys: of one hash slot. Raises RedisAway or RedisRefused."""
        try:
            return await self.command("EVALSHA", script.sha, len(keys), *keys, *args)
        except _NotLoaded:
            return await self.command("EVAL", script.text, len(keys), *keys, *args)

    async def command(self, *words: Argument) -> Any:
        """The reply to one command. Raises RedisAway or RedisRefused."""
        if self.is_away or self._is_closed:
            raise RedisAway
        try:
            if self._slots.locked():
                async with asyncio.timeout(self._timeout_s):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()
        except TimeoutError as error:
            # All connections are busy: that is our load, and says nothing of the server's health.
            raise RedisAway from error
        try:
            return await self._attempt(words)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Give back all connections; later commands find Redis away."""
        self._is_closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._drop_idle()

    async def _attempt(self, words: Sequence[Argument]) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._exchange(words)
        except (RedisError, OSError, TimeoutError) as error:
            if isinstance(error, NoScriptError):
                raise _NotLoaded from error
            if isinstance(error, ResponseError):
                metrics.redis_failures.labels(kind="refused").inc()
                raise RedisRefused(str(error)) from error
            metrics.redis_failures.labels(kind="away").inc()
            self._count_failure()
            raise RedisAway from error
        self._failures_in_row = 0
        return reply

    async def _exchange(self, words: Sequence[Argument]) -> Any:
        if self._idle:
            try:
                async with self._lend(self._idle.pop()) as connection:
                    return await _ask(connection, words)
            except ResponseError:
                raise
            except (RedisError, OSError):
                # The server has closed it, and probably the others too: it was started again, or cut idle ones. Every
                # script can be run twice.
                await self._drop_idle()
        async with self._lend(self._connection_class(**self._options, driver_info=None)) as connection:
            return await _ask(connection, words)

    @asynccontextmanager
    async def _lend(self, connection: AbstractConnection) -> AsyncIterator[AbstractConnection]:
        # A connection goes back only after a whole reply was read. After a cancellation, or anything else, its socket
        # may still carry the reply meant for this caller, which the next one must never read.
        is_clean = False
        try:
            yield connection
            is_clean = True
        except ResponseError:
            is_clean = True
            raise
        finally:
            if is_clean and not self._is_closed:
                self._idle.append(connection)
            else:
                await connection.disconnect(nowait=True)

    async def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)

    def _count_failure(self) -> None:
        self._failures_in_row += 1
        if self.is_away and self._probe is None and not self._is_closed:
            log.warning("redis_away", failures=self._failures_in_row)
            self._probe = asyncio.create_task(self._probe_until_back(), name="redis-probe")

    async def _probe_until_back(self) -> None:
        await self._drop_idle()
        while self.is_away:
            await asyncio.sleep(PROBE_INTERVAL_S)
            try:
                await self._attempt(("PING",))
            except (RedisAway, RedisRefused):
                continue
        self._probe = None
        log.info("redis_back")


class _NotLoaded(Exception):
    """The server does not know the script's hash: it was started again, or never saw it."""


async def _ask(connection: AbstractConnection, words: Sequence[Argument]) -> Any:
    await connection.send_command(*words)
    return await connection.read_response()
