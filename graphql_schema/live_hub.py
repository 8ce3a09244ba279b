"""Who gets which answer when: one computation for all who ask the same, however many they are.

Everybody with the same rights who sends the same operation with the same variables follows one `Shared`: a task that
executes the operation when a change touches its answer, at most once per `every`, and keeps the answer as the text that
goes out. Followers read the latest: one that is slow skips what was overtaken meanwhile, and no queue grows.

An answer is compared with the last: one that differs only in when it was computed is not sent. Where no changes can be
told (no Redis), everything is looked at once per `every` instead.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from contextvars import Context as Variables
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import structlog
from graphql import OperationType

from app.cache.pubsub import touches
from app.core import timegrain
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.timegrain import Granularity
from app.db.session import statement_observers
from app.errors import DomainError
from app.limits.values import READ_VALUES_MAX, check_values
from app.observability import metrics
from app.observability.logs import describe
from app.runtime import Runtime
from graphql_schema.documents import Refused
from graphql_schema.errors import render_domain
from graphql_schema.execute import Ending, Executor, Reply
from graphql_schema.live import EVERY_DEFAULT, Flights, Watch, visibility, watching

HURRY_PACE_S = 0.1
"""Seconds between computations for those who just came, and must not get what was overtaken."""

RETRY_S_MAX = 30.0
"""Longest pause after failures in a row; the first is `every`, each next twice as long."""

DOUBLINGS_MAX = 8

EDGE_MARGIN_S = 0.05
"""Seconds after the edge of an hour at which answers that move with time are looked at."""

_PASSING = frozenset({"SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"})
"""Codes of errors that may be gone the next time."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Update:
    """One answer as it goes out. body: GraphQL's response as JSON. errors: of the answer that ends it all, as JSON."""

    body: str
    errors: str | None = None

    @classmethod
    def of(cls, payload: Mapping[str, Any], *, ends: bool) -> "Update":
        """GraphQL's response. ends: whether its errors end it all."""
        errors = orjson.dumps(payload["errors"]).decode() if ends else None
        return cls(orjson.dumps(payload).decode(), errors)


class Live:
    """The subscriptions of one process."""

    def __init__(self, runtime: Runtime, executor: Executor) -> None:
        self.runtime = runtime
        self.executor = executor
        self.flights = Flights()
        self.slots = asyncio.Semaphore(runtime.settings.live_concurrency_max)
        self.shared: dict[Any, Shared] = {}
        self._followed = 0

    def is_subscription(self, document: str, operation_name: str | None) -> bool:
        """Whether this is the subscription of a document that can be read."""
        if "subscription" not in document:
            return False
        try:
            operation = self.executor.documents.read(document).operation(operation_name)
        except (Refused, DomainError):
            return False
        return operation.operation is OperationType.SUBSCRIPTION

    async def follow(
        self, ctx: Ctx, *, document: str, operation_name: str | None, variables: Mapping[str, Any] | None
    ) -> AsyncIterator[Update]:
        """The answers, until its reader closes it or one ends it all. Raises TOO_MANY_SUBSCRIPTIONS."""
        settings = self.runtime.settings
        values = dict(variables or {})
        try:
            # Before they are written: what is nested deep can be read and not written.
            check_values(values, most=READ_VALUES_MAX)
        except DomainError as error:
            yield Update.of({"errors": render_domain(error).errors}, ends=True)
            return
        if self._followed >= settings.live_subscriptions_max:
            raise _full(f"{settings.live_subscriptions_max} subscriptions")
        given = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
        key = (visibility(ctx), document, operation_name, given)
        shared = self.shared.get(key)
        if shared is None:
            if len(self.shared) >= settings.live_questions_max:
                raise _full(f"{settings.live_questions_max} different questions")
            shared = self.shared[key] = Shared(self, key, ctx, document, operation_name, values)
            metrics.live_questions.inc()
        self._followed += 1
        shared.followers += 1
        metrics.live_subscriptions.inc()
        try:
            async with aclosing(shared.updates()) as updates:
                async for update in updates:
                    metrics.live_answers.inc()
                    yield update
        finally:
            metrics.live_subscriptions.dec()
            self._followed -= 1
            shared.followers -= 1
            if not shared.followers:
                self.forget(shared)

    def forget(self, shared: "Shared") -> None:
        """End what nobody follows any more, or what ended by itself."""
        if self.shared.get(shared.key) is shared:
            del self.shared[shared.key]
            metrics.live_questions.dec()
        shared.task.cancel()

    async def close(self) -> None:
        """End all: called once, when the process stops."""
        tasks = [shared.task for shared in self.shared.values()]
        for shared in list(self.shared.values()):
            self.forget(shared)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.flights.close()


