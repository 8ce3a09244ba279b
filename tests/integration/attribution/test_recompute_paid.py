"""Judging orders again whose commissions were paid out: what comes back, and in which account."""

import dataclasses

import pytest

from app.commissions.inputs import MoneyTermsInput
from app.commissions.states import Move, move
from app.core.context import Ctx
from app.core.words import Clawback, CommissionState
from app.runtime import Runtime
from app.usecases.set_money_terms import set_money_terms
from tests.factories.orders import Look, ProgramRows
from tests.integration.attribution.store import NOON, Shop, iso
from tests.integration.attribution.test_recompute import posted, two_clicks
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database


async def test_what_was_paid_out_comes_back_with_the_next_payout(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx, program: ProgramRows
) -> None:
    ina, ben, campaign, _ = await two_clicks(shop)
    (row,) = await look.rows("commissions")
    for state in (CommissionState.APPROVED, CommissionState.PAID):
        # By the clock that what comes before and after is dated by, too.
        later = dataclasses.replace(ctx, now=runtime.clock.now())
        async with runtime.db.write(ctx.tenant_id) as session:
            await move(later, session, [Move(row["id"], state)])
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")

    await posted(shop)

    balances = {(entry["account"], str(entry["influencer_id"])): 0 for entry in await look.rows("ledger_entries")}
    for entry in await look.rows("ledger_entries"):
        balances[entry["account"], str(entry["influencer_id"])] += entry["amount_minor"]
    # Payable was what the payout took, and is what it was again without it: the next payout has that much less to pay.
    assert (balances["PAYABLE", ben], balances["CLAWED_BACK", "None"]) == (0, -1000)
    assert balances["ACCRUED", ina] == -1000
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_what_was_paid_out_is_invoiced_but_for_what_refunds_had_taken(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    _, ben, campaign, order = await two_clicks(shop)
    (row,) = await look.rows("commissions")
    refund = {"externalId": "r", "orderExternalId": order["externalId"], "amount": "40.00", "occurredAt": iso(NOON)}
    await shop.write("recordRefunds", {"refunds": [refund]})
    for state in (CommissionState.APPROVED, CommissionState.PAID):
        # By the clock that what comes before and after is dated by, too.
        later = dataclasses.replace(ctx, now=runtime.clock.now())
        async with runtime.db.write(ctx.tenant_id) as session:
            await move(later, session, [Move(row["id"], state)])
    await set_money_terms(runtime, ctx, [MoneyTermsInput(clawback=Clawback.INVOICE)])
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")

    await posted(shop)

    entries = [each for each in await look.rows("ledger_entries") if str(each["influencer_id"]) == ben]
    sums = dict.fromkeys(("ACCRUED", "PAYABLE", "INVOICED"), 0)
    for entry in entries:
        sums[entry["account"]] += entry["amount_minor"]
    # 6.00 were payable, and are what a payout took: just these are to be invoiced, and nothing is paid out anew.
    assert sums == {"ACCRUED": 0, "PAYABLE": -600, "INVOICED": 600}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
