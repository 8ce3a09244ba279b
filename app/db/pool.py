"""Connections: made, held and given back here alone. Everyone else goes through app/db/session.py.

A transaction that only reads may be given back open. Whoever begins one the same way goes on with it, and sends
nothing; whoever begins another ends it with the message that begins his own. Nobody does soon, or it has lasted long:
it is ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any

import asyncpg
import orjson

from app.db.connection import OPEN_UNUSED_S_MAX, UNREACHABLE, Connection, is_lost, unreachable
from app.db.opening import Opening
from app.errors import OutsideError

APP_ROLE = "scoville_app"
"""The role every statement of the app runs as: owns nothing, cannot bypass row-level security."""

CLOSE_TIMEOUT_S = 5.0
"""Seconds a closing pool waits for statements under way; then connections are terminated."""

CONNECT_TIMEOUT_S = 5.0
"""Seconds that the first connection gets to be made."""

IDLE_S_MAX = 60.0
"""Seconds without use after which a connection is closed."""

ACQUIRE_TIMEOUT_S_MIN = 0.1
"""Seconds that a connection gets to be made even when the slot for it was had at the last moment."""

SPARE_S = 0.005
"""Seconds that a request may let its connection rest between two reads although somebody waits for one."""


REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidParameterValueError,
)
"""What asyncpg raises when the server answers a connection with no."""


class Pool:
    """A bounded pool of connections of one process. connect: makes one."""

    def __init__(
        self, connect: Callable[..., Coroutine[Any, Any, Connection]], *, size_max: int, acquire_timeout_s: float
    ) -> None:
        self._connect = connect
        self._acquire_timeout_s = acquire_timeout_s
        self._size_max = size_max
        self._slots = asyncio.Semaphore(size_max)
        self._waiting = 0
        # Connections that are at hand for whoever used them last: since when, and how each is had from them.
        self._spare: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._ripening: asyncio.TimerHandle | None = None
        # Connections that nobody uses, the one used last at the end: without a transaction, and with one.
        self._idle: list[Connection] = []
        self._open: list[Connection] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._all: set[Connection] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @classmethod
    async def open(cls, url: str, *, size_max: int, acquire_timeout_s: float, role: str | None = APP_ROLE) -> "Pool":
        """Connect. role: taken at connection, whatever role the URL logs in with; None keeps the login's own."""
        # citus.override_table_visibility: without it each new connection's type look-up is slow on a cluster.
        # datestyle: times are read from their texts (columns.py), whatever style the database has.
        server_settings = {
            "citus.override_table_visibility": "off",
            "application_name": "scoville",
            "timezone": "UTC",
            "datestyle": "ISO",
        }
        if role is not None:
            server_settings["role"] = role
        connect: Any = partial(
            asyncpg.connect,
            url,
            connection_class=Connection,
            server_settings=server_settings,
            statement_cache_size=512,
        )
        pool = cls(connect, size_max=size_max, acquire_timeout_s=acquire_timeout_s)
        try:
            pool._put_by(await pool._made(CONNECT_TIMEOUT_S))
        except UNREACHABLE as error:
            raise unreachable() from error
        except REFUSED as error:
            raise OutsideError(
                "The database refuses the login, has no database of that name, or does not let the login take the "
                f"role {APP_ROLE} (`scoville migrate` makes it; `GRANT {APP_ROLE} TO` the login lets it be taken).",
                retryable=False,
            ) from error
        return pool

    async def take(self, opening: Opening | None = None) -> Connection:
        """A connection, to be given back. Raises OutsideError when none can be had in time.

        It may have an open transaction that only read, as `open_as` tells. opening: how one begins; a connection whose
        transaction began so is preferred, so that it goes on.
        """
        # One deadline for both.
        time_s = asyncio.get_running_loop().time
        until_s = time_s() + self._acquire_timeout_s
        await self._take_slot()
        try:
            connection = self._kept(opening, time_s())
            if connection is None:
                connection = await self._made(max(until_s - time_s(), ACQUIRE_TIMEOUT_S_MIN))
            return connection
        except UNREACHABLE as error:
            self._slots.release()
            raise unreachable() from error
        except BaseException:
            self._slots.release()
            raise

    def give(self, connection: Connection, *, is_clean: bool) -> None:
        """Give a connection back without a transaction. is_clean: whether nothing went wrong on it that lasts."""
        try:
            if is_clean and not is_lost(connection) and not connection.is_in_transaction() and not self._is_closed:
                self._put_by(connection)
            else:
                # A cancelled task may leave a transaction behind: no one else may ever meet it.
                self._all.discard(connection)
                connection.terminate()
        finally:
            self._slots.release()

    def give_open(self, connection: Connection, opening: Opening) -> None:
        """Give a connection back with an open transaction that only reads, and that began this way."""
        if self._is_closed or is_lost(connection):
            self.give(connection, is_clean=False)
            return
        connection.open_as = opening
        connection.used_s = asyncio.get_running_loop().time()
        self._open.append(connection)
        self._watch_unused()
        self._slots.release()

    def spare(self, holder: Hashable, give_up: Callable[[], None]) -> None:
        """The holder of a connection can do without it: when one is wanted for a while, `give_up` is called."""
        self._spare[holder] = asyncio.get_running_loop().time(), give_up
        if self._waiting:
            self._ripen()

    def no_spare(self, holder: Hashable) -> None:
        """The holder uses it again, or has given it back."""
        self._spare.pop(holder, None)

    async def _take_slot(self) -> None:
        if self._is_closed:
            raise unreachable()
        if not self._slots.locked():
            await self._slots.acquire()
            return
        self._waiting += 1
        if self._spare:
            self._ripen()
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                await self._slots.acquire()
        except TimeoutError as error:
            raise unreachable() from error
        finally:
            self._waiting -= 1

    def _ripen(self) -> None:
        # One timer for all: the one that has been spare for longest is the first to be given up.
        if self._ripening is None:
            since_s, _ = next(iter(self._spare.values()))
            self._ripening = asyncio.get_running_loop().call_at(since_s + SPARE_S, self._take_from_holder)

    def _take_from_holder(self) -> None:
        self._ripening = None
        if self._waiting and self._spare:
            holder, (since_s, give_up) = next(iter(self._spare.items()))
            if since_s + SPARE_S <= asyncio.get_running_loop().time():
                del self._spare[holder]
                give_up()
        if self._waiting and self._spare:
            self._ripen()

    def _kept(self, opening: Opening | None, now_s: float) -> Connection | None:
        if opening is not None:
            for place in range(len(self._open) - 1, -1, -1):
                found = self._open[place]
                if found.goes_on(opening, now_s) and not is_lost(found):
                    return self._open.pop(place)
        while self._idle or self._open:
            connection = self._idle.pop() if self._idle else self._open.pop(0)
            if not is_lost(connection):
                return connection
            self._all.discard(connection)
        return None

    async def _made(self, timeout_s: float) -> Connection:
        connection = await self._connect(timeout=timeout_s)
        try:
            await _prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        connection.made_s = connection.planned_s = asyncio.get_running_loop().time()
        self._all.add(connection)
        return connection

    def _put_by(self, connection: Connection) -> None:
        now_s = connection.used_s = asyncio.get_running_loop().time()
        connection.open_as = None
        self._idle.append(connection)
        if now_s - self._idle[0].used_s > IDLE_S_MAX:
            self._aside(self._closed(self._idle.pop(0)))

    def _watch_unused(self) -> None:
        # One timer for all, as above.
        if self._sweep is None and self._open and not self._is_closed:
            at_s = self._open[0].used_s + OPEN_UNUSED_S_MAX
            self._sweep = asyncio.get_running_loop().call_at(at_s, self._end_unused)

    def _end_unused(self) -> None:
        self._sweep = None
        if self._has_unused:
            self._aside(self._ended())
        else:
            self._watch_unused()

    @property
    def _has_unused(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        return bool(self._open) and self._open[0].used_s + OPEN_UNUSED_S_MAX <= now_s

    async def _ended(self) -> None:
        # As one who uses them. A slot is free as long as any is unused: nobody is waited for.
        while self._has_unused and not self._slots.locked():
            await self._slots.acquire()
            connection, is_clean = self._open.pop(0), False
            try:
                await connection.execute("COMMIT", timeout=self._acquire_timeout_s)
                is_clean = True
            except (asyncpg.PostgresError, asyncpg.InternalClientError, *UNREACHABLE):
                # It read and was answered; its connection is done away with.
                continue
            finally:
                self.give(connection, is_clean=is_clean)
        self._watch_unused()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed(self, connection: Connection) -> None:
        self._all.discard(connection)
        try:
            await connection.close(timeout=CLOSE_TIMEOUT_S)
        except (asyncpg.PostgresError, asyncpg.InternalClientError, *UNREACHABLE):
            # It has been terminated instead.
            return

    async def close(self) -> None:
        """Close all connections; those that are still used after a while are terminated."""
        if self._is_closed:
            return
        self._is_closed = True
        for timer in (self._sweep, self._ripening):
            if timer is not None:
                timer.cancel()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                for _ in range(self._size_max):
                    await self._slots.acquire()
        except TimeoutError:
            pass
        unused = [*self._idle, *self._open]
        self._idle, self._open = [], []
        await asyncio.gather(*self._closing, *map(self._closed, unused))
        for connection in self._all:
            connection.terminate()


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value, default=str),
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )
