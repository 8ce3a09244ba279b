"""Connections: made, held and given back here alone. Everyone else goes through app/db/session.py."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from app.errors import OutsideError

APP_ROLE = "scoville_app"
"""The role every statement of the app runs as: owns nothing, cannot bypass row-level security."""

CLOSE_TIMEOUT_S = 5.0
"""Seconds a closing pool waits for statements under way; then connections are terminated."""

IDLE_S_MAX = 60.0
"""Seconds without use after which a connection is handed to asyncpg's pool, which closes it later."""

ACQUIRE_TIMEOUT_S_MIN = 0.1
"""Seconds that a connection gets to be made even when the slot for it was had at the last moment."""

RELEASE_TIMEOUT_S = 0.3
"""Seconds to wait for the server to confirm a cancelled statement, before its connection is terminated."""

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""What asyncpg raises when the server is away, going away or full. Any other error of it is a bug of ours."""

REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidParameterValueError,
)
"""What asyncpg raises when the server answers a connection with no."""


def is_lost(connection: Connection) -> bool:
    """Whether the server closed the connection. The pool may have taken it back already: then it tells nothing more."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def unreachable() -> OutsideError:
    """The error shown when the database is away: no driver's text, no address."""
    return OutsideError("The database is not reachable. Repeat the request; writes are safe to repeat.", retryable=True)


class Pool:
    """A bounded pool of connections of one process."""

    def __init__(self, pool: "asyncpg.Pool[Any]", *, size_max: int, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s
        self._slots = asyncio.Semaphore(size_max)
        self._waiting = 0
        # Connections that are at hand for whoever used them last, and how each is had from them.
        self._spare: dict[Hashable, Callable[[], Awaitable[None]]] = {}
        # Connections had from asyncpg's pool and kept here between uses, with when they were last used. Handing them
        # back and forth costs as much as a transaction.
        self._idle: list[tuple[PoolConnectionProxy[Any], float]] = []
        self._returning: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @classmethod
    async def open(cls, url: str, *, size_max: int, acquire_timeout_s: float, role: str | None = APP_ROLE) -> "Pool":
        """Connect. role: taken at connection, whatever role the URL logs in with; None keeps the login's own."""
        # citus.override_table_visibility: without it each new connection's type look-up is slow on a cluster.
        server_settings = {"citus.override_table_visibility": "off", "application_name": "scoville", "timezone": "UTC"}
        if role is not None:
            server_settings["role"] = role
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size_max,
                init=_prepare,
                reset=_keep,
                server_settings=server_settings,
                statement_cache_size=512,
                command_timeout=None,
                timeout=5,
            )
        except UNREACHABLE as error:
            raise unreachable() from error
        except REFUSED as error:
            raise OutsideError(
                "The database refuses the login, has no database of that name, or does not let the login take the "
                f"role {APP_ROLE} (`scoville migrate` makes it; `GRANT {APP_ROLE} TO` the login lets it be taken).",
                retryable=False,
            ) from error
        return cls(pool, size_max=size_max, acquire_timeout_s=acquire_timeout_s)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection, without an open transaction. Raises OutsideError when none can be had in time."""
        connection = await self.take()
        is_clean = False
        try:
            yield connection
            is_clean = True
        finally:
            await self.give(connection, is_clean=is_clean)

    async def take(self) -> "PoolConnectionProxy[Any]":
        """The same, to be given back by `give`."""
        # One deadline for both.
        time_s = asyncio.get_running_loop().time
        until_s = time_s() + self._acquire_timeout_s
        await self._take_slot()
        try:
            connection = self._kept()
            if connection is None:
                connection = await self._pool.acquire(timeout=max(until_s - time_s(), ACQUIRE_TIMEOUT_S_MIN))
            return connection
        except UNREACHABLE as error:
            self._slots.release()
            raise unreachable() from error
        except BaseException:
            self._slots.release()
            raise

    async def give(self, connection: "PoolConnectionProxy[Any]", *, is_clean: bool) -> None:
        """Give a connection back. is_clean: whether nothing went wrong on it, so that it may be kept for the next."""
        try:
            if not (is_clean and self._put_by(connection)):
                await asyncio.shield(self._give_back(connection))
        finally:
            self._slots.release()

    @property
    def is_waited_for(self) -> bool:
        """Whether anybody waits for a connection."""
        return self._waiting > 0

    def spare(self, holder: Hashable, give_up: Callable[[], Awaitable[None]]) -> None:
        """The holder of a connection can do without it: when one is wanted, `give_up` is called."""
        self._spare[holder] = give_up

    def no_spare(self, holder: Hashable) -> None:
        """The holder uses it again, or has given it back."""
        self._spare.pop(holder, None)

    async def _take_slot(self) -> None:
        while self._slots.locked() and self._spare:
            _, give_up = self._spare.popitem()
            await give_up()
        if not self._slots.locked():
            await self._slots.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                await self._slots.acquire()
        except TimeoutError as error:
            raise unreachable() from error
        finally:
            self._waiting -= 1

    def _kept(self) -> "PoolConnectionProxy[Any] | None":
        while self._idle:
            connection, _ = self._idle.pop()
            if not is_lost(connection):
                return connection
        return None

    def _put_by(self, connection: "PoolConnectionProxy[Any]") -> bool:
        """Keep a connection for the next use; False when it is not fit for one, or the pool is closed."""
        if self._is_closed or is_lost(connection) or connection.is_in_transaction():
            return False
        now_s = asyncio.get_running_loop().time()
        self._idle.append((connection, now_s))
        if now_s - self._idle[0][1] > IDLE_S_MAX:
            # asyncpg's pool closes what is not used for longer.
            unused, _ = self._idle.pop(0)
            task = asyncio.ensure_future(self._give_back(unused))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)
        return True

    async def _give_back(self, connection: "PoolConnectionProxy[Any]") -> None:
        if not is_lost(connection) and connection.is_in_transaction():
            # A cancelled task may leave a transaction behind: no one else may ever meet it.
            connection.terminate()
        try:
            await self._pool.release(connection, timeout=RELEASE_TIMEOUT_S)
        except TimeoutError:
            # The server does not confirm that it cancelled the last statement. The connection has been terminated.
            return
        except (asyncpg.InternalClientError, *UNREACHABLE):
            # The connection broke while it was given back: the pool took it back by itself.
            if not is_lost(connection):
                raise

    async def close(self) -> None:
        """Give back all connections; those that do not finish in time are terminated."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*self._returning, *(self._give_back(connection) for connection, _ in idle))
        try:
            await asyncio.wait_for(self._pool.close(), CLOSE_TIMEOUT_S)
        except TimeoutError:
            self._pool.terminate()


async def _keep(connection: Connection) -> None:
    # The default reset costs a round trip. Nothing is left to reset: settings are SET LOCAL only, and a connection with
    # an open transaction is terminated instead of released.
    return None


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value, default=str),
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )
