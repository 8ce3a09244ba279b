"""Rows of commissions, plans, the ledger, fraud and payouts, made to be listed."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import md5
from typing import Any
from uuid import UUID, uuid4

from app.core.payout_words import (
    PayoutBatchState,
    PayoutItemState,
    PayoutMethodStatus,
    PayoutProviderName,
    PayoutSchedule,
    TaxState,
)
from app.core.words import (
    TAKING_BACK_KINDS,
    AdjustmentState,
    CommissionKind,
    FraudHitState,
    FraudRule,
    LedgerAccount,
)
from tests.factories.turns import NAMES, Row, Turns, one_of, word

MONEY_TABLES = (
    "commissions",
    "ledger_entries",
    "commission_plans",
    "plan_assignments",
    "commission_adjustments",
    "fraud_hits",
    "balances",
    "own_rates",
    "payout_methods",
    "payout_policies",
    "payout_batches",
    "payout_items",
)
"""Each after those that its rows name. Balances are no table: what is owed is inserted on its accounts."""

CURRENCIES = ("CHF", "CZK", "DKK", "EUR", "GBP", "HUF", "ILS", "INR", "MXN", "NOK", "NZD", "PLN", "SEK", "SGD", "USD")


def balance_id(influencer_id: object, currency: str) -> UUID:
    """What a balance is told apart by from others that are as high."""
    return UUID(md5(f"{influencer_id}{currency}".encode(), usedforsecurity=False).hexdigest())


class MoneyRows(Turns):
    """Makers of rows by the table's name."""

    def _commissions(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        kind = one_of(list(CommissionKind), number)
        states = ("REVERSED",) if kind in TAKING_BACK_KINDS else ("PENDING", "HELD", "APPROVED", "PAID")
        return {
            "kind": kind,
            "state": one_of(states, number // 3),
            "order_id": one_of((self._id("orders", number % 4), None), number // 2),
            "influencer_id": self._id("influencers", number % 3),
            "campaign_id": one_of((None, self._id("campaigns", number % 3)), number // 3),
            "basis_minor": 1_000,
            "currency": "GBP",
            "amount_minor": 100,
            "taken_minor": 0,
            "occurred_at": at,
            "recorded_at": recorded_at,
            "updated_at": at,
        }

    def _ledger_entries(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        # Two lines a posting.
        posting_id = uuid4() if number % 2 == 0 else self.rows["ledger_entries"][-1]["posting_id"]
        return {
            "posting_id": posting_id,
            "account": one_of(list(LedgerAccount), number),
            "influencer_id": one_of((None, self._id("influencers", number % 3)), number),
            "currency": "GBP",
            "amount_minor": 100 if number % 2 == 0 else -100,
            "cause_kind": "commission",
            "cause_id": self._id("commissions", number // 4),
            "posted_at": at,
        }

    def _commission_plans(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": one_of((word(number), None), number),
            "name": one_of(NAMES, number),
            "created_at": at,
            "updated_at": at,
        }

    def _plan_assignments(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        campaign, enrollment = self._id("campaigns", number // 3), self._id("enrollments", number // 3)
        return {
            "plan_id": one_of((self._id("commission_plans", number % 4), None), number // 5),
            "campaign_id": one_of((campaign, None, None), number),
            "enrollment_id": one_of((None, enrollment, None), number),
            "effective_from": recorded_at,
            "created_at": at,
        }

    def _commission_adjustments(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        state = one_of(list(AdjustmentState), number)
        is_decided = state is not AdjustmentState.PROPOSED
        return {
            "external_id": word(number),
            "influencer_id": self._id("influencers", number % 3),
            "currency": "GBP",
            "amount_minor": 100,
            "reason": "A bonus that was agreed by telephone",
            "occurred_at": recorded_at,
            "state": state,
            "proposed_by": uuid4(),
            "decided_by": uuid4() if is_decided else None,
            "decided_at": at if is_decided else None,
            "commission_id": self._id("commissions", number) if state is AdjustmentState.POSTED else None,
            "created_at": at,
        }

    def _fraud_hits(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        state = one_of(list(FraudHitState), number // 2)
        return {
            "rule": one_of(list(FraudRule), number),
            "state": state,
            "commission_id": self._id("commissions", number),
            "order_id": self._id("orders", number % 4),
            "influencer_id": self._id("influencers", number % 3),
            "evidence": {"orders": number},
            "found_at": at,
            "reviewed_at": None if state is FraudHitState.OPEN else at,
        }

    def _balances(self, number: int, at: Any, recorded_at: Any) -> Row:
        influencers = len(self.rows["influencers"])
        influencer_id = self._id("influencers", number)
        currency = one_of(("EUR", "GBP"), number + number // influencers)
        return {
            "id": balance_id(influencer_id, currency),
            "influencer_id": influencer_id,
            "currency": currency,
            "owed": at if isinstance(at, int) else 100 * (number % 4),
            "payable": 70 * (number % 3),
        }

    def held_on_accounts(self, balance: Row) -> Sequence[Row]:
        """What the accounts of a balance hold: what is owed is negative."""
        moved = {"PAYABLE": balance["payable"], "ACCRUED": balance["owed"] - balance["payable"]}
        key = {name: balance[name] for name in ("tenant_id", "influencer_id", "currency")}
        return [
            key | {"account": account, "month": "2026-03-01", "amount_minor": -amount, "entries": 1}
            for account, amount in moved.items()
        ]

    def _own_rates(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "base": one_of(CURRENCIES, number // 2),
            "quote": one_of(("GBP", "XDR"), number),
            "day": "2026-03-10",
            "rate": "1.25",
            "source": "contract",
            "recorded_at": at,
        }

    def _payout_methods(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        influencers = len(self.rows["influencers"])
        return {
            "influencer_id": self._id("influencers", number),
            "currency": one_of(("EUR", "GBP"), number + number // influencers),
            "provider": one_of(list(PayoutProviderName), number),
            "status": one_of(list(PayoutMethodStatus), number // 3),
            "is_default": False,
            "tax_state": one_of(list(TaxState), number),
            "created_at": at,
            "updated_at": at,
        }

    def _payout_policies(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "currency": one_of(CURRENCIES, number),
            "threshold_minor": 1_000,
            "schedule": one_of(list(PayoutSchedule), number),
            "needs_tax_data": False,
            "created_at": at,
            "updated_at": at,
        }

    def _payout_batches(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "provider": one_of(list(PayoutProviderName), number),
            "currency": one_of(("EUR", "GBP"), number // 2),
            "state": one_of(list(PayoutBatchState), number),
            "made_by": uuid4(),
            "created_at": at,
            "updated_at": at,
        }

    def _payout_items(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        methods = len(self.rows["payout_methods"])
        method = one_of(self.rows["payout_methods"], number)
        return {
            "batch_id": self._id("payout_batches", number // 3 + number // methods),
            "influencer_id": method["influencer_id"],
            "method_id": method["id"],
            "state": one_of(list(PayoutItemState), number),
            "currency": method["currency"],
            "amount_minor": 100,
            "reserved_currency": method["currency"],
            "reserved_minor": 100,
            "call_key": word(number),
            "created_at": at,
            "updated_at": at,
        }
