"""One connection to Redis: commands go out together at each turn of the event loop, replies are handed out in order.

Nobody waits for a connection, and whoever leaves takes none away: the reply of a command that nobody waits for any more
is read in its turn and dropped. Those who ask the same before it is sent share the reply, which is then of after all of
them asked. Below the client, which knows what to do when a connection is lost.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

Argument = bytes | str | int

CLOSE_TIMEOUT_S = 0.5
"""Seconds that a closed connection gets to say goodbye, as TLS does."""

STOOD_STILL_S = 0.05
"""Seconds by which a timer is late when its process stood still: the event loop was held up, or the machine."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where Redis is and who asks, as a URL says it."""

    host: str
    port: int
    path: str | None
    tls: ssl.SSLContext | None
    greeting: tuple[tuple[Argument, ...], ...]

    @classmethod
    def of(cls, url: str) -> "Target":
        """What the URL says. Raises ValueError where it says nothing."""
        found: dict[str, Any] = dict(parse_url(url))
        kind = found.pop("connection_class", None)
        found.pop("max_connections", None)
        tls = SSLConnection(**found).ssl_context.get() if kind is SSLConnection else None
        greeting: list[tuple[Argument, ...]] = []
        if found.get("password"):
            user = (found["username"],) if found.get("username") else ()
            greeting.append(("AUTH", *user, found["password"]))
        if found.get("db"):
            greeting.append(("SELECT", found["db"]))
        path = found.get("path")
        return cls(found.get("host", "localhost"), found.get("port", 6379), path, tls, tuple(greeting))


@dataclass(slots=True)
class _Asked:
    """A command on its way. at_s: by the event loop's clock. waiting: all who get its reply."""

    at_s: float
    waiting: list["asyncio.Future[Any]"]

    @property
    def is_waited_for(self) -> bool:
        return not all(future.done() for future in self.waiting)

    def fail(self, error: Exception) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_exception(error)
                # Looked at, so that nobody warns of it where who asked has left.
                future.exception()


class Wire(asyncio.Protocol):
    """One connection, given up when a reply takes longer than `timeout_s` of which this process did not stand still."""

    def __init__(self, *, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader()
        # Commands that are sent at the end of this turn of the event loop, and those of them that can be shared.
        self._unsent: list[bytes] = []
        self._shared: dict[Hashable, _Asked] = {}
        self._asked: deque[_Asked] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._gone = self._loop.create_future()

    @classmethod
    async def open(cls, target: Target, *, timeout_s: float) -> "Wire":
        """A connection that was let in. Raises OSError, and hiredis.ReplyError when it is refused."""
        loop = asyncio.get_running_loop()
        make = partial(cls, timeout_s=timeout_s)
        if target.path is not None:
            _, wire = await loop.create_unix_connection(make, target.path)
        else:
            _, wire = await loop.create_connection(make, target.host, target.port, ssl=target.tls)
        try:
            for words in target.greeting:
                await wire.ask(words)
        except BaseException:
            wire.drop()
            raise
        return wire

    @property
    def is_open(self) -> bool:
        """Whether commands may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, words: Sequence[Argument], *, question: Hashable = None) -> "asyncio.Future[Any]":
        """The reply to come; hiredis.ReplyError where it is an error, TimeoutError where it takes too long,
        ConnectionError when the connection is lost.

        question: what the command asks, where it only asks: commands of the same question are as good as one.
        """
        reply: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None or self._transport.is_closing():
            reply.set_exception(ConnectionResetError("The connection to Redis is closed."))
            return reply
        if question is not None:
            shared = self._shared.get(question)
            if shared is not None:
                shared.waiting.append(reply)
                return reply
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(tuple(words)))  # type: ignore[arg-type]  # its stub says: of one
        asked = _Asked(self._loop.time(), [reply])
        self._asked.append(asked)
        if question is not None:
            self._shared[question] = asked
        if self._look is None:
            self._look_at(asked.at_s + self._timeout_s)
        return reply

    def drop(self) -> None:
        """Close at once: whoever waits is told that the connection is lost."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Close, and wait until it is closed."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait({self._gone}, timeout=CLOSE_TIMEOUT_S)

    # ------------------------------------------------------------------ told by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        # A connection is a stream, whichever event loop made it.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are whole."""
        try:
            self._reader.feed(data)
            # False: there is none. Nothing is asked whose reply is false: that is of a later protocol.
            while (reply := self._reader.gets()) is not False:
                asked = self._asked.popleft()
                if isinstance(reply, hiredis.ReplyError):
                    asked.fail(reply)
                    continue
                for future in asked.waiting:
                    if not future.done():
                        future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            # It does not speak the protocol, or says what nobody asked: nothing it says can be trusted.
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait."""
        if self._look is not None:
            self._look.cancel()
        lost, self._asked = self._asked, deque()
        for asked in lost:
            asked.fail(ConnectionResetError("The connection to Redis was lost."))
        if not self._gone.done():
            self._gone.set_result(None)

    # ------------------------------------------------------------------ at its turns

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        self._shared.clear()
        if self.is_open:
            cast(asyncio.Transport, self._transport).write(b"".join(unsent))

    def _look_at(self, due_s: float) -> None:
        self._look = self._loop.call_at(due_s, self._look_for_late, due_s)

    def _look_for_late(self, due_s: float) -> None:
        """One timer for all: each reply is late after the same time, so that the first to be is the one asked first."""
        self._look = None
        asked = next((asked for asked in self._asked if asked.is_waited_for), None)
        if asked is None:
            return
        now_s, late_s = self._loop.time(), asked.at_s + self._timeout_s
        if now_s - due_s > STOOD_STILL_S:
            # Here nobody was awake to send or to read: Redis gets the time anew.
            late_s = now_s + self._timeout_s
        if late_s > now_s:
            self._look_at(late_s)
            return
        asked.fail(TimeoutError())
        # Those behind it would wait as long; a new connection may reach another server.
        self.drop()
