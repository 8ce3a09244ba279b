"""The way every write goes: one call, one transaction, whichever door it came through. (Small calls that come at once
may share one: usecases/together.py does then, for all of them, what is done here.)

Idempotency key → work → audit → fold, if deltas have piled up → commit → note to the cache → answer. A call that was
started runs to its commit even when its client leaves; a deadlock or serialization failure is run again from the start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

from app import audit, idempotency
from app.analytics.rollups import fold as rollups
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import TransactionConflict, WriteSession
from app.errors import DomainError
from app.ledger import balances
from app.runtime import Runtime

ATTEMPTS_MAX = 5
"""Runs of one call that meets deadlocks or serialization failures, before it is refused as busy."""

BACKOFF_S = 0.02
"""Seconds before the second run; doubled for each further one."""

Work = Callable[[WriteSession], Awaitable[Sequence[ItemOutcome]]]

_under_way: set[asyncio.Task[Any]] = set()


def check_batch(runtime: Runtime, items: Sequence[Any], *, name: str) -> None:
    """Raise BATCH_TOO_LARGE when a call holds more items than allowed, BAD_USER_INPUT when it holds none."""
    limit = runtime.settings.batch_items_max
    if len(items) > limit:
        raise DomainError(
            "BATCH_TOO_LARGE", f"`{name}` holds {len(items)} items; at most {limit} fit a call.", path=(name,)
        )
    if not items:
        raise DomainError("BAD_USER_INPUT", f"`{name}` is empty. Send at least one item.", path=(name,))


async def perform(
    runtime: Runtime,
    ctx: Ctx,
    *,
    operation: str,
    body: Any,
    work: Work,
    idempotency_key: str | None = None,
) -> tuple[ItemOutcome, ...]:
    """The outcomes of `work`, or those stored under the idempotency key when the call is a repetition.

    operation: the mutation's name in the API, kept with the idempotency key and in the audit log. body: what makes two
    calls of it the same (hashed). work: runs inside the transaction, possibly more than once.
    """
    task = asyncio.ensure_future(_run(runtime, ctx, operation, body, work, idempotency_key))
    keep(task)
    return await asyncio.shield(task)


class _Undo(Exception):
    """Ends the transaction of a rehearsal, with what came of it."""

    def __init__(self, outcomes: Sequence[ItemOutcome]) -> None:
        super().__init__()
        self.outcomes = tuple(outcomes)


async def rehearse(runtime: Runtime, ctx: Ctx, work: Work) -> tuple[ItemOutcome, ...]:
    """The outcomes of `work`, done in a transaction that is undone: nothing is kept, noted or audited."""
    try:
        async with runtime.db.write(ctx.tenant_id) as session:
            raise _Undo(await work(session))
    except _Undo as undo:
        return undo.outcomes


def keep(task: asyncio.Task[Any]) -> None:
    """Hold a task that writes until it is done: one that nothing refers to may vanish, and `drain` waits for it."""
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def drain() -> None:
    """Wait for the writes under way: called once before the process stops."""
    if _under_way:
        await asyncio.wait(_under_way)


async def _run(
    runtime: Runtime, ctx: Ctx, operation: str, body: Any, work: Work, idempotency_key: str | None
) -> tuple[ItemOutcome, ...]:
    body_hash = content_hash([operation, body]) if idempotency_key is not None else b""
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await _attempt(runtime, ctx, operation, body_hash, work, idempotency_key)
        except TransactionConflict:
            if attempt + 1 == ATTEMPTS_MAX:
                raise
            await asyncio.sleep(BACKOFF_S * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _attempt(
    runtime: Runtime, ctx: Ctx, operation: str, body_hash: bytes, work: Work, idempotency_key: str | None
) -> tuple[ItemOutcome, ...]:
    async with runtime.db.write(ctx.tenant_id) as session:
        stored = None
        if idempotency_key is not None:
            stored = await idempotency.claim(
                ctx, session, key=idempotency_key, operation=operation, body_hash=body_hash
            )
        if stored is not None:
            outcomes = tuple(ItemOutcome.from_json(item) for item in stored["items"])
            # The first call may have died between its commit and its note: note again.
            session.touch_days(date.fromisoformat(day) for day in stored["days"])
            session.touch_tags(stored["tags"])
        else:
            outcomes = tuple(await work(session))
            await audit.append(ctx, session, action=operation, items=len(outcomes), detail=counts(outcomes))
            if idempotency_key is not None:
                await idempotency.answer(ctx, session, key=idempotency_key, response=response(session, outcomes))
            await fold_piles(runtime, ctx, session)
        days, tags = session.days, session.tags
    await runtime.answers.note(ctx.tenant_id, days, tags)
    return outcomes


async def fold_piles(runtime: Runtime, ctx: Ctx, session: WriteSession) -> None:
    """Fold what has piled up where no worker does, in the writer's own transaction: the last step of every write."""
    await rollups.fold_if_piled_up(ctx, session, runtime.settings, appended=session.deltas)
    await balances.fold_if_piled_up(ctx, session, runtime.settings, appended=session.moves)


def response(session: WriteSession, outcomes: Sequence[ItemOutcome]) -> dict[str, Any]:
    """What is stored under an idempotency key: the outcomes, and what a repetition notes again."""
    return {
        "items": [outcome.to_json() for outcome in outcomes],
        "days": sorted(day.isoformat() for day in session.days),
        "tags": sorted(session.tags),
    }


def counts(outcomes: Sequence[ItemOutcome]) -> dict[str, Any]:
    """How many items became what, for the audit log."""
    return {outcome.value.lower(): sum(item.outcome is outcome for item in outcomes) for outcome in Outcome}
