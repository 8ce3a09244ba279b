"""What WebSockets and event streams share: who answers subscriptions, how many may be open, and until when.

A connection lasts as long as its key: `KeyWatch` looks at the epoch of keys once a second, and at the keys themselves
only when it changed. Where no epoch is known (no Redis) it looks at them every few seconds.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from typing import Any, Protocol
from uuid import UUID

from app.core.context import Ctx, Principal
from app.errors import OutsideError
from app.observability import metrics
from app.runtime import Runtime
from app.web.auth import Authenticator
from app.web.errors import EdgeError, unauthenticated

EPOCH_INTERVAL_S = 1.0
"""Seconds between looks at the epoch of keys: how long a subscription may outlive its key."""

KEYS_INTERVAL_S = 5.0
"""The same where the epoch cannot be known, and each key is looked up."""


class LiveUpdate(Protocol):
    """One answer: see graphql_schema/live_hub.py."""

    @property
    def body(self) -> str: ...
    @property
    def errors(self) -> str | None: ...


class Follows(Protocol):
    """Answers subscriptions."""

    def is_subscription(self, document: str, operation_name: str | None) -> bool:
        """Whether this is the subscription of a document that can be read."""
        ...

    def follow(
        self, ctx: Ctx, *, document: str, operation_name: str | None, variables: Mapping[str, Any] | None
    ) -> AsyncIterator[LiveUpdate]:
        """The answers, until its reader closes it or one ends it all. Raises DomainError beyond a limit."""
        ...


class Places:
    """The connections that may carry subscriptions: so many of a process, and of a key."""

    def __init__(self, runtime: Runtime) -> None:
        self._settings = runtime.settings
        self._taken = 0
        self._by_key: Counter[UUID] = Counter()

    @contextmanager
    def one(self, protocol: str) -> Iterator[None]:
        """A place for one connection. Raises EdgeError 429 when there is none left."""
        if self._taken >= self._settings.live_connections_max:
            raise _full("process", self._settings.live_connections_max)
        self._taken += 1
        metrics.live_connections.labels(protocol=protocol).inc()
        try:
            yield
        finally:
            self._taken -= 1
            metrics.live_connections.labels(protocol=protocol).dec()

    @contextmanager
    def of_key(self, key_id: UUID) -> Iterator[None]:
        """A place among those of the key. Raises EdgeError 429 when there is none left."""
        if self._by_key[key_id] >= self._settings.live_connections_per_key_max:
            raise _full("key", self._settings.live_connections_per_key_max)
        self._by_key[key_id] += 1
        try:
            yield
        finally:
            self._by_key[key_id] -= 1
            if not self._by_key[key_id]:
                del self._by_key[key_id]


class KeyWatch:
    """Tells connections that their key opens nothing any more, or something else than before."""

    def __init__(self, runtime: Runtime, authenticator: Authenticator) -> None:
        self._runtime = runtime
        self._authenticator = authenticator
        self._numbers = itertools.count()
        self._watched: dict[str, tuple[Principal, dict[int, Callable[[], None]]]] = {}
        self._unseen: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, header: str, principal: Principal, end: Callable[[], None]) -> Iterator[None]:
        """A context in which `end` is called once the Authorization header no longer means this principal."""
        known, ends = self._watched.setdefault(header, (principal, {}))
        if known != principal:
            # Something of the key, or its tenant, changed between two connections: the older ones come again.
            self._end(header)
            known, ends = self._watched[header] = (principal, {})
        number = next(self._numbers)
        ends[number] = end
        # It may have been revoked while it was looked up.
        self._unseen.add(header)
        if self._task is None:
            # In a context of its own: it outlives the request that came first.
            self._task = asyncio.create_task(self._look_on(), name="key-watch", context=Context())
        try:
            yield
        finally:
            ends.pop(number, None)
            if not ends and self._watched.get(header, (None, None))[1] is ends:
                del self._watched[header]

    async def _look_on(self) -> None:
        seen: str | None = None
        while self._watched:
            await asyncio.sleep(EPOCH_INTERVAL_S)
            epoch = await self._runtime.key_epochs.current()
            is_same = epoch is not None and epoch == seen
            if await self._look(self._unseen if is_same else list(self._watched)):
                seen = epoch
            if epoch is None:
                await asyncio.sleep(KEYS_INTERVAL_S - EPOCH_INTERVAL_S)
        self._task = None

    async def _look(self, headers: Collection[str]) -> bool:
        """Look keys up; False when nobody could tell of some."""
        could_tell = True
        for header in list(headers):
            self._unseen.discard(header)
            principal, _ = self._watched.get(header, (None, {}))
            if principal is None:
                continue
            try:
                found: Principal | None = await self._authenticator.authenticate(header)
            except EdgeError:
                found = None
            except OutsideError:
                could_tell = False
                continue
            if found != principal:
                self._end(header)
        return could_tell

    def _end(self, header: str) -> None:
        _, ends = self._watched.pop(header, (None, {}))
        for end in list(ends.values()):
            end()


def revoked() -> EdgeError:
    """Why connections are ended before their time."""
    return unauthenticated("The key was revoked, or its tenant changed. Connect again.", known_scheme=True)


def _full(limit: str, most: int) -> EdgeError:
    metrics.live_refusals.labels(limit=limit).inc()
    return EdgeError(
        429,
        "TOO_MANY_SUBSCRIPTIONS",
        f"This {limit} holds {most} connections with subscriptions already, and no more.",
        headers={"Retry-After": "5"},
    )
