"""A connection, and what is known of it."""

import asyncio

import asyncpg

from app.db.opening import Opening
from app.errors import OutsideError

OPEN_UNUSED_S_MAX = 0.02
"""Seconds without use after which a transaction that was given back open is ended, and BEGIN is waited for."""

OPEN_S_MAX = 0.25
"""Seconds since its begin after which nobody goes on with a transaction: whoever changes a table waits for it."""

PLANS_S_MIN = 1.0
"""Seconds since a connection was made after which its plans are made anew for the first time."""


class Connection(asyncpg.Connection):
    """A connection. open_as: how the reading transaction began that it was given back with; None without one.

    began_s: when that began. patience_s: how long a statement's answer is waited for, None: for ever. used_s: when the
    connection was last given back. made_s: when it was made. planned_s: when its statements' plans were last forgotten.
    All but patience_s by the event loop's clock.
    """

    open_as: Opening | None = None
    began_s = 0.0
    patience_s: float | None = None
    used_s = 0.0
    made_s = 0.0
    planned_s = 0.0

    def goes_on(self, opening: Opening, now_s: float) -> bool:
        """Whether whoever begins this way may go on with its transaction."""
        return self.open_as is opening and now_s - self.began_s < OPEN_S_MAX

    def send_ahead(self, message: bytes) -> None:
        """Send what is answered with the next statement. Raises OSError where the connection is on its way out."""
        # Of the driver's own: it has no way to send without a wait.
        transport: asyncio.Transport = self._transport  # type: ignore[attr-defined]
        if transport.is_closing():
            raise ConnectionResetError
        transport.write(message)

    def was_just_used(self, now_s: float) -> bool:
        """Whether it answered a moment ago."""
        return now_s - self.used_s < OPEN_UNUSED_S_MAX

    def is_to_plan_anew(self, now_s: float) -> bool:
        """Whether its plans are as old as it was when they were made.

        Postgres keeps a statement's plan until it looks through the tables again. Made for a table of ten rows, it may
        read all of them: it must not be kept for as long as a thousand need to come.
        """
        return now_s - self.planned_s >= max(PLANS_S_MIN, self.planned_s - self.made_s)


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


def is_lost(connection: Connection) -> bool:
    """Whether the connection is closed, by whomever."""
    return connection.is_closed()


def unreachable() -> OutsideError:
    """The error shown when the database is away: no driver's text, no address."""
    return OutsideError("The database is not reachable. Repeat the request; writes are safe to repeat.", retryable=True)
