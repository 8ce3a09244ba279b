"""Random lives of influencers, played by the use cases in batches: each has orders of their own, and everything happens
to them that happens to orders, commissions and payouts. What was not refused is noted, for whoever tells it again.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from app.campaigns.inputs import CampaignInput, EnrollmentInput
from app.commissions.inputs import AdjustmentDecision, CommissionAdjustmentInput, CommissionMove, MoneyTermsInput
from app.core.clock import FixedClock
from app.core.context import Ctx
from app.core.ids import ZERO_ID
from app.core.outcomes import ItemOutcome, Outcome
from app.core.payout_words import PayoutProviderName
from app.core.words import Clawback, LineKind, OrderEventKind
from app.fraud.inputs import FraudReview
from app.fraud.rules import FraudRulesChange
from app.influencers.inputs import InfluencerInput
from app.integrations.payouts import opened
from app.orders.inputs import LineInput, RefundLineInput
from app.payouts.inputs import PayoutBatchInput, PayoutConfirmation, PayoutDecision, PayoutMethodInput
from app.runtime import Runtime
from app.tracking.inputs import CodeInput
from app.usecases.adjust_commissions import adjust_commissions
from app.usecases.approve_commissions import approve_commissions
from app.usecases.approve_due import approve_due
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.create_campaigns import create_campaigns
from app.usecases.create_codes import create_codes
from app.usecases.create_enrollments import create_enrollments
from app.usecases.create_influencers import create_influencers
from app.usecases.create_payout_batches import create_payout_batches
from app.usecases.decide_commission_adjustments import decide_commission_adjustments
from app.usecases.edit_orders import edit_orders
from app.usecases.hold_commissions import hold_commissions
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.reject_commissions import reject_commissions
from app.usecases.release_commissions import release_commissions
from app.usecases.review_fraud import review_fraud
from app.usecases.send_payouts import send_payouts
from app.usecases.set_fraud_rules import set_fraud_rules
from app.usecases.set_money_terms import set_money_terms
from app.usecases.upsert_payout_methods import upsert_payout_methods
from tests.conftest import make_ctx
from tests.factories.orders import NOON, Look, edit, event, line, order, refund
from tests.oracle.lives import Deed

EXPONENTS = {"GBP": 2, "JPY": 0, "KWD": 3}
"""Currencies of orders. Who has no method for KWD is paid in GBP for it."""

HOLD_DAYS = 3
ORDERS_A_DAY = 2
TICKS = 14
TICK = timedelta(days=4)
CALL_ITEMS_MAX = 1_000

CHANCES = {
    "order": 16,
    "again": 2,
    "early": 3,
    "refund": 14,
    "edit": 12,
    "paid": 18,
    "cancel": 2,
    "chargeback": 2,
    "hold": 5,
    "release": 5,
    "approve": 6,
    "reject": 3,
    "review": 8,
    "adjust": 6,
    "pay": 22,
}
"""What happens to whom at a tick, by weight. The worker comes at each, and whoever confirms payments."""

Call = Callable[[Runtime, Ctx, list[Any]], Awaitable[tuple[ItemOutcome, ...]]]


@dataclass
class One:
    """One influencer: what was done, and what is known of their orders. accruals: by order."""

    number: int
    chance: random.Random
    rate: Decimal
    id: UUID = ZERO_ID
    deeds: list[Deed] = field(default_factory=list)
    orders: dict[str, Any] = field(default_factory=dict)
    accruals: dict[str, UUID] = field(default_factory=dict)
    count: int = 0

    @property
    def code(self) -> str:
        """Their coupon code."""
        return f"LIFE{self.number}"

    def any_order(self) -> str | None:
        """One of their orders."""
        return self.chance.choice(list(self.orders)) if self.orders else None

    def lines(self, currency: str) -> list[LineInput]:
        """Lines whose revenue and total are not negative."""
        chance, unit = self.chance, Decimal(1).scaleb(-EXPONENTS[currency])
        found = [
            LineInput(LineKind.ITEM, chance.randrange(9_000) * unit, chance.randint(1, 3), f"sku-{chance.randrange(5)}")
            for _ in range(chance.randint(1, 3))
        ]
        gross = sum((each.amount for each in found), Decimal(0))
        if chance.random() < 0.4:
            found.append(line(LineKind.DISCOUNT, str(-(gross / unit * chance.randrange(60) // 100) * unit)))
        if chance.random() < 0.5:
            found.append(line(LineKind.SHIPPING, str(chance.randrange(900) * unit)))
        return found

    def order(self, now: datetime) -> Any:
        """A new order, of the days before now; some close together."""
        chance = self.chance
        self.count += 1
        currency = chance.choice(list(EXPONENTS))
        name = f"o-{self.number}-{self.count}"
        sent = order(
            *self.lines(currency),
            external_id=name,
            currency=currency,
            occurred_at=now - timedelta(hours=chance.choice((1, 2, 3, 20, 40, 70))),
            codes=(self.code,),
        )
        self.orders[name] = sent
        return sent

    def refund(self, name: str, currency: str, now: datetime) -> Any:
        """A refund by amount or by line, fitting or not."""
        chance = self.chance
        self.count += 1
        unit = Decimal(1).scaleb(-EXPONENTS[currency])
        told: dict[str, Any] = {"external_id": f"r-{self.number}-{self.count}", "occurred_at": now}
        if chance.random() < 0.6:
            return refund(name, str(chance.randrange(1, 6_000) * unit), **told)
        asks = tuple(
            RefundLineInput(position=position, quantity=chance.choice((None, 1)))
            for position in chance.sample(range(4), chance.randint(1, 2))
        )
        return refund(name, lines=asks, **told)


class Lives:
    """A tenant in which many influencers live at once. first, second: the contexts of two keys, at the time it is."""

    def __init__(self, runtime: Runtime, ctx: Ctx, count: int, seed: int, clawback: Clawback) -> None:
        self.ctx, self.look, self.clawback = ctx, Look(runtime.db, ctx), clawback
        self.second_key = make_ctx(ctx.tenant).principal
        self.chance = random.Random(seed)
        self.all = [
            One(number, chance := random.Random(f"{seed} {number}"), Decimal(chance.randrange(400_001)).scaleb(-6))
            for number in range(count)
        ]
        self.now = NOON
        self._runtime = runtime
        self._batches = 0
        self.refusals: set[str] = set()

    @property
    def runtime(self) -> Runtime:
        """The process, at the time it is."""
        return replace(self._runtime, clock=FixedClock(self.now))

    @property
    def first(self) -> Ctx:
        """A request of one key."""
        return replace(self.ctx, now=self.now)

    @property
    def second(self) -> Ctx:
        """A request of another key."""
        return replace(self.ctx, now=self.now, principal=self.second_key)

    async def begin(self) -> None:
        """The program: a campaign, and everybody with a rate, a code and payout methods of their own."""
        begun = CampaignInput("Lives", NOON - timedelta(days=30), Decimal("0.1"))
        (campaign,) = await create_campaigns(self.runtime, self.first, [begun])
        assert campaign.id is not None
        made = await self.call(create_influencers, [InfluencerInput(f"life {one.number}") for one in self.all])
        for one, outcome in zip(self.all, made, strict=True):
            assert outcome.id is not None, outcome
            one.id = outcome.id
        await self.call(
            create_enrollments,
            [EnrollmentInput(campaign.id, one.id, commission_rate=one.rate) for one in self.all],
        )
        await self.call(create_codes, [CodeInput(one.id, one.code, campaign.id) for one in self.all])
        methods = [PayoutMethodInput(one.id, "GBP", is_default=True) for one in self.all]
        methods += [PayoutMethodInput(one.id, "JPY") for one in self.all if one.chance.random() < 0.7]
        await self.call(upsert_payout_methods, methods)
        terms = MoneyTermsInput(hold_days=HOLD_DAYS, adjustment_limit=Decimal(5), clawback=self.clawback)
        await set_money_terms(self.runtime, self.first, [terms])
        await set_fraud_rules(self.runtime, self.first, FraudRulesChange(velocity_orders=ORDERS_A_DAY))

    async def call(self, write: Call, items: Sequence[Any], ctx: Ctx | None = None) -> list[ItemOutcome]:
        """The outcomes of a write of so many items, in calls as large as they may be."""
        found: list[ItemOutcome] = []
        for start in range(0, len(items), CALL_ITEMS_MAX):
            outcomes = await write(self.runtime, ctx or self.first, list(items[start : start + CALL_ITEMS_MAX]))
            self.refusals |= {outcome.code for outcome in outcomes if outcome.code is not None}
            found.extend(outcomes)
        return found

    async def live(self) -> None:
        """All ticks, one after the other."""
        for number in range(TICKS):
            await self.tick(number)

    async def tick(self, number: int) -> None:
        """Something happens to everybody: one kind of thing after the other, a minute apart."""
        start = NOON + number * TICK
        words, weights = list(CHANCES), list(CHANCES.values())
        chosen: dict[str, list[One]] = {word: [] for word in words}
        for one in self.all:
            # A life begins with orders.
            drawn = ["order"] if number == 0 else one.chance.choices(words, weights, k=2)
            for word in dict.fromkeys(drawn):
                chosen[word].append(one)
        for minute, word in enumerate(words):
            self.now = start + timedelta(minutes=minute)
            if chosen[word]:
                await getattr(self, f"_{word}")(chosen[word])
        self.now = start + timedelta(hours=1)
        await approve_due(self.runtime, self.ctx.tenant)
        for one in self.all:
            one.deeds.append(Deed(self.now, "fell_due"))
        self.now = start + timedelta(hours=2)
        await self._confirm()

    async def _order(self, ones: list[One]) -> None:
        sent = [(one, one.order(self.now)) for one in ones for _ in range(one.chance.choice((1, 1, 2, 3)))]
        outcomes = await self.call(record_orders, [each for _, each in sent])
        for (one, each), outcome in zip(sent, outcomes, strict=True):
            assert outcome.outcome is Outcome.RECORDED, outcome
            (accrual,) = outcome.detail["commissions"]
            one.accruals[each.external_id] = UUID(accrual["id"])
            one.deeds.append(Deed(self.now, "ordered", each.external_id))

    async def _again(self, ones: list[One]) -> None:
        sent = [one.orders[name] for one in ones if (name := one.any_order()) is not None]
        outcomes = await self.call(record_orders, sent)
        # Edited ones are told from what they were.
        assert {outcome.outcome for outcome in outcomes} <= {Outcome.REPLAYED, Outcome.REJECTED}

    async def _early(self, ones: list[One]) -> None:
        """Refunds of orders that come later, or never."""
        await self.call(
            record_refunds, [one.refund(f"o-{one.number}-{one.count + 2}", "GBP", self.now) for one in ones]
        )

    async def _refund(self, ones: list[One]) -> None:
        sent = [
            one.refund(name, one.orders[name].currency, self.now)
            for one in ones
            if (name := one.any_order()) is not None
        ]
        await self.call(record_refunds, sent)

    async def _edit(self, ones: list[One]) -> None:
        sent = [
            edit(name, *one.lines(one.orders[name].currency), occurred_at=self.now)
            for one in ones
            if (name := one.any_order()) is not None
        ]
        await self.call(edit_orders, sent)

    async def _paid(self, ones: list[One]) -> None:
        await self._event(ones, OrderEventKind.PAID)

    async def _cancel(self, ones: list[One]) -> None:
        await self._event(ones, OrderEventKind.CANCELLED)

    async def _chargeback(self, ones: list[One]) -> None:
        await self._event(ones, OrderEventKind.CHARGEBACK)

    async def _event(self, ones: list[One], kind: OrderEventKind) -> None:
        sent = [
            (one, name, event(name, kind, occurred_at=self.now - timedelta(hours=one.chance.randrange(50))))
            for one in ones
            # All of their orders that were not yet are paid for at once, so that most come that far.
            for name in (list(one.orders) if kind is OrderEventKind.PAID else filter(None, [one.any_order()]))
        ]
        outcomes = await self.call(record_order_events, [each for _, _, each in sent])
        for (one, name, each), outcome in zip(sent, outcomes, strict=True):
            assert outcome.outcome is Outcome.RECORDED, outcome
            if kind is OrderEventKind.PAID:
                one.deeds.append(Deed(self.now, "was_paid_for", name, {"at": each.occurred_at}))

    async def _hold(self, ones: list[One]) -> None:
        await self._move(ones, hold_commissions, "held")

    async def _release(self, ones: list[One]) -> None:
        await self._move(ones, release_commissions, "released")

    async def _approve(self, ones: list[One]) -> None:
        await self._move(ones, approve_commissions, "approved")

    async def _reject(self, ones: list[One]) -> None:
        await self._move(ones, reject_commissions, "rejected")

    async def _move(self, ones: list[One], write: Call, what: str) -> None:
        asked = [(one, name) for one in ones if (name := one.any_order()) is not None]
        moves = [CommissionMove(one.accruals[name], "At random.") for one, name in asked]
        for (one, name), outcome in zip(asked, await self.call(write, moves), strict=True):
            if outcome.outcome is Outcome.RECORDED:
                one.deeds.append(Deed(self.now, what, name))

    async def _review(self, ones: list[One]) -> None:
        whose = {accrual: (one, name) for one in ones for name, accrual in one.accruals.items()}
        waiting = await self.look.rows("fraud_hits", "state = 'OPEN'", "id")
        hits = [row for row in waiting if row["commission_id"] in whose]
        reviews = [FraudReview(row["id"], self.chance.random() < 0.6, "Looked at.") for row in hits]
        for row, review, outcome in zip(hits, reviews, await self.call(review_fraud, reviews), strict=True):
            assert outcome.outcome is Outcome.RECORDED, outcome
            one, name = whose[row["commission_id"]]
            one.deeds.append(Deed(self.now, "released" if review.is_accepted else "rejected", name))

    async def _adjust(self, ones: list[One]) -> None:
        """Small corrections count at once; another key decides the others."""
        sent = []
        for one in ones:
            currency = one.chance.choice(list(EXPONENTS))
            amount = Decimal(one.chance.choice((-1, 1)) * one.chance.randrange(1, 900)).scaleb(-EXPONENTS[currency])
            one.count += 1
            sent.append(CommissionAdjustmentInput(f"a-{one.number}-{one.count}", one.id, currency, amount, "By hand."))
        outcomes = await self.call(adjust_commissions, sent)
        asked = [each.id for each in outcomes if each.detail["state"] == "PROPOSED" and each.id is not None]
        decisions = [AdjustmentDecision(id, self.chance.random() < 0.7, "Looked at.") for id in asked]
        await self.call(decide_commission_adjustments, decisions, self.second)
        accepted = {decision.id for decision in decisions if decision.is_accepted}
        for one, each, outcome in zip(ones, sent, outcomes, strict=True):
            if outcome.detail["state"] == "POSTED" or outcome.id in accepted:
                minor = int(each.amount.scaleb(EXPONENTS[each.currency]))
                one.deeds.append(Deed(self.now, "adjusted", None, {"currency": each.currency, "minor": minor}))

    async def _pay(self, ones: list[One]) -> None:
        """Batches of what is due to them: approved and sent, or cancelled."""
        whose = {one.id: one for one in ones}
        for currency in ("GBP", "JPY"):
            asked = PayoutBatchInput(PayoutProviderName.MANUAL, currency, influencer_ids=tuple(whose))
            (batch,) = await create_payout_batches(self.runtime, self.first, [asked])
            if batch.id is None:
                assert batch.code == "NOTHING_DUE", batch
                continue
            items = await self.look.rows("payout_items", f"batch_id = '{batch.id}'", "id")
            for item in items:
                whose[item["influencer_id"]].deeds.append(Deed(self.now, "reserved", item["id"], item))
            self._batches += 1
            is_cancelled = self._batches % 6 == 2
            decide = cancel_payout_batches if is_cancelled else approve_payout_batches
            (outcome,) = await decide(self.runtime, self.second, [PayoutDecision(batch.id, "At random.")])
            assert outcome.outcome is Outcome.RECORDED, outcome
            for item in items if is_cancelled else ():
                whose[item["influencer_id"]].deeds.append(Deed(self.now, "cancelled", item["id"]))

    async def _confirm(self) -> None:
        """The worker sends what was approved; people tell what came of most of it, and what came back."""
        await send_payouts(self.runtime, self.ctx.tenant, partial(opened, self.runtime.settings, self.ctx.tenant_id))
        whose = {one.id: one for one in self.all}
        told = list(self._told(await self.look.rows("payout_items", "state <> 'CANCELLED'", "id")))
        outcomes = await self.call(confirm_payout_items, [each for _, each in told], self.second)
        for (item, each), outcome in zip(told, outcomes, strict=True):
            assert outcome.outcome is Outcome.RECORDED, outcome
            whose[item["influencer_id"]].deeds.append(Deed(self.now, each.outcome.lower(), item["id"]))

    def _told(self, items: Sequence[Any]) -> Iterator[tuple[Any, PayoutConfirmation]]:
        for item in items:
            drawn = self.chance.random()
            match item["state"]:
                case "SENT" if drawn < 0.85:
                    outcome = "SUCCEEDED" if drawn < 0.7 else "FAILED"
                case "SUCCEEDED" if drawn < 0.06:
                    outcome = "RETURNED"
                case "FAILED" if drawn < 0.03:
                    outcome = "SUCCEEDED"
                case _:
                    continue
            has_fee = outcome == "SUCCEEDED" and drawn < 0.2
            fee = Decimal(7).scaleb(-EXPONENTS[item["currency"]]) if has_fee else None
            yield item, PayoutConfirmation(item["id"], outcome, fee=fee, reason="At random.")
