"""The connection to Redis (6.2 up, or Valkey): scripts go out, replies come back, and a dead server costs nothing.

Used by the other files of app/cache alone. Nothing here raises anything but RedisAway and RedisRefused. Opened lazily:
a client may be made before the server is there.
"""

import asyncio
import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import hiredis
import structlog

from app.cache.wire import Argument, Target, Wire
from app.observability import metrics

FAILURES_MAX = 3
"""Failures in a row after which Redis counts as away. One may be a hiccup; each costs its caller up to the timeout."""

PROBE_INTERVAL_S = 1.0
"""Seconds between attempts to reach a Redis that is away: it is back in use at most this, and a timeout, later."""

WAITING_MAX = 5_000
"""Commands of a process that wait for their replies; who comes beyond does without Redis."""

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
    """The connection to one Redis, and what is known of its health. All commands of a process share it."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._target = Target.of(url)
        self._timeout_s = timeout_s
        self._wire: Wire | None = None
        self._opening: asyncio.Task[Wire] | None = None
        self._waiting = 0
        self._failures_in_row = 0
        self._probe: asyncio.Task[None] | None = None
        self._is_closed = False
        self._connections = 0

    @property
    def is_away(self) -> bool:
        """Whether commands are refused at once, because the last ones failed."""
        return self._failures_in_row >= FAILURES_MAX

    def ask(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], *, question: Hashable = None
    ) -> "Asked":
        """The script's reply to come: it is asked now, where the connection is open, else when it is waited for.

        keys: of one hash slot. question: names what a script asks that only asks. Who asks the same before it is sent
        shares the reply.
        """
        return _AskedScript(self, script, (len(keys), *keys, *args), question)

    def ask_plainly(self, *words: Argument, question: Hashable = None) -> "Asked":
        """The same of one command, which takes the server a fraction of a script."""
        return Asked(self, words, question)

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], *, question: Hashable = None
    ) -> Any:
        """The script's reply. Raises RedisAway or RedisRefused."""
        return await self.ask(script, keys, args, question=question).reply()

    async def command(self, *words: Argument) -> Any:
        """The reply to one command. Raises RedisAway or RedisRefused."""
        return await self.reply_to(words)

    def send(self, words: Sequence[Argument], question: Hashable = None) -> "asyncio.Future[Any] | None":
        """A command on its way; None where the connection is not open, or Redis is to be left alone."""
        wire = self._wire
        if wire is None or not wire.is_open or not self._is_used:
            return None
        return wire.ask(words, question=question)

    async def reply_to(
        self, words: Sequence[Argument], question: Hashable = None, sent: "asyncio.Future[Any] | None" = None
    ) -> Any:
        """The reply to one command, which may have been sent already. Raises RedisAway or RedisRefused."""
        if sent is None and not self._is_used:
            raise RedisAway
        self._waiting += 1
        try:
            return await self._attempt(words, question, sent)
        finally:
            self._waiting -= 1

    @property
    def connections(self) -> int:
        """How many there were: what one of them told need not hold for the next."""
        return self._connections

    @property
    def _is_used(self) -> bool:
        # That many waiting is our load, and says nothing of the server's health.
        return not (self.is_away or self._is_closed or self._waiting >= WAITING_MAX)

    async def close(self) -> None:
        """Give back the connection; later commands find Redis away."""
        self._is_closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._wire is not None:
            await self._wire.close()

    async def _attempt(
        self, words: Sequence[Argument], question: Hashable = None, sent: "asyncio.Future[Any] | None" = None
    ) -> Any:
        try:
            if sent is None and self._wire is not None and self._wire.is_open:
                sent = self._wire.ask(words, question=question)
            if sent is None:
                reply = await (await self._opened()).ask(words, question=question)
            else:
                try:
                    reply = await sent
                except ConnectionError:
                    # The server has closed it: it was started again, or cut an idle one. Every script can be run twice.
                    reply = await (await self._opened()).ask(words, question=question)
        except hiredis.ReplyError as error:
            if str(error).startswith("NOSCRIPT"):
                raise _NotLoaded from error
            metrics.redis_failures.labels(kind="refused").inc()
            raise RedisRefused(str(error)) from error
        except (OSError, TimeoutError, _NotLetIn) as error:
            metrics.redis_failures.labels(kind="away").inc()
            self._count_failure()
            raise RedisAway from error
        self._failures_in_row = 0
        return reply

    async def _opened(self) -> Wire:
        """The connection, opened by whoever needs it first."""
        if self._wire is not None and self._wire.is_open:
            return self._wire
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="redis-open")
            self._opening.add_done_callback(self._opening_done)
        return await asyncio.shield(self._opening)

    def _opening_done(self, task: "asyncio.Task[Wire]") -> None:
        self._opening = None
        if not task.cancelled():
            # Looked at, so that nobody warns of it: whoever still waits for the connection is told.
            task.exception()

    async def _open(self) -> Wire:
        async with asyncio.timeout(self._timeout_s):
            try:
                self._wire = await Wire.open(self._target, timeout_s=self._timeout_s)
                self._connections += 1
            except hiredis.ReplyError as error:
                raise _NotLetIn from error
        return self._wire

    def _count_failure(self) -> None:
        self._failures_in_row += 1
        if self.is_away and self._probe is None and not self._is_closed:
            log.warning("redis_away", failures=self._failures_in_row)
            self._probe = asyncio.create_task(self._probe_until_back(), name="redis-probe")

    async def _probe_until_back(self) -> None:
        while self.is_away:
            await asyncio.sleep(PROBE_INTERVAL_S)
            try:
                await self._attempt(("PING",))
            except (RedisAway, RedisRefused):
                continue
        self._probe = None
        log.info("redis_back")


class Asked:
    """A command that was asked for its reply."""

    __slots__ = ("_client", "_question", "_sent", "_words")

    def __init__(self, client: RedisClient, words: Sequence[Argument], question: Hashable) -> None:
        self._client = client
        self._question = question
        self._words = words
        self._sent = client.send(words, question)

    async def reply(self) -> Any:
        """Its reply. Raises RedisAway or RedisRefused."""
        return await self._client.reply_to(self._words, self._question, self._sent)


class _AskedScript(Asked):
    """A script that was asked for its reply: by its hash first."""

    __slots__ = ("_rest", "_script")

    def __init__(self, client: RedisClient, script: Script, rest: tuple[Argument, ...], question: Hashable) -> None:
        super().__init__(client, ("EVALSHA", script.sha, *rest), question)
        self._script = script
        self._rest = rest

    async def reply(self) -> Any:
        """Its reply. Raises RedisAway or RedisRefused."""
        try:
            return await super().reply()
        except _NotLoaded:
            return await self._client.reply_to(("EVAL", self._script.text, *self._rest), self._question)


class _NotLoaded(Exception):
    """The server does not know the script's hash: it was started again, or never saw it."""


class _NotLetIn(Exception):
    """The server refuses the login or the database that the URL names."""