class Shared:
    """One operation's answers for all who may see the same."""

    def __init__(
        self,
        live: Live,
        key: Any,
        ctx: Ctx,
        document: str,
        operation_name: str | None,
        variables: dict[str, Any],
    ) -> None:
        self.key = key
        self.followers = 0
        self._live = live
        self._ctx = ctx
        self._asked: dict[str, Any] = {
            "document": document,
            "operation_name": operation_name,
            "variables": variables,
        }
        self._watch = Watch(live.flights, touched_at_s=asyncio.get_running_loop().time())
        # Runs are counted when they start and when they end: who came while one was under way knows which to wait for.
        self._started = self._ended = 0
        self._started_s = 0.0
        self._version = 0
        self._update: Update | None = None
        self._compared: Any = None
        self._failures = 0
        self._is_touched = self._is_hurried = False
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        # In a context of its own: it outlives the request that came first.
        self.task = asyncio.create_task(self._keep(), name="live-question", context=Variables())

    async def updates(self) -> AsyncGenerator[Update, None]:
        """What one follower gets: the answer as it is now, then each later one, with `every` between them."""
        loop = asyncio.get_running_loop()
        wanted = await self._due()
        seen = -1
        while True:
            while self._ended < wanted or self._version == seen or self._update is None:
                await self._moved.wait()
            update, seen = self._update, self._version
            sent_at_s = loop.time()
            yield update
            if update.errors is not None:
                return
            await asyncio.sleep(sent_at_s + self._every_s - loop.time())

    async def _due(self) -> int:
        """The number of the run whose answer shows everything that was acknowledged before this call."""
        if not self._started:
            return 1
        changes = self._live.runtime.changes
        is_told = await changes.settled(self._ctx.tenant_id) or not changes.is_up
        if is_told and not self._is_touched and not self._failures:
            # That under way, if any, began after the last change. Where nothing can be told, it is as new as may be.
            return self._started
        self._touch()
        self._is_hurried = True
        return self._started + 1

    @property
    def _every_s(self) -> float:
        return (self._watch.every or EVERY_DEFAULT).total_seconds()

    async def _keep(self) -> None:
        changes = self._live.runtime.changes
        try:
            with changes.listen(self._ctx.tenant_id, self._hear):
                # From here on nothing is missed, if anything can be told at all.
                await changes.settled(self._ctx.tenant_id)
                while not await self._look():
                    await self._pause()
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it is logged, and masked
            error_id = str(new_id())
            log.error("internal_error", error_id=error_id, **describe(error))
            message = f"Internal error, logged under the id {error_id}."
            extensions = {"code": "INTERNAL_SERVER_ERROR", "id": error_id}
            self._set({"errors": [{"message": message, "extensions": extensions}]}, ends=True)
            self._step()
        finally:
            self._live.forget(self)

    def _hear(self, names: frozenset[str]) -> None:
        depends = self._watch.depends
        if depends is None or any(touches(names, each) for each in depends):
            self._touch()

    def _touch(self) -> None:
        self._is_touched = True
        self._watch.touched_at_s = asyncio.get_running_loop().time()
        self._wake.set()

    async def _look(self) -> bool:
        """Compute the answer once; whether it ended the subscription."""
        async with self._live.slots:
            self._started_s = asyncio.get_running_loop().time()
            if self._started and not (self._is_touched and self._live.runtime.changes.is_up):
                # Nothing was told, and yet there may be something to see.
                self._watch.touched_at_s = self._started_s
            self._is_touched = self._is_hurried = False
            self._started += 1
            is_over = self._take(await self._execute())
        self._step()
        return is_over

    async def _execute(self) -> Reply:
        now = Ctx(principal=self._ctx.principal, request_id=str(new_id()), now=self._live.runtime.clock.now())
        watching.set(self._watch)
        token = statement_observers.set((*statement_observers.get(), _count_statement))
        try:
            with structlog.contextvars.bound_contextvars(request_id=now.request_id):
                return await self._live.executor.execute(now, **self._asked)
        finally:
            statement_observers.reset(token)

    def _take(self, reply: Reply) -> bool:
        """Keep the answer if it is another than the last; whether it ends the subscription."""
        payload = reply.payload
        codes = set(reply.codes)
        if reply.ending == Ending.REFUSED or (codes - _PASSING and not any(payload["data"].values())):
            # The caller's mistake: it would be the same the next time.
            self._count("failed")
            self._set(payload, ends=True)
            return True
        is_failed = bool(codes & _PASSING)
        self._failures = self._failures + 1 if is_failed else 0
        compared = sorted(codes) if is_failed else _steady(payload, self._watch.unsteady)
        is_changed = compared != self._compared
        self._count("failed" if is_failed else "changed" if is_changed else "unchanged")
        if is_changed:
            self._compared = compared
            self._set(payload, ends=False)
        return False

    @staticmethod
    def _count(outcome: str) -> None:
        metrics.live_computations.labels(outcome=outcome).inc()

    def _set(self, payload: dict[str, Any], *, ends: bool) -> None:
        self._update = Update.of(payload, ends=ends)
        self._version += 1

    def _step(self) -> None:
        self._ended = self._started
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _pause(self) -> None:
        """Wait until there is a reason to compute again, and no reason not to."""
        loop = asyncio.get_running_loop()
        due_s = self._started_s + self._every_s
        quiet_until_s = max(due_s, loop.time() + self._quiet_s())
        retry_s = self._started_s + min(
            self._every_s * 2 ** min(max(self._failures - 1, 0), DOUBLINGS_MAX), max(self._every_s, RETRY_S_MAX)
        )
        while True:
            if self._is_hurried:
                until_s = self._started_s + HURRY_PACE_S
            elif self._failures:
                until_s = retry_s
            elif self._is_touched:
                until_s = due_s
            else:
                until_s = quiet_until_s if self._live.runtime.changes.is_up else due_s
            left_s = until_s - loop.time()
            if left_s <= 0:
                return
            self._wake.clear()
            # Woken or not, there may be another time to wait until.
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wake.wait()

    def _quiet_s(self) -> float:
        """Seconds after which an answer is looked at though nothing was told.

        At the edge of an hour, when ranges and buckets move; and when no answer is kept any more, for a note that could
        not be written was not told either.
        """
        settings, clock = self._live.runtime.settings, self._live.runtime.clock
        if self._watch.zone is None:
            return float(settings.answer_ttl_s)
        now = clock.now()
        running = timegrain.floor(now, Granularity.HOUR, self._watch.zone)
        edge = timegrain.shift(running, Granularity.HOUR, self._watch.zone, 1)
        return min((edge - now) / timedelta(seconds=1) + EDGE_MARGIN_S, float(settings.answer_ttl_s))


def _full(held: str) -> DomainError:
    metrics.live_refusals.labels(limit="process").inc()
    return DomainError("TOO_MANY_SUBSCRIPTIONS", f"This process answers {held} already, and no more. Try again later.")


def _count_statement(_: str) -> None:
    metrics.statements.inc()


def _steady(payload: dict[str, Any], unsteady: tuple[tuple[str, ...], ...]) -> Any:
    """The payload's data and errors without what tells of the computation alone."""
    (root,) = payload["data"].values()
    kept = root
    if root is not None and unsteady:
        kept = dict(root)
        for key, *below in unsteady:
            if below:
                kept[key] = {name: value for name, value in kept[key].items() if name not in below}
            else:
                del kept[key]
    return kept, payload.get("errors")
