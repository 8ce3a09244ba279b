"""Builds what payouts need: approved balances, methods, batches that were approved; and a clock that a test moves."""

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from app.commissions.accrue import Amount, Share
from app.commissions.service import NewCommission, Terms, post
from app.core.clock import FixedClock
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.payout_words import PayoutProviderName
from app.core.words import CommissionKind, CommissionState
from app.integrations.payouts import opened
from app.payouts.inputs import PayoutBatchInput, PayoutDecision, PayoutMethodInput
from app.runtime import Runtime
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.create_payout_batches import create_payout_batches
from app.usecases.send_payouts import send_payouts
from app.usecases.upsert_payout_methods import upsert_payout_methods
from tests.conftest import make_ctx
from tests.factories.orders import Look, ProgramRows

START = datetime(2026, 5, 4, 9, tzinfo=UTC)


class MovedClock(FixedClock):
    """A clock that a test moves on."""

    def pass_(self, **time: float) -> None:
        """So much time passes."""
        self.at += timedelta(**time)


@dataclass
class Payouts:
    """A tenant that pays out. first, second: the contexts of two keys."""

    runtime: Runtime
    ctx: Ctx
    program: ProgramRows
    look: Look
    clock: MovedClock = field(default_factory=lambda: MovedClock(START))

    def __post_init__(self) -> None:
        self.runtime = replace(self.runtime, clock=self.clock)

    def with_accounts(self, **accounts: Any) -> None:
        """The tenant's accounts at providers."""
        setting = SecretStr(json.dumps({str(self.ctx.tenant_id): accounts}))
        settings = self.runtime.settings.model_copy(update={"payout_accounts": setting, "payout_call_timeout_s": 5.0})
        self.runtime = replace(self.runtime, settings=settings)

    @property
    def first(self) -> Ctx:
        """A request of the key that makes batches, now."""
        return replace(self.ctx, now=self.clock.now())

    @property
    def second(self) -> Ctx:
        """A request of another key, now."""
        return make_ctx(self.ctx.tenant, now=self.clock.now())

    async def earn(self, influencer_id: UUID, minor: int, currency: str = "GBP") -> UUID:
        """An approved correction: the id of its commission."""
        row = NewCommission(
            id=new_id(),
            kind=CommissionKind.ADJUSTMENT,
            terms=Terms(None, influencer_id, None, None, 0, None),
            order_id=None,
            refund_id=None,
            currency=currency,
            amount=Amount(0, minor, None, (Share((0, None), minor, None),)),
            occurred_at=self.clock.now(),
            starts_as=CommissionState.APPROVED,
            reason="test",
        )
        async with self.runtime.db.write(self.ctx.tenant_id) as session:
            await post(self.first, session, [row])
        return row.id

    async def method(self, influencer_id: UUID, currency: str = "GBP", **more: Any) -> UUID:
        """A payout method, by hand unless told otherwise."""
        (outcome,) = await upsert_payout_methods(
            self.runtime, self.first, [PayoutMethodInput(influencer_id, currency, **more)]
        )
        assert outcome.outcome is not Outcome.REJECTED, outcome
        assert outcome.id is not None
        return outcome.id

    async def payee(self, minor: int = 10_00, currency: str = "GBP", **method: Any) -> UUID:
        """An influencer who is owed so much, and how they are paid."""
        influencer_id = await self.program.influencer()
        await self.earn(influencer_id, minor, currency)
        await self.method(influencer_id, currency, **method)
        return influencer_id

    async def batch(
        self, provider: PayoutProviderName = PayoutProviderName.MANUAL, currency: str = "GBP", **more: Any
    ) -> UUID:
        """A draft of what is due."""
        (outcome,) = await create_payout_batches(
            self.runtime, self.first, [PayoutBatchInput(provider, currency, **more)]
        )
        assert outcome.outcome is Outcome.RECORDED, outcome
        assert outcome.id is not None
        return outcome.id

    async def approved(
        self, provider: PayoutProviderName = PayoutProviderName.MANUAL, currency: str = "GBP", **more: Any
    ) -> UUID:
        """A batch that another key approved."""
        batch_id = await self.batch(provider, currency, **more)
        (outcome,) = await approve_payout_batches(self.runtime, self.second, [PayoutDecision(batch_id)])
        assert outcome.outcome is Outcome.RECORDED, outcome
        return batch_id

    async def work(self) -> int:
        """What the worker does: how many items it looked at."""
        open_provider = partial(opened, self.runtime.settings, self.ctx.tenant_id)
        return await send_payouts(self.runtime, self.ctx.tenant, open_provider)

    async def states(self) -> list[str]:
        """The items' states, in order of id."""
        return [row["state"] for row in await self.look.rows("payout_items", order="id")]

    async def items(self) -> list[dict[str, Any]]:
        """The items, in order of id."""
        return await self.look.rows("payout_items", order="id")

    async def batch_state(self) -> str:
        """The only batch's state."""
        (row,) = await self.look.rows("payout_batches")
        state: str = row["state"]
        return state

    async def commissions(self) -> list[str]:
        """The commissions' states, in order of id."""
        return [row["state"] for row in await self.look.rows("commissions", order="id")]

    async def accounts(self) -> dict[tuple[str, str], int]:
        """What every account holds by account and currency, without those that hold nothing."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for row in await self.look.rows("ledger_entries"):
            found[row["account"], row["currency"]] += row["amount_minor"]
        return {key: amount for key, amount in found.items() if amount}
