"""One connection to Redis: commands go out as they come, replies are handed out in their order.

Nobody waits for a connection, and whoever leaves takes none away: the reply of a command that nobody waits for any more
is read in its turn and dropped. Below the client, which knows what to do when a connection is lost.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

Argument = bytes | str | int

CLOSE_TIMEOUT_S = 0.5
"""Seconds that a closed connection gets to say goodbye, as TLS does."""


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


class Wire(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, target: Target) -> "Wire":
        """A connection that was let in. Raises OSError, and hiredis.ReplyError when it is refused."""
        loop = asyncio.get_running_loop()
        if target.path is not None:
            _, wire = await loop.create_unix_connection(cls, target.path)
        else:
            _, wire = await loop.create_connection(cls, target.host, target.port, ssl=target.tls)
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

    def ask(self, words: Sequence[Argument]) -> "asyncio.Future[Any]":
        """The reply to come; hiredis.ReplyError where it is an error, ConnectionError when the connection is lost."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            reply.set_exception(ConnectionResetError("The connection to Redis is closed."))
            return reply
        self._transport.write(hiredis.pack_command(tuple(words)))  # type: ignore[arg-type]  # its stub says: of one
        self._waiting.append(reply)
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
                future = self._waiting.popleft()
                if future.done():
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            # It does not speak the protocol, or says what nobody asked: nothing it says can be trusted.
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait."""
        waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            if not future.done():
                future.set_exception(ConnectionResetError("The connection to Redis was lost."))
        if not self._gone.done():
            self._gone.set_result(None)
