"""Moves made-up commissions from state to state, as callers and payouts would, at random."""

import random
from datetime import datetime, timedelta

from app.commissions import states
from app.commissions.states import PASSAGES, Move
from app.core.context import Ctx
from app.db.session import Database
from app.errors import DomainError
from tests.conftest import make_ctx

ROUNDS = 3


async def move_some(db: Database, ctx: Ctx, *, seed: int, until: datetime) -> int:
    """Number of passages: in each of a few rounds, an hour apart until `until`, half of the commissions go on."""
    chance = random.Random(seed)
    moved = 0
    for number in range(ROUNDS):
        then = make_ctx(ctx.tenant, now=until - timedelta(hours=ROUNDS - number))
        async with db.write(ctx.tenant_id) as session:
            rows = await session.fetch(
                """/* test.movable */
                SELECT id FROM commissions WHERE tenant_id = $1 AND state <> 'REVERSED' ORDER BY id""",
                ctx.tenant_id,
            )
            ids = [row["id"] for row in rows]
            passages = await states.lock(then, session, chance.sample(ids, len(ids) // 2))
            for row in list(passages.rows.values()):
                targets = sorted(PASSAGES[row.state])
                if not targets:
                    continue
                try:
                    moved += passages.enter(Move(row.id, chance.choice(targets), "test"))
                except DomainError as error:
                    # An edit that came after a payout is not held back.
                    if error.code != "WRONG_STATE":
                        raise
            await states.write(then, session, passages)
    return moved
