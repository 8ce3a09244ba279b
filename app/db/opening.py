"""How a transaction begins: by messages that are sent ahead of its first statement, and share its round trip.

Postgres answers what is sent without a Sync together with the next statement, and the driver passes over what it did
not ask for. Of a command that fails the next statement tells.
"""

from functools import lru_cache
from struct import pack
from uuid import UUID

OPENINGS_KEPT_MAX = 10_000
"""Ways to begin that are remembered: one or two for each tenant."""


class Opening:
    """How transactions begin. commands: none of them may take parameters. timeout_s: a statement's, None without one.

    Two are the same only where they are one object: a transaction goes on with another that began by it.
    """

    __slots__ = ("after_commit", "message", "timeout_s")

    def __init__(self, *commands: str, timeout_s: float | None = None) -> None:
        if timeout_s is not None:
            commands = *commands, f"SET LOCAL statement_timeout = {int(timeout_s * 1000)}"
        self.message = b"".join(map(sent, commands))
        self.after_commit = sent("COMMIT") + self.message
        self.timeout_s = timeout_s


@lru_cache(maxsize=OPENINGS_KEPT_MAX)
def opening(begin: str, tenant_id: UUID | None, timeout_s: float, *more: str) -> Opening:
    """The one way to begin a transaction of the tenant (of none: it sees no row of a tenant's table).

    begin: BEGIN and how. timeout_s: of each statement. more: settings of its own.
    """
    if tenant_id is None:
        return Opening(begin, *more, timeout_s=timeout_s)
    # SET LOCAL takes no parameters: only the text of a UUID is ever put in. The first setting makes a cluster repeat
    # the second on its workers.
    return Opening(
        begin,
        "SET LOCAL citus.propagate_set_commands = 'local'",
        f"SET LOCAL app.tenant_id = '{UUID(int=tenant_id.int)}'",
        *more,
        timeout_s=timeout_s,
    )


def sent(command: str) -> bytes:
    """A command without parameters as messages: Parse, Bind and Execute of the unnamed statement and portal."""
    text = command.encode() + b"\0"
    return b"".join(
        (
            b"P" + pack("!I", 7 + len(text)) + b"\0" + text + b"\0\0",
            b"B" + pack("!I", 12) + b"\0\0" + b"\0" * 6,
            b"E" + pack("!I", 9) + b"\0" + b"\0" * 4,
        )
    )
