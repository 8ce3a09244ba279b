"""Money through the API: the terms, states, corrections and rates of a program, by keys that may."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.context import Ctx, Role
from app.core.words import CommissionState, OrderEventKind
from app.runtime import Runtime
from app.usecases.record_order_events import record_order_events
from app.usecases.record_refunds import record_refunds
from tests.client import Client
from tests.factories.orders import Look, ProgramRows, event, refund
from tests.integration.money.test_states import booked, moved
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

RESULTS = "recordedCount replayedCount rejectedCount results { outcome code path"
TERMS = "{ moneyTerms { approval earnedWhen holdDays clawback adjustmentLimit } }"


async def test_terms_are_set_for_the_tenant_and_its_campaigns(
    client: Client, program: ProgramRows, make_key: Any
) -> None:
    campaign = str(await program.campaign())
    finance = await make_key(Role.FINANCE)
    before = (await client.data(TERMS, key=finance))["moneyTerms"]
    assert before == {
        "approval": "AUTOMATIC",
        "earnedWhen": "PAID",
        "holdDays": 30,
        "clawback": "NEXT_PAYOUT",
        "adjustmentLimit": "100.00",
    }

    await client.data(
        """mutation ($campaign: ID!) { setMoneyTerms(input: {terms: [
          {adjustmentLimit: "98765.43", clawback: INVOICE}, {campaignId: $campaign, holdDays: 7, earnedWhen: FULFILLED}
        ]}) { recordedCount } }""",
        {"campaign": campaign},
    )

    after = (await client.data(TERMS, key=finance))["moneyTerms"]
    assert after == {**before, "adjustmentLimit": "98765.43", "clawback": "INVOICE"}
    of_campaign = TERMS.replace("moneyTerms", f'moneyTerms(campaign: "{campaign}")')
    assert (await client.data(of_campaign, key=finance))["moneyTerms"] == {
        **after,
        "holdDays": 7,
        "earnedWhen": "FULFILLED",
    }
    assert await client.error_codes(TERMS, key=await make_key(Role.ANALYST)) == ["FORBIDDEN"]


async def test_commissions_are_moved_and_tell_their_history(
    runtime: Runtime, ctx: Ctx, client: Client, program: ProgramRows, look: Look, make_key: Any
) -> None:
    commission = str(await booked(runtime, ctx, program, look))
    finance, analyst = await make_key(Role.FINANCE), await make_key(Role.ANALYST)

    async def move(verb: str, **more: Any) -> Any:
        document = f"""mutation ($input: MoveCommissionsInput!) {{ {verb}Commissions(input: $input) {{ {RESULTS}
          commission {{ state events {{ fromState toState reason }} }} }} }} }}"""
        variables = {"input": {"commissions": [{"id": commission, **more}]}}
        assert await client.error_codes(document, variables, key=analyst) == ["FORBIDDEN"]
        return (await client.data(document, variables, key=finance))[f"{verb}Commissions"]["results"][0]

    unpaid = await move("approve")
    assert (unpaid["outcome"], unpaid["code"], unpaid["path"]) == (
        "REJECTED",
        "ORDER_NOT_EARNED",
        ["commissions", "0", "id"],
    )
    held = await move("hold", reason="Looks odd.")
    assert held["commission"]["state"] == "HELD"
    await move("release")
    await record_order_events(runtime, ctx, [event("o-1", OrderEventKind.PAID)])

    approved = await move("approve", reason="Known shop.")

    assert approved["commission"]["state"] == "APPROVED"
    assert [(each["toState"], each["reason"]) for each in approved["commission"]["events"]] == [
        ("PENDING", None),
        ("HELD", "Looks odd."),
        ("PENDING", None),
        ("APPROVED", "Known shop."),
    ]
    rejected = await move("reject", reason="A friend's order.")
    assert rejected["outcome"] == "RECORDED"
    kinds = "{ commissions { nodes { kind state amount } } balances { nodes { owed } } }"
    found = await client.data(kinds)
    assert sorted((row["kind"], row["state"], row["amount"]) for row in found["commissions"]["nodes"]) == [
        ("ACCRUAL", "APPROVED", "10.00"),
        ("REJECTION", "REVERSED", "-10.00"),
    ]
    assert [row["owed"] for row in found["balances"]["nodes"]] == ["0.00"]


async def test_corrections_wait_for_another_key(client: Client, program: ProgramRows, make_key: Any) -> None:
    influencer = str(await program.influencer())
    first, second = await make_key(Role.FINANCE), await make_key(Role.FINANCE)
    [proposed] = (
        await client.data(
            f"""mutation ($influencer: ID!) {{ adjustCommissions(input: {{adjustments: [{{externalId: "k",
              influencerId: $influencer, currency: "JPY", amount: "120", reason: "A fee."}}]}}) {{ {RESULTS}
              adjustment {{ id state amount commission {{ id }} }} }} }} }}""",
            {"influencer": influencer},
            key=first,
        )
    )["adjustCommissions"]["results"]
    # Nobody knows what it is in the tenant's currency: another key looks.
    assert (proposed["adjustment"]["state"], proposed["adjustment"]["commission"]) == ("PROPOSED", None)

    decide = f"""mutation ($id: ID!) {{ decideCommissionAdjustments(input: {{decisions: [{{id: $id, accept: true}}]}})
      {{ {RESULTS} adjustment {{ state decidedBy proposedBy commission {{ kind state amount currency }} }} }} }} }}"""
    variables = {"id": proposed["adjustment"]["id"]}
    [refused] = (await client.data(decide, variables, key=first))["decideCommissionAdjustments"]["results"]
    assert refused["code"] == "SECOND_KEY_NEEDED"
    [posted] = (await client.data(decide, variables, key=second))["decideCommissionAdjustments"]["results"]

    assert posted["adjustment"]["state"] == "POSTED"
    assert posted["adjustment"]["decidedBy"] != posted["adjustment"]["proposedBy"]
    assert posted["adjustment"]["commission"] == {
        "kind": "ADJUSTMENT",
        "state": "APPROVED",
        "amount": "120",
        "currency": "JPY",
    }
    listed = "{ commissionAdjustments(where: {state: [POSTED]}) { totalCount nodes { externalId } } }"
    assert (await client.data(listed))["commissionAdjustments"]["totalCount"] == 1


async def test_rates_are_recorded_imported_and_listed(client: Client, make_key: Any) -> None:
    finance = await make_key(Role.FINANCE)
    document = f"""mutation {{
      recordExchangeRates(input: {{rates: [
        {{base: "KWD", quote: "GBP", day: "2026-03-10", rate: "2.5"}},
        {{base: "XXX", quote: "GBP", day: "2026-03-10", rate: "1"}}]}}) {{ {RESULTS} }} }}
      importExchangeRates(input: {{files: [{{csv: "Date,USD,GBP,\\n10 March 2026,1.16,0.87,\\n"}}]}})
        {{ {RESULTS} rates }} }} }}"""

    data = await client.data(document, key=finance)

    assert [each["code"] for each in data["recordExchangeRates"]["results"]] == [None, "INVALID_CURRENCY"]
    assert data["importExchangeRates"]["results"][0]["rates"] == 3
    rates = "{ exchangeRates { nodes { base quote day rate source } } }"
    found = (await client.data(rates))["exchangeRates"]["nodes"]
    assert {(row["base"], row["quote"], row["rate"], row["source"]) for row in found} == {
        ("KWD", "GBP", "2.5", "own"),
        ("EUR", "USD", "1.16", "ecb"),
        ("EUR", "GBP", "0.87", "ecb"),
        ("GBP", "USD", "1.3333333333", "ecb-cross"),
    }


async def test_what_was_invoiced_is_paid_once_and_no_more_than_it_is(
    runtime: Runtime, ctx: Ctx, client: Client, program: ProgramRows, look: Look, make_key: Any
) -> None:
    commission = await booked(runtime, ctx, program, look)
    [influencer] = [str(row["influencer_id"]) for row in await look.rows("commissions")]
    finance = await make_key(Role.FINANCE)
    await client.data(
        "mutation { setMoneyTerms(input: {terms: [{clawback: INVOICE}]}) { recordedCount } }", key=finance
    )
    await moved(runtime, ctx, (commission, CommissionState.APPROVED), (commission, CommissionState.PAID))
    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])
    document = f"""mutation ($payments: [InvoicePaymentInput!]!) {{
      recordInvoicePayments(input: {{payments: $payments}}) {{ {RESULTS} }} }} }}"""

    def paid(external_id: str, amount: str, who: str = influencer) -> dict[str, str]:
        return {"externalId": external_id, "influencerId": who, "currency": "GBP", "amount": amount}

    payments = [
        paid("a", "2.00"),
        paid("a", "2.00"),
        paid("a", "1.00"),
        paid("b", "0.51"),
        paid("c", "0"),
        paid("d", "1.00", str(commission)),
        paid("e", "0.50"),
    ]
    first = (await client.data(document, {"payments": payments}, key=finance))["recordInvoicePayments"]
    again = (await client.data(document, {"payments": payments[:1]}, key=finance))["recordInvoicePayments"]

    assert [each["code"] or each["outcome"] for each in first["results"]] == [
        "RECORDED",
        "REPLAYED",
        "DUPLICATE_IN_BATCH",
        "INVALID_AMOUNT",
        "INVALID_AMOUNT",
        "UNKNOWN_INFLUENCER",
        "RECORDED",
    ]
    assert again["replayedCount"] == 1
    [balance] = (await client.data("{ balances { nodes { payable invoiced paid owed } } }"))["balances"]["nodes"]
    assert balance == {"payable": "10.00", "invoiced": "0.00", "paid": "-2.50", "owed": "10.00"}
    month = ctx.now.astimezone(ZoneInfo(ctx.tenant.reporting_zone)).strftime("%Y-%m")
    document = (
        f'{{ statements(influencer: "{influencer}", month: "{month}") {{ movements {{ kind amount postings }} }} }}'
    )
    [statement] = (await client.data(document))["statements"]
    assert {"kind": "INVOICE_PAID", "amount": "2.50", "postings": 2} in statement["movements"]
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
