"""`subscription analytics`: the answer of `Query.analytics`, again and again as the facts change.

Each answer is the operation executed once, as a query is: the same scopes, limits, errors and completion. When that
happens, and for whom, is decided in live_hub.py, which hands the resolver a `Watch` and learns from it what the answer
depends on. Without one, as in a plain request, there is nothing to send a second answer over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types.base import get_object_definition

from app.analytics.answer import Answer
from app.cache.answers import Depends
from app.cache.recording import Recorded, recording
from app.core.context import Ctx, Scope
from app.core.durations import format_duration
from app.errors import DomainError
from app.runtime import Runtime
from graphql_schema import analytics as once
from graphql_schema.analytics import asked_here, check_size, runner_of, shown
from graphql_schema.analytics_selection import Asked, Document
from graphql_schema.analytics_types import Analytics
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import Duration

EVERY_DEFAULT = timedelta(seconds=2)

EVERY_MAX = timedelta(days=1)

UNSTEADY = frozenset({"asOf", "servedFrom", "cost"})
"""Fields of `meta` that tell of the computation: a difference in them, or in `plan`, is no change of the answer."""

T = TypeVar("T")


class Flights:
    """Work under way, shared by all who ask for the same meanwhile."""

    def __init__(self) -> None:
        self._latest: dict[Any, tuple[float, asyncio.Task[Any]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    async def join(self, key: Any, not_before_s: float, work: Callable[[], Awaitable[T]]) -> T:
        """What the work gives: one's own, or that of somebody who began it at that time of the loop's or later."""
        began_s, task = self._latest.get(key, (0.0, None))
        if task is None or task.done() or began_s < not_before_s:
            task = asyncio.ensure_future(work())
            self._latest[key] = asyncio.get_running_loop().time(), task
            self._under_way.add(task)
            task.add_done_callback(lambda done: self._land(key, done))
        found: T = await asyncio.shield(task)
        return found

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: Any, done: "asyncio.Task[Any]") -> None:
        if not done.cancelled():
            # Looked at, so that a failure which nobody waits for any more is no unseen one.
            done.exception()
        self._under_way.discard(done)
        if key in self._latest and self._latest[key][1] is done:
            del self._latest[key]


@dataclass(slots=True)
class Watch:
    """What is known of one subscription's answer: told by the resolver, used by whoever decides when to compute again.

    touched_at_s: time of the loop's of the last change that the next answer must show. unsteady: response keys below
    the root field that tell of the computation. depends: what the last answer depends on, None before the first.
    """

    flights: Flights
    touched_at_s: float
    every: timedelta | None = None
    zone: str | None = None
    unsteady: tuple[tuple[str, ...], ...] = ()
    depends: tuple[Depends, ...] | None = None

    async def answer(self, info: Info, asked: Asked) -> Answer:
        """The answer, computed together with everybody who may see the same and asks the same now."""
        ctx = info.context.ctx

        async def compute() -> tuple[Answer, tuple[Depends, ...]]:
            # Recorded whether or not the store of answers is asked: of a cheap question it is not.
            recorded = Recorded()
            token = recording.set(recorded)
            try:
                answer = await runner_of(info.context.runtime).run(ctx, asked.question)
            finally:
                recording.reset(token)
            return answer, (recorded.depends,)

        answer, self.depends = await self.flights.join(
            (visibility(ctx), repr(asked.question)), self.touched_at_s, compute
        )
        return answer


watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""The watch of the answer that is computed now."""


def visibility(ctx: Ctx) -> tuple[Any, ...]:
    """Principals with the same see the same."""
    principal = ctx.principal
    return principal.tenant, principal.role, principal.influencer_id


def _unsteady(info: Info) -> tuple[tuple[str, ...], ...]:
    document = Document.of(info)
    found: list[tuple[str, ...]] = []
    for key, nodes in document.below("Analytics", info._raw_info.field_nodes).items():
        match nodes[0].name.value:
            case "plan":
                found.append((key,))
            case "meta":
                below = document.below("Meta", nodes).items()
                found += [(key, name) for name, (node, *_) in below if node.name.value in UNSTEADY]
    return tuple(found)


def _checked_every(runtime: Runtime, every: timedelta) -> timedelta:
    least = timedelta(seconds=runtime.settings.live_every_min_s)
    if not least <= every <= EVERY_MAX:
        allowed = f"{format_duration(least)} to {format_duration(EVERY_MAX)}"
        raise DomainError(
            "BAD_USER_INPUT", f"`every` is {format_duration(every)}; it must be {allowed}.", path=("every",)
        )
    return every


LIVE_VALUES_MAX = 100_000
"""Values that an answer of a subscription shows: it is written, compared and kept again and again."""

ARGUMENTS = ("range", "where", "time_zone", "attribution", "currency")
"""Arguments that a subscription takes of those of `Query.analytics`: all that say which facts count, and how."""


async def _analytics(
    info: Info,
    every: Annotated[
        Duration | None, strawberry.argument(description="Least time between two answers; PT2S when null.")
    ] = Duration(EVERY_DEFAULT),  # noqa: B008 - a value
    **arguments: Any,
) -> Analytics | None:
    """One answer of the subscription. arguments: as `Query.analytics` takes them."""
    watch = watching.get()
    if watch is None:
        raise DomainError(
            "NOT_SUPPORTED",
            "A subscription is answered over WebSockets (graphql-transport-ws), or as a stream of events: send "
            "`Accept: text/event-stream`.",
        )
    asked = asked_here(info, **arguments)
    watch.every = _checked_every(info.context.runtime, EVERY_DEFAULT if every is None else every)
    watch.unsteady = _unsteady(info)
    answer = None
    if asked.runs:
        answer = await watch.answer(info, asked)
        check_size(info, asked, (answer,), most=LIVE_VALUES_MAX)
        watch.zone = answer.resolved.zone
    else:
        watch.depends = ()
    return shown(info.context.ctx, runner_of(info.context.runtime), asked, answer)


def _followed() -> Any:
    """The field, with the arguments of the query's beside its own."""
    field: Any = strawberry.field(
        resolver=_analytics,
        description="The answer of `Query.analytics`, at once and after every change that touches it, at most one per "
        "`every`. Over WebSockets by the protocol graphql-transport-ws, or as Server-Sent Events.",
        extensions=[requires(Scope.ANALYTICS_READ)],
    )
    fields = {each.python_name: each for each in get_object_definition(once.Query, strict=True).fields}
    taken = {each.python_name: each for each in fields["analytics"].arguments}
    own = [each for each in field.arguments if each.python_name == "every"]
    field.arguments = [taken[name] for name in ARGUMENTS if name in taken] + own
    return field


@strawberry.type
class Subscription:
    """Fields of this file."""

    analytics: Analytics | None = _followed()
