"""Cached answers and their validity. RedisAnswers is the real store of answers; NullAnswers remembers nothing.

An answer stays valid until a write touches a day or tag it depends on. Writers call `note` after their commit and
before they acknowledge; readers pass the token they got *before* computing, so that a write in between makes the answer
stale, not fresh. How validity is decided is written at the top of answer_get.lua.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Collection, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, Protocol
from uuid import UUID

import structlog

from app.cache.client import RedisAway, RedisClient, RedisRefused, Script
from app.cache.epoch import EPOCH_LIFE_S, NO_EPOCH, EpochOfConnection, new_word
from app.observability import metrics
from app.settings import Settings

NOTES_LIFE_S = 600
"""Seconds that notes outlive the last put or note. Any life is safe, for answers die with the notes; it only has to be
long enough not to waste answers."""

NOTES_MAX = 10_000
"""Notes kept per tenant; beyond it the older half becomes one note of everything."""

NOTE_NAMES_MAX = 2_000
"""Days and tags of one note; more are noted as everything."""

NOTE_ATTEMPTS = 3
"""Tries to write a note before it is owed and the write is acknowledged without it."""

NOTE_PAUSE_S = 0.05
"""Seconds between these tries."""

OWED_PAUSE_S = 0.1
"""Seconds before an owed note is tried again; doubled each time."""

OWED_PAUSE_S_MAX = 2.0

TENANTS_KEPT_MAX = 10_000
"""Tenants whose names of keys are remembered: to write an id as text costs more than to look it up."""

EVERYTHING = frozenset({"*"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Depends:
    """What an answer depends on: inclusive UTC day spans, and tags (entities named, rates, settings).

    A span's None end reaches for ever (open ranges).
    """

    days: tuple[tuple[date, date | None], ...]
    tags: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> tuple[str | int, ...]:
        """The same as answer_get.lua is told it."""
        bounds = (bound.isoformat() if bound else "" for span in self.days for bound in span)
        return (len(self.days), *bounds, *self.tags)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found. body: the cached answer, if there is a valid one. token: hand it to `put`; None: do not put."""

    body: bytes | None
    token: str | None


class Answers(Protocol):
    """A store of answers, separated by tenant."""

    async def get(self, tenant_id: UUID, key: str, depends: Depends, *, max_age: timedelta | None = None) -> Lookup:
        """The answer under the key if nothing it depends on was touched since it was computed. Never raises.

        max_age: one that is no older will do although something was touched.
        """
        ...

    async def put(self, tenant_id: UUID, key: str, token: str, body: bytes, tags: Collection[str] = ()) -> None:
        """Keep an answer that was computed after the token was handed out. Never raises.

        tags: what it turned out to depend on beside what `get` was told, as the entities whose names it shows.
        """
        ...

    async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
        """Make every answer that depends on one of these stale, for all processes. Never raises.

        A tag that names an entity (`campaign:<id>`) begins a new epoch of the tenant's rows, too.
        """
        ...

    def rows_epoch(self, tenant_id: UUID) -> Awaitable[str | None]:
        """The epoch of the tenant's rows (rows.py), asked for at once; None where nothing that was remembered holds."""
        ...


class NullAnswers:
    """Remembers nothing: every question is computed."""

    async def get(self, tenant_id: UUID, key: str, depends: Depends, *, max_age: timedelta | None = None) -> Lookup:
        """Nothing found, nothing to put."""
        return Lookup(body=None, token=None)

    async def put(self, tenant_id: UUID, key: str, token: str, body: bytes, tags: Collection[str] = ()) -> None:
        """Forget it."""

    async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
        """Nothing depends on anything."""

    def rows_epoch(self, tenant_id: UUID) -> Awaitable[str | None]:
        """None: nobody tells of changes."""
        return NO_EPOCH


