"""Who is told of changes: listeners to what the writers of a tenant note, in any process, over one connection.

A note is published in the step that writes it (answer_note.lua), after the commit and before the write is acknowledged.
What was published while the connection was down is lost, so listeners are told that everything may have changed when it
goes down and when it is up again; in between `is_up` is False, and who must know looks for himself.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import Context
from datetime import date
from typing import Any, Protocol
from uuid import UUID

import structlog
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError

from app.cache.answers import EVERYTHING, Depends, notes_key
from app.observability import metrics

RETRY_PAUSE_S = 0.5
"""Seconds between attempts to reach a Redis that is away."""

PROBE_INTERVAL_S = 5.0
"""Seconds of silence after which the server is asked whether it is still there."""

Listener = Callable[[frozenset[str]], None]
"""Told what changed: names as they are noted, 'd<day>', 't<tag>' or '*'."""

log = structlog.get_logger(__name__)


def touches(names: frozenset[str], depends: Depends) -> bool:
    """Whether something noted is something depended on. A tag counts whichever it is: they are rare."""
    if not names.isdisjoint(EVERYTHING) or any(name.startswith("t") for name in names):
        return True
    days = [date.fromisoformat(name[1:]) for name in names]
    return any(first <= day and (last is None or day <= last) for day in days for first, last in depends.days)


class Changes(Protocol):
    """Changes of tenants, as far as they can be told."""

    @property
    def is_up(self) -> bool:
        """Whether listeners are told: False while nobody can tell them."""
        ...

    def listen(self, tenant_id: UUID, listener: Listener) -> AbstractContextManager[None]:
        """A context in which the listener is told of the tenant's changes."""
        ...

    async def settled(self, tenant_id: UUID) -> bool:
        """True when everything noted before this call was told to the tenant's listeners; False if nobody knows."""
        ...


class NullChanges:
    """Tells nothing: who must know looks for himself."""

    is_up = False

    @contextmanager
    def listen(self, tenant_id: UUID, listener: Listener) -> Iterator[None]:
        """Nobody is told."""
        yield

    async def settled(self, tenant_id: UUID) -> bool:
        """Nobody knows."""
        return False


class RedisChanges:
    """Changes that all processes of one Redis note. Connects when somebody listens."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        self._connection_class: type[AbstractConnection] = options.pop("connection_class", Connection)
        options.pop("max_connections", None)
        # No timeouts of the driver's: between two changes there may be hours. RESP2, where a reply tells what it is.
        self._options = {**options, "socket_timeout": None, "socket_connect_timeout": None, "protocol": 2}
        self._timeout_s = timeout_s
        self._numbers = itertools.count()
        self._listeners: dict[str, dict[int, Listener]] = {}
        self._outgoing: asyncio.Queue[tuple[str, str]] | None = None
        self._pongs: dict[str, asyncio.Future[None]] = {}
        self._link: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._is_connecting = False

    @property
    def is_up(self) -> bool:
        """Whether the connection is there, and the server answers on it."""
        return self._up.is_set()

    @contextmanager
    def listen(self, tenant_id: UUID, listener: Listener) -> Iterator[None]:
        """A context in which the listener is told of the tenant's changes."""
        channel, number = notes_key(tenant_id), next(self._numbers)
        listeners = self._listeners.setdefault(channel, {})
        if not listeners:
            self._send("SUBSCRIBE", channel)
        listeners[number] = listener
        if self._link is None:
            self._is_connecting = True
            # In a context of its own: it outlives the request that came first.
            self._link = asyncio.create_task(self._keep_up(), name="changes", context=Context())
        try:
            yield
        finally:
            del listeners[number]
            if not listeners:
                del self._listeners[channel]
                self._send("UNSUBSCRIBE", channel)

    async def settled(self, tenant_id: UUID) -> bool:
        """Ask the server something: its reply comes after everything that it published before."""
        assert notes_key(tenant_id) in self._listeners, "only listeners are told"
        if self._is_connecting:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await self._up.wait()
        return self.is_up and await self._echoed()

    async def close(self) -> None:
        """Tell nobody any more."""
        if self._link is not None:
            self._link.cancel()
            await asyncio.gather(self._link, return_exceptions=True)

    def _send(self, command: str, word: str) -> None:
        # While there is no connection nothing is sent: a new one begins with all channels.
        if self._outgoing is not None:
            self._outgoing.put_nowait((command, word))

    async def _echoed(self) -> bool:
        if self._outgoing is None:
            return False
        word = str(next(self._numbers))
        self._pongs[word] = pong = asyncio.get_running_loop().create_future()
        self._send("PING", word)
        try:
            async with asyncio.timeout(self._timeout_s):
                await pong
        except TimeoutError:
            return False
        finally:
            del self._pongs[word]
        return True

    async def _keep_up(self) -> None:
        is_quiet = False
        while True:
            self._is_connecting = True
            try:
                await self._connected()
            except* (RedisError, OSError, _Silent) as errors:
                # Told once for each time that it was up.
                if self.is_up or not is_quiet:
                    log.warning("changes_away", reason=type(errors.exceptions[0]).__name__)
                is_quiet = True
            finally:
                was_up = self.is_up
                self._up.clear()
                self._is_connecting, self._outgoing = False, None
                metrics.changes_up.set(0)
                if was_up:
                    # Whoever relied on being told must look for himself from now on.
                    self._tell_all()
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _connected(self) -> None:
        """One connection's life. Ends by raising only."""
        connection = self._connection_class(**self._options, driver_info=None)
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]
            self._outgoing = asyncio.Queue()
            for channel in self._listeners:
                self._send("SUBSCRIBE", channel)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(connection, self._outgoing))
                group.create_task(self._read(connection))
                group.create_task(self._watch())
        finally:
            await connection.disconnect(nowait=True)

    async def _write(self, connection: AbstractConnection, outgoing: "asyncio.Queue[tuple[str, str]]") -> None:
        while True:
            await connection.send_command(*await outgoing.get())

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            reply = await connection.read_response()
            # Without a channel, a PING is answered by its word alone.
            kind, *rest = reply if isinstance(reply, list) else (b"pong", reply)
            if kind == b"message":
                self._tell(rest[0].decode(), frozenset(rest[1].decode().split(" ")))
            elif kind == b"pong":
                pong = self._pongs.get(rest[0].decode())
                if pong is not None and not pong.done():
                    pong.set_result(None)

    async def _watch(self) -> None:
        """Say that the connection is up as soon as the server answers on it, and end it when it no longer does."""
        while await self._echoed():
            if not self.is_up:
                self._up.set()
                self._is_connecting = False
                metrics.changes_up.set(1)
                log.info("changes_up")
                self._tell_all()
            await asyncio.sleep(PROBE_INTERVAL_S)
        raise _Silent

    def _tell_all(self) -> None:
        for channel in list(self._listeners):
            self._tell(channel, EVERYTHING)

    def _tell(self, channel: str, names: frozenset[str]) -> None:
        for listener in list(self._listeners.get(channel, {}).values()):
            listener(names)


class _Silent(Exception):
    """The server did not answer in time."""
