"""Batches by hand: what is due, who approves it, what is left out, confirmed, converted, netted, and cancelled."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.core.context import Role
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.payout_words import PayoutMethodStatus, PayoutObstacle, PayoutProviderName, PayoutSchedule, TaxState
from app.core.words import InfluencerStatus
from app.payouts.inputs import (
    PayoutBatchInput,
    PayoutConfirmation,
    PayoutDecision,
    PayoutMethodInput,
    PayoutPolicyInput,
    PayoutRequestInput,
)
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.cancel_payout_items import cancel_payout_items
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.create_payout_batches import create_payout_batches
from app.usecases.payouts_due import due
from app.usecases.request_payouts import request_payouts
from app.usecases.return_payout_items import return_payout_items
from app.usecases.schedule_payouts import schedule_payouts
from app.usecases.upsert_payout_methods import upsert_payout_methods
from app.usecases.upsert_payout_policies import upsert_payout_policies
from tests.conftest import make_ctx
from tests.factories.payouts import START, Payouts

pytestmark = pytest.mark.database

MANUAL = PayoutProviderName.MANUAL


async def policy(payouts: Payouts, **more: object) -> None:
    """The policy of GBP."""
    item = PayoutPolicyInput("GBP", **more)  # type: ignore[arg-type]  # as the test names them
    (outcome,) = await upsert_payout_policies(payouts.runtime, payouts.first, [item])
    assert outcome.outcome is not Outcome.REJECTED, outcome


async def obstacles(payouts: Payouts) -> dict[UUID, PayoutObstacle | None]:
    """What keeps each influencer from being paid."""
    async with payouts.runtime.db.read(payouts.ctx.tenant_id) as session:
        found = await due(payouts.runtime, payouts.first, session)
    return {each.balance.influencer_id: each.obstacle for each in found}


async def confirm(payouts: Payouts, outcome: str, *, at: int = 0, **more: object) -> tuple[str | None, ...]:
    """Tell what came of the item at this place: the codes of refusals."""
    item = (await payouts.items())[at]
    told = PayoutConfirmation(item["id"], outcome, **more)  # type: ignore[arg-type]  # as the test names them
    outcomes = await confirm_payout_items(payouts.runtime, payouts.second, [told])
    return tuple(each.code for each in outcomes)


async def test_people_tell_what_came_of_payments_by_hand(payouts: Payouts) -> None:
    await payouts.payee(10_00)
    await payouts.payee(20_00)
    await payouts.approved()
    await payouts.work()
    first, second = await payouts.items()
    told = [
        PayoutConfirmation(
            first["id"], "SUCCEEDED", at=START - timedelta(days=1), fee=Decimal("0.35"), reference="bank-1"
        ),
        PayoutConfirmation(second["id"], "FAILED", reason="account closed"),
    ]
    outcomes = await confirm_payout_items(payouts.runtime, payouts.second, told)
    assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED] * 2
    again = await confirm_payout_items(payouts.runtime, payouts.second, told)
    assert [outcome.outcome for outcome in again] == [Outcome.REPLAYED] * 2
    assert await payouts.batch_state() == "PARTLY_FAILED"
    assert await payouts.accounts() == {
        ("EXPENSE", "GBP"): 30_00,
        ("PAYABLE", "GBP"): -20_00,
        ("PAID", "GBP"): -10_35,
        ("FEES", "GBP"): 35,
    }
    (payment,) = await payouts.look.rows("payout_payments")
    assert payment["occurred_at"] == START - timedelta(days=1)
    # Weeks later the bank sends it back.
    payouts.clock.pass_(days=20)
    assert await confirm(payouts, "RETURNED") == (None,)
    assert sorted(await payouts.states()) == ["FAILED", "RETURNED"]
    assert await payouts.commissions() == ["APPROVED", "APPROVED"]
    assert await payouts.look.value("sum(amount_minor)", "payout_payments") == 0
    assert await confirm(payouts, "SUCCEEDED") == ("PAYOUT_STATE",)


async def test_nobody_approves_what_the_same_key_made(payouts: Payouts) -> None:
    await payouts.payee(10_00)
    batch_id = await payouts.batch()
    (refused,) = await approve_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id)])
    assert refused.code == "SECOND_KEY_NEEDED"
    assert await payouts.work() == 0
    (approved,) = await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    assert approved.outcome is Outcome.RECORDED
    (again,) = await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    assert again.outcome is Outcome.REPLAYED
    (late,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id)])
    assert late.outcome is Outcome.RECORDED, "nothing was sent yet"
    (refused,) = await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    assert refused.code == "PAYOUT_STATE"
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}
    assert await payouts.work() == 0


async def test_what_was_sent_is_not_cancelled(payouts: Payouts) -> None:
    await payouts.payee(10_00)
    batch_id = await payouts.approved()
    await payouts.work()
    (refused,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id)])
    assert refused.code == "PAYOUT_STATE"
    (item,) = await payouts.items()
    (refused,) = await cancel_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"])])
    assert refused.code == "PAYOUT_STATE"
    (refused,) = await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"])])
    assert refused.code == "NOT_SUPPORTED"


async def test_items_can_be_left_out_of_a_draft(payouts: Payouts) -> None:
    await payouts.payee(10_00)
    await payouts.payee(20_00)
    batch_id = await payouts.batch()
    first, _ = await payouts.items()
    (left_out,) = await cancel_payout_items(payouts.runtime, payouts.first, [PayoutDecision(first["id"], "looks odd")])
    assert left_out.outcome is Outcome.RECORDED
    await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    await payouts.work()
    assert await payouts.states() == ["CANCELLED", "SENT"]
    assert await confirm(payouts, "SUCCEEDED", at=1) == (None,)
    assert await payouts.batch_state() == "DONE"
    assert await payouts.accounts() == {
        ("EXPENSE", "GBP"): 30_00,
        ("PAYABLE", "GBP"): -10_00,
        ("PAID", "GBP"): -20_00,
    }


async def test_whom_nobody_knows_is_not_left_out_of_a_batch(payouts: Payouts) -> None:
    known = await payouts.payee(10_00)
    asked = [
        PayoutBatchInput(MANUAL, "GBP", influencer_ids=(known, new_id())),
        PayoutBatchInput(MANUAL, "GBP", influencer_ids=(known,)),
    ]

    refused, made = await create_payout_batches(payouts.runtime, payouts.first, asked)

    assert (refused.code, refused.path) == ("UNKNOWN_INFLUENCER", ("payoutBatches", "0", "influencers", "1"))
    assert made.outcome is Outcome.RECORDED


async def test_a_balance_is_in_one_batch_only_however_many_are_made_at_once(payouts: Payouts) -> None:
    for _ in range(5):
        await payouts.payee(10_00)
    asked = [PayoutBatchInput(MANUAL, "GBP"), PayoutBatchInput(MANUAL, "GBP")]
    calls = (create_payout_batches(payouts.runtime, payouts.first, asked) for _ in range(4))
    outcomes = [outcome for found in await asyncio.gather(*calls) for outcome in found]
    assert sorted(outcome.code or "" for outcome in outcomes) == [""] + ["NOTHING_DUE"] * 7
    assert len(await payouts.items()) == 5
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 50_00, ("PAYING", "GBP"): -50_00}


async def test_the_same_call_again_makes_no_other_batch(payouts: Payouts) -> None:
    await payouts.payee(10_00)
    asked = [PayoutBatchInput(MANUAL, "GBP")]
    first = await create_payout_batches(payouts.runtime, payouts.first, asked, idempotency_key="k")
    again = await create_payout_batches(payouts.runtime, payouts.first, asked, idempotency_key="k")
    assert first == again


async def test_what_keeps_a_balance_from_being_paid_is_told(payouts: Payouts) -> None:
    await policy(payouts, threshold=Decimal("15"), needs_tax_data=True)
    small = await payouts.payee(14_99, tax_state=TaxState.COLLECTED)
    enough = await payouts.payee(15_00, tax_state=TaxState.NOT_NEEDED)
    untaxed = await payouts.payee(20_00)
    owing = await payouts.payee(-5_00)
    bare = await payouts.program.influencer()
    await payouts.earn(bare, 20_00)
    elsewhere = await payouts.program.influencer()
    await payouts.earn(elsewhere, 20_00)
    await payouts.method(elsewhere, "EUR")
    disabled = await payouts.program.influencer()
    await payouts.earn(disabled, 20_00)
    await payouts.method(disabled, status=PayoutMethodStatus.DISABLED)
    suspended = await payouts.program.influencer(InfluencerStatus.SUSPENDED.value)
    await payouts.earn(suspended, 20_00)
    await payouts.method(suspended)
    far = await payouts.program.influencer()
    await payouts.earn(far, 5_000, "JPY")
    await payouts.method(far, "KWD", is_default=True)
    stripe = await payouts.payee(20_00, provider=PayoutProviderName.STRIPE, reference="acct_1")
    assert await obstacles(payouts) == {
        small: PayoutObstacle.BELOW_THRESHOLD,
        enough: None,
        untaxed: PayoutObstacle.TAX_DATA_MISSING,
        owing: PayoutObstacle.NOT_DUE,
        bare: PayoutObstacle.NO_METHOD,
        elsewhere: PayoutObstacle.NO_METHOD,
        disabled: PayoutObstacle.METHOD_DISABLED,
        suspended: PayoutObstacle.INFLUENCER_SUSPENDED,
        far: PayoutObstacle.NO_EXCHANGE_RATE,
        stripe: PayoutObstacle.NO_ACCOUNT,
    }
    await payouts.batch()
    (item,) = await payouts.items()
    assert item["influencer_id"] == enough
    # Who asks to be paid is, below the threshold too.
    own = make_ctx(payouts.ctx.tenant, Role.INFLUENCER, influencer_id=small, now=START)
    (wish,) = await request_payouts(payouts.runtime, own, [PayoutRequestInput("GBP")])
    assert wish.outcome is Outcome.RECORDED
    (again,) = await request_payouts(payouts.runtime, own, [PayoutRequestInput("GBP")])
    assert again.outcome is Outcome.REPLAYED
    (nothing,) = await request_payouts(payouts.runtime, own, [PayoutRequestInput("EUR")])
    assert nothing.code == "NOTHING_DUE"
    assert (await obstacles(payouts))[small] is None
    await payouts.batch()
    assert not await payouts.look.rows("payout_requests")


async def test_a_balance_is_paid_in_the_influencers_currency_and_comes_back_at_the_same_rate(payouts: Payouts) -> None:
    influencer_id = await payouts.program.influencer()
    await payouts.earn(influencer_id, 10_00, "GBP")
    await payouts.method(influencer_id, "KWD", is_default=True)
    await payouts.program.rate("KWD", "GBP", "2.5", on=START)
    await payouts.approved(currency="KWD")
    (item,) = await payouts.items()
    assert (item["amount_minor"], item["reserved_minor"], item["rate"]) == (4_000, 10_00, Decimal("0.4"))
    await payouts.work()
    await payouts.program.rate("KWD", "GBP", "3", on=START)
    await confirm(payouts, "SUCCEEDED")
    assert await payouts.accounts() == {
        ("EXPENSE", "GBP"): 10_00,
        ("FX", "GBP"): -10_00,
        ("FX", "KWD"): 4_000,
        ("PAID", "KWD"): -4_000,
    }
    await confirm(payouts, "RETURNED")
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}


async def test_what_was_taken_back_after_a_payout_is_netted_by_the_next(payouts: Payouts) -> None:
    influencer_id = await payouts.payee(10_00)
    await payouts.approved()
    await payouts.work()
    await confirm(payouts, "SUCCEEDED")
    await payouts.earn(influencer_id, -4_00)
    await payouts.earn(influencer_id, 3_00)
    assert await obstacles(payouts) == {influencer_id: PayoutObstacle.NOT_DUE}
    await payouts.earn(influencer_id, 6_00)
    await payouts.approved()
    await payouts.work()
    assert [item["amount_minor"] for item in await payouts.items()] == [10_00, 5_00]
    await confirm(payouts, "SUCCEEDED", at=1)
    assert set(await payouts.commissions()) == {"PAID"}
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 15_00, ("PAID", "GBP"): -15_00}


async def test_schedules_make_drafts_at_their_time(payouts: Payouts) -> None:
    await policy(payouts, schedule=PayoutSchedule.WEEKLY, day=3)
    (row,) = await payouts.look.rows("payout_policies")
    # START is a Monday; Wednesday begins at 23:00 UTC of Tuesday in London's summer.
    assert row["next_at"].isoformat() == "2026-05-05T23:00:00+00:00"
    await payouts.payee(10_00)
    assert await schedule_payouts(payouts.runtime, payouts.ctx.tenant) == 0
    payouts.clock.pass_(days=2)
    assert sum(await asyncio.gather(*(schedule_payouts(payouts.runtime, payouts.ctx.tenant) for _ in range(3)))) == 1
    (batch,) = await payouts.look.rows("payout_batches")
    assert (batch["state"], batch["made_by"]) == ("DRAFT", None)
    (row,) = await payouts.look.rows("payout_policies")
    assert row["next_at"].isoformat() == "2026-05-12T23:00:00+00:00"
    # Nobody made it, so anybody who may approves it.
    (approved,) = await approve_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch["id"])])
    assert approved.outcome is Outcome.RECORDED


async def test_methods_are_checked_and_never_repeat_what_was_sent(payouts: Payouts) -> None:
    influencer_id = await payouts.program.influencer()
    items = [
        PayoutMethodInput(influencer_id, "GBP", provider=PayoutProviderName.STRIPE, reference="GB33BUKB20201555555555"),
        PayoutMethodInput(UUID(int=1), "GBP"),
        PayoutMethodInput(influencer_id, "GBP", reference="GB33BUKB20201555555555", tax_document="drive/7"),
        PayoutMethodInput(influencer_id, "GBP", provider=PayoutProviderName.PAYPAL),
    ]
    outcomes = await upsert_payout_methods(payouts.runtime, payouts.first, items)
    assert [outcome.code for outcome in outcomes] == ["BAD_USER_INPUT", "UNKNOWN_INFLUENCER", None, "BAD_USER_INPUT"]
    assert "BUKB" not in "".join(outcome.message or "" for outcome in outcomes)
    for table in ("audit_log", "outbox"):
        assert "BUKB" not in str(await payouts.look.rows(table))