class RedisAnswers:
    """Answers shared by all processes of one Redis."""

    _GET, _PUT, _NOTE = Script.load("answer_get"), Script.load("answer_put"), Script.load("answer_note")

    def __init__(self, client: RedisClient, settings: Settings) -> None:
        self._client = client
        self._answer_life_ms = settings.answer_ttl_s * 1000
        self._answer_bytes_max = settings.answer_bytes_max
        # Notes that could not be written. While a tenant owes one, this process serves none of its answers; other
        # processes serve stale ones for at most the answers' life.
        self._owed: dict[UUID, _Debt] = {}
        self._settling: asyncio.Task[None] | None = None
        self._refusal = ""
        # Words that no other process and no other look-up has: a name of its own, and a number.
        self._name, self._words = f"{secrets.token_hex(16)}-", count()

    async def get(self, tenant_id: UUID, key: str, depends: Depends, *, max_age: timedelta | None = None) -> Lookup:
        """The valid answer under the key, and a token for a new one; neither when Redis is away."""
        lookup = await self._look_up(tenant_id, key, depends, max_age)
        found = "hit" if lookup.body is not None else "off" if lookup.token is None else "miss"
        metrics.labelled(metrics.answer_lookups, found).inc()
        return lookup

    async def _look_up(self, tenant_id: UUID, key: str, depends: Depends, max_age: timedelta | None) -> Lookup:
        if tenant_id in self._owed:
            return Lookup(body=None, token=None)
        answer = _answer_key(tenant_id, key)
        age_ms = -1 if max_age is None else int(max_age / timedelta(milliseconds=1))
        reply = await self._ask(
            self._GET,
            [notes_key(tenant_id), answer],
            [f"{self._name}{next(self._words)}", NOTES_LIFE_S * 1000, age_ms, self._answer_life_ms, *depends.words],
            question=(answer, age_ms, depends.words),
        )
        # A note of this process may have failed while Redis was asked.
        if reply is None or tenant_id in self._owed:
            return Lookup(body=None, token=None)
        if len(reply) == 2:
            return Lookup(body=None, token=str(reply[1], "ascii"))
        if reply[2] != answer.encode():
            # The value names its key: bytes that belong to another question, or another tenant, are never served.
            log.error("answer_of_another_question", tenant_id=str(tenant_id))
            return Lookup(body=None, token=None)
        return Lookup(body=reply[3], token=None)

    async def put(self, tenant_id: UUID, key: str, token: str, body: bytes, tags: Collection[str] = ()) -> None:
        """Keep the answer for the rest of its life, which began with the token."""
        if len(body) > self._answer_bytes_max or tenant_id in self._owed:
            return
        origin, sequence, at_ms = token.split(":")
        await self._ask(
            self._PUT,
            [notes_key(tenant_id), _answer_key(tenant_id, key)],
            [origin, sequence, at_ms, self._answer_life_ms, NOTES_LIFE_S * 1000, "\n".join(tags), body],
        )

    async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
        """Write the note; when that fails, owe it and return."""
        names = frozenset({*(f"d{day.isoformat()}" for day in days), *(f"t{tag}" for tag in tags)})
        if not names:
            return
        is_written = False
        try:
            for attempt in range(NOTE_ATTEMPTS):
                is_written = await self._write_note(tenant_id, names)
                if is_written or self._client.is_away:
                    break
                if attempt + 1 < NOTE_ATTEMPTS:
                    await asyncio.sleep(NOTE_PAUSE_S)
        finally:
            # Also after a cancellation, when nobody knows whether the note was written.
            metrics.answer_notes.labels(outcome="written" if is_written else "owed").inc()
            if not is_written:
                self._owe(tenant_id, names)

    def rows_epoch(self, tenant_id: UUID) -> Awaitable[str | None]:
        """The epoch of the tenant's rows; None while a note of theirs is owed, and when Redis is away."""
        if tenant_id in self._owed:
            return NO_EPOCH
        return EpochOfConnection(self._client, rows_key(tenant_id))

    async def close(self) -> None:
        """Stop trying to write what is owed: other processes' answers are then stale for at most their life."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)

    async def _write_note(self, tenant_id: UUID, names: frozenset[str]) -> bool:
        if len(names) > NOTE_NAMES_MAX:
            names = EVERYTHING
        # Named rows changed, or perhaps did: those that processes remember are of an epoch that is over.
        word = new_word() if any(map(_names_row, names)) else ""
        args = [NOTES_MAX, NOTES_LIFE_S * 1000, word, EPOCH_LIFE_S * 1000, *names]
        return await self._ask(self._NOTE, [rows_key(tenant_id), notes_key(tenant_id)], args) is not None

    def _owe(self, tenant_id: UUID, names: frozenset[str]) -> None:
        debt = self._owed.get(tenant_id)
        owed = names if debt is None else debt.names | names
        self._owed[tenant_id] = _Debt(EVERYTHING if len(owed) > NOTE_NAMES_MAX else owed)
        if self._settling is None:
            log.warning("answer_note_owed", tenant_id=str(tenant_id))
            self._settling = asyncio.create_task(self._settle(), name="answer-notes-owed")

    async def _settle(self) -> None:
        pause_s = OWED_PAUSE_S
        while self._owed:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, OWED_PAUSE_S_MAX)
            for tenant_id, debt in list(self._owed.items()):
                # Another debt means that more came to be owed while this was written.
                if await self._write_note(tenant_id, debt.names) and self._owed[tenant_id] is debt:
                    del self._owed[tenant_id]
        self._settling = None
        log.info("answer_notes_settled")

    async def _ask(self, script: Script, keys: list[str], args: list[Any], *, question: Hashable = None) -> Any:
        """The script's reply; None when Redis is away, refuses, or answers something else."""
        try:
            reply = await self._client.run(script, keys, args, question=question)
        except RedisAway:
            return None
        except RedisRefused as error:
            if str(error) != self._refusal:
                self._refusal = str(error)
                log.warning("redis_refused", reason=self._refusal[:80])
            return None
        if reply[0] != keys[-1].encode():
            log.error("redis_reply_of_another_command")
            return None
        return reply


@dataclass(frozen=True, slots=True, eq=False)
class _Debt:
    """What a tenant owes in notes. Never changed: a tenant that comes to owe more gets a new one."""

    names: frozenset[str]


@lru_cache(maxsize=TENANTS_KEPT_MAX)
def notes_key(tenant_id: UUID) -> str:
    """Where a tenant's notes are, and the channel on which each is told."""
    # The braces put all keys of a tenant on one node of a cluster, where one script may use them.
    return f"{_tenant_prefix(tenant_id)}:notes"


@lru_cache(maxsize=TENANTS_KEPT_MAX)
def rows_key(tenant_id: UUID) -> str:
    """Where the epoch of a tenant's rows is."""
    return f"{_tenant_prefix(tenant_id)}:rows"


def _names_row(name: str) -> bool:
    # As `tcampaign:<id>` does, and perhaps everything.
    return name == "*" or (name[0] == "t" and ":" in name)


@lru_cache(maxsize=TENANTS_KEPT_MAX)
def _tenant_prefix(tenant_id: UUID) -> str:
    return f"scoville:{{{tenant_id}}}"


def _answer_key(tenant_id: UUID, key: str) -> str:
    return f"{_tenant_prefix(tenant_id)}:answer:{key}"
