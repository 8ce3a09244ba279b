"""Writes that nobody asked for: the worker's, and those of a provider's messages. One transaction each, run again when
it meets another, folded and noted as any write is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.core.context import Ctx
from app.db.session import TransactionConflict, WriteSession
from app.runtime import Runtime
from app.usecases.door import ATTEMPTS_MAX, BACKOFF_S, fold_piles, keep

T = TypeVar("T")


async def unattended(runtime: Runtime, ctx: Ctx, work: Callable[[WriteSession], Awaitable[T]]) -> T:
    """What `work` gave, after its commit. It runs inside the transaction, possibly more than once."""
    task = asyncio.ensure_future(_run(runtime, ctx, work))
    keep(task)
    return await asyncio.shield(task)


async def _run(runtime: Runtime, ctx: Ctx, work: Callable[[WriteSession], Awaitable[T]]) -> T:
    for attempt in range(ATTEMPTS_MAX):
        try:
            async with runtime.db.write(ctx.tenant_id) as session:
                given = await work(session)
                await fold_piles(runtime, ctx, session)
                days, tags = session.days, session.tags
            await runtime.answers.note(ctx.tenant_id, days, tags)
            return given
        except TransactionConflict:
            if attempt + 1 == ATTEMPTS_MAX:
                raise
            await asyncio.sleep(BACKOFF_S * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")
