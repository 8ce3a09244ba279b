"""Small calls of one tenant that come at once share a transaction, and so its commit and the round trips before it.

A call that comes while none of its tenant's is under way runs at once, alone. Those that come meanwhile wait and make
up the next group: nobody waits for company, and groups are as large as traffic is dense. Of a group all is committed
or nothing, so each of its calls is. What is a call's own stays its own: outcomes, audit row, idempotency key.

A group that fails for whatever reason is given up, and each of its calls runs alone: a mistake, a lock held elsewhere
or a deadlock costs its neighbours a moment and nothing else. Calls never share a group when they name the same thing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import structlog

from app import audit, idempotency
from app.core.context import Ctx, TenantInfo
from app.core.hashing import content_hash
from app.core.outcomes import ItemOutcome
from app.db.session import TransactionConflict, WriteSession
from app.errors import OutsideError
from app.observability.logs import describe
from app.runtime import Runtime
from app.usecases import door

SIZE_MAX = 1_000
"""Of a group, in the unit that callers count in; a call larger than a tenth of it goes alone."""

APART_MAX = timedelta(seconds=1)
"""Between the times of the calls of one group: what they record is recorded at the latest of them."""

LOCK_TIMEOUT_S = 0.1
"""Seconds that a group waits for a lock before its calls go alone: only one of them may need it."""

PATIENCE_S = 0.1
"""Seconds after which whoever waits behind a slow call or group is not kept waiting for it any longer."""

log = structlog.get_logger(__name__)

Outcomes: TypeAlias = tuple[ItemOutcome, ...]


@dataclass(eq=False, slots=True)
class Call:
    """A call that may share its transaction.

    body: hashed with the operation when there is a key. names: the external ids it writes. size: of its work. given:
    what the group's work takes of it. alone: does it through the door, in a transaction of its own.
    """

    runtime: Runtime
    ctx: Ctx
    operation: str
    body: Any
    idempotency_key: str | None
    names: frozenset[str]
    size: int
    given: Any
    alone: Callable[[], Awaitable[Outcomes]]
    answer: "asyncio.Future[Outcomes]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    context: Context = field(default_factory=copy_context)

    def succeed(self, outcomes: Outcomes) -> None:
        """Answer the caller, if it is still there to be answered."""
        if not self.answer.done():
            self.answer.set_result(outcomes)

    def fail(self, error: Exception) -> None:
        """Tell the caller the error, if it is still there to be told."""
        if not self.answer.done():
            self.answer.set_exception(error)


GroupWork: TypeAlias = Callable[[Ctx, Sequence[Call], WriteSession], Awaitable[Sequence[Outcomes]]]
"""Inside the transaction: the outcomes of each call, in the order given. The Ctx is of the group: tenant and time."""


@dataclass(slots=True)
class _Queue:
    # Calls of one tenant and kind that wait for the one that is under way.
    work: GroupWork
    waiting: list[Call] = field(default_factory=list)


_queues: dict[tuple[int, TenantInfo, str], _Queue] = {}
# A runtime has one event loop, and lives while a call of it is under way: then its id is nobody else's.


async def perform_together(call: Call, work: GroupWork) -> Outcomes:
    """The call's outcomes, after the commit that it shares with others, or has alone.

    work: the same for all calls of the operation. A call that was taken runs to its commit even when its client leaves.
    """
    key = call.idempotency_key
    if call.size * 10 > SIZE_MAX or (key is not None and not 0 < len(key) <= idempotency.KEY_LENGTH_MAX):
        return await call.alone()
    place = (id(call.runtime), call.ctx.tenant, call.operation)
    queue = _queues.get(place)
    if queue is None:
        queue = _queues[place] = _Queue(work)
        queue.waiting.append(call)
        door.keep(asyncio.ensure_future(_serve(place, queue)))
    else:
        queue.waiting.append(call)
    return await call.answer


async def _serve(place: tuple[int, TenantInfo, str], queue: _Queue) -> None:
    try:
        while queue.waiting:
            group = _next_group(queue)
            # In the context of the caller, or of the first: its logs and counts are told there.
            task = asyncio.get_running_loop().create_task(_run(queue.work, group), context=group[0].context)
            door.keep(task)
            await asyncio.wait({task}, timeout=PATIENCE_S)
    finally:
        del _queues[place]
        # None is left, unless the process is ending.
        for call in queue.waiting:
            call.answer.cancel()


def _next_group(queue: _Queue) -> list[Call]:
    """Calls that may share a transaction, in the order they came; none overtakes an earlier one of the same names."""
    group: list[Call] = []
    later: list[Call] = []
    names: set[str] = set()
    keys: set[str | None] = set()
    room = SIZE_MAX
    for call in queue.waiting:
        fits = (
            call.size <= room
            and names.isdisjoint(call.names)
            and (call.idempotency_key is None or call.idempotency_key not in keys)
            and (not group or abs(call.ctx.now - group[0].ctx.now) <= APART_MAX)
        )
        (group if fits else later).append(call)
        names |= call.names
        keys.add(call.idempotency_key)
        room -= call.size if fits else 0
    queue.waiting[:] = later
    return group


async def _run(work: GroupWork, group: Sequence[Call]) -> None:
    """Answer each call of the group: from one transaction, or from one each."""
    try:
        if len(group) == 1:
            await _alone(group[0])
            return
        try:
            left = await _commit(work, group)
        except Exception as error:  # noqa: BLE001 - told to whom it belongs below
            if isinstance(error, OutsideError) and not isinstance(error, TransactionConflict):
                # The database is away: for everybody.
                for call in group:
                    call.fail(OutsideError(error.message, retryable=error.retryable))
                return
            # Whosever fault it is: alone it is told to whom it belongs, and the others are answered.
            log.info("group_given_up", calls=len(group), **describe(error))
            left = list(group)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.create_task(_alone(call), context=call.context) for call in left))
    finally:
        # All are answered, unless the process is ending.
        for call in group:
            call.answer.cancel()


async def _alone(call: Call) -> None:
    try:
        outcomes = await call.alone()
    except Exception as error:  # noqa: BLE001 - the caller's
        call.fail(error)
    else:
        call.succeed(outcomes)


async def _commit(work: GroupWork, group: Sequence[Call]) -> list[Call]:
    """Do the calls in one transaction and answer them. Those whose key is taken are left out, and come back."""
    runtime = group[0].runtime
    last = max(group, key=lambda call: call.ctx.now)
    ctx = last.ctx
    async with runtime.db.write(ctx.tenant_id, lock_timeout_s=LOCK_TIMEOUT_S) as session:
        keyed = {call.idempotency_key: call for call in group if call.idempotency_key is not None}
        taken = await idempotency.claim_new(
            session,
            [
                idempotency.Claim(key, call.operation, content_hash([call.operation, call.body]), call.ctx.now)
                for key, call in keyed.items()
            ],
        )
        calls = [call for call in group if call.idempotency_key not in taken]
        answers = await work(ctx, calls, session) if calls else ()
        await audit.append_all(
            session,
            [
                audit.Entry(call.ctx, call.operation, len(outcomes), door.counts(outcomes))
                for call, outcomes in zip(calls, answers, strict=True)
            ],
        )
        # With the days of all: a repetition that notes more than its own throws fresh answers away, no more.
        await idempotency.answer_all(
            session,
            {
                call.idempotency_key: door.response(session, outcomes)
                for call, outcomes in zip(calls, answers, strict=True)
                if call.idempotency_key is not None
            },
        )
        await door.fold_piles(runtime, ctx, session)
    await runtime.answers.note(ctx.tenant_id, session.days, session.tags)
    for call, outcomes in zip(calls, answers, strict=True):
        call.succeed(outcomes)
    return [call for call in group if call.idempotency_key in taken]
