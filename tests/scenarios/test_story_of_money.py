"""An order's whole way through the public API, in several currencies and paid by hand.

Click → order → partial refund → hold → approval → payout → refund after the payout → the next payout nets it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.analytics.rollups.verify import verify
from app.core.context import Ctx, Role
from app.integrations.payouts import opened
from app.ledger import balances
from app.runtime import Runtime
from app.usecases.approve_due import approve_due
from app.usecases.send_payouts import send_payouts
from tests.client import Client
from tests.invariants.books import broken_laws
from tests.scenarios.test_commission_plans import one
from tests.scenarios.test_program_api import at, created

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
NOW = datetime.now(UTC).replace(microsecond=0)
WEEK_AGO = NOW - timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Currency:
    """What the store sells in, and what the influencer is paid in. unit: what the story's 1.00 is in the first.

    rate: units of the second for one of the first.
    """

    sold: str
    paid: str
    unit: Decimal
    rate: Decimal

    def money(self, amount: str) -> str:
        """The story's amount in the currency sold in."""
        value = Decimal(amount) * self.unit
        return f"{value:.0f}" if self.sold == "JPY" else f"{value:.2f}"

    def payment(self, amount: str) -> str:
        """The same in the currency paid in."""
        value = Decimal(self.money(amount)) * self.rate
        return f"{value:.0f}" if self.paid == "JPY" else f"{value:.2f}"


CURRENCIES = [
    Currency("GBP", "GBP", Decimal(1), Decimal(1)),
    Currency("JPY", "JPY", Decimal(150), Decimal(1)),
    Currency("USD", "EUR", Decimal(1), Decimal("0.9")),
]


@dataclass(slots=True)
class Store:
    """The tenant as its people see it: an administrator, who makes batches, and finance, who approves them."""

    client: Client
    runtime: Runtime
    ctx: Ctx
    finance: str
    currency: Currency
    influencer: str = ""

    async def work(self) -> None:
        """What the worker does meanwhile."""
        await approve_due(self.runtime, self.ctx.tenant)
        await send_payouts(self.runtime, self.ctx.tenant, partial(opened, self.runtime.settings, self.ctx.tenant_id))
        await balances.fold(self.runtime.db, self.ctx.tenant_id)

    async def write(self, field: str, name: str, given: dict[str, Any], *, input: str = "", key: str = "") -> str:
        """The id that a mutation of one item recorded."""
        kind = input or f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ results {{ outcome id code message }} }} }}"
        data = await self.client.data(document, {"input": {name: [given]}}, key=key or self.client.key)
        (result,) = data[field]["results"]
        assert result["outcome"] == "RECORDED", result
        found: str = result["id"]
        return found

    async def order(self, name: str, lines: dict[str, str], occurred_at: datetime) -> None:
        """An order of the visitor who clicked, paid at once."""
        made = [
            {"kind": kind, "amount": self.currency.money(amount), "quantity": 2, "sku": kind.lower()}
            for kind, amount in lines.items()
        ]
        total = sum((Decimal(line["amount"]) for line in made), Decimal(0))  # type: ignore[arg-type]  # all are texts
        sent = {"externalId": name, "occurredAt": at(occurred_at), "currency": self.currency.sold, "total": str(total)}
        more = {"lines": made, "visitorId": "v-1", "customer": "c-1"}
        await self.write("recordOrders", "orders", {**sent, **more})
        paid = {"orderExternalId": name, "kind": "PAID", "occurredAt": at(occurred_at)}
        await self.write("recordOrderEvents", "events", paid)

    async def pay(self) -> str:
        """A batch of what is due, approved by finance, sent and confirmed: the amount that was paid."""
        batch = {"provider": "MANUAL", "currency": self.currency.paid}
        batch_id = await self.write("createPayoutBatches", "payoutBatches", batch)
        await self.write(
            "approvePayoutBatches",
            "payoutBatches",
            {"id": batch_id},
            input="DecidePayoutBatchesInput",
            key=self.finance,
        )
        await self.work()
        document = "query($batch: ID!) { payoutItems(where: {batch: {in: [$batch]}}) { nodes { id state amount } } }"
        (item,) = (await self.client.data(document, {"batch": batch_id}))["payoutItems"]["nodes"]
        assert item["state"] == "SENT"
        told = {"id": item["id"], "outcome": "SUCCEEDED", "reference": "bank 1"}
        await self.write("confirmPayoutItems", "payoutItems", told, key=self.finance)
        amount: str = item["amount"]
        return amount

    async def states(self) -> dict[str, int]:
        """How many commissions are in each state."""
        nodes = (await self.client.data("{ commissions { nodes { state } } }"))["commissions"]["nodes"]
        found = [node["state"] for node in nodes]
        return {state: found.count(state) for state in sorted(set(found))}

    async def balance(self) -> dict[str, str]:
        """What the influencer is owed in the currency sold in, without what is 0."""
        document = "{ balances { nodes { currency pending held payable paying } } }"
        nodes = (await self.client.data(document))["balances"]["nodes"]
        return {
            name: amount
            for node in nodes
            if node.pop("currency") == self.currency.sold
            for name, amount in node.items()
            if Decimal(amount)
        }


@pytest.mark.parametrize("currency", CURRENCIES, ids=lambda each: f"{each.sold} paid in {each.paid}")
async def test_an_order_from_its_click_to_the_payout_that_nets_its_refund(
    client: Client, runtime: Runtime, ctx: Ctx, make_key: MakeKey, currency: Currency
) -> None:
    store = Store(client, runtime, ctx, await make_key(Role.FINANCE), currency)
    money = currency.money
    # Payouts are converted at the rates of today, by way of the tenant's currency.
    for day in (WEEK_AGO, NOW):
        for base, quote, rate in (("USD", "GBP", "0.72"), ("EUR", "GBP", "0.8"), ("GBP", "JPY", "187.5")):
            sent = {"base": base, "quote": quote, "day": f"{day:%Y-%m-%d}", "rate": rate}
            await store.write("recordExchangeRates", "rates", sent)
    await one(client, "setMoneyTerms", {"terms": [{"earnedWhen": "PAID", "holdDays": 0}]})
    (ana,) = await created(client, "influencers", [{"name": "Ana"}])
    begun = {"name": "Spring", "startsAt": at(NOW - timedelta(days=30)), "commissionRate": "0.1"}
    (campaign,) = await created(client, "campaigns", [begun])
    (link,) = await created(
        client, "links", [{"influencerId": ana, "campaignId": campaign, "url": "https://store.example/menu"}]
    )
    method = {"influencerId": ana, "currency": currency.paid, "isDefault": True, "holder": "Ana", "reference": "ES79"}
    await store.write("upsertPayoutMethods", "payoutMethods", method)

    # Click, order, partial refund: 10 % of 200.00, less what one of two units earned.
    click = {"kind": "CLICK", "occurredAt": at(WEEK_AGO), "linkId": link, "visitorId": "v-1"}
    await store.write("recordInstances", "instances", click)
    await store.order("o-1", {"ITEM": "200.00", "SHIPPING": "10.00"}, WEEK_AGO + timedelta(hours=1))
    assert await store.balance() == {"pending": money("20.00")}
    part = {"externalId": "r-1", "orderExternalId": "o-1", "occurredAt": at(WEEK_AGO + timedelta(days=1))}
    await store.write("recordRefunds", "refunds", {**part, "lines": [{"position": 0, "quantity": 1}]})
    assert await store.balance() == {"pending": money("10.00")}

    # Held, the worker leaves it alone; released, it approves it.
    (accrual,) = (await client.data("{ commissions(where: {kind: [ACCRUAL]}) { nodes { id } } }"))["commissions"][
        "nodes"
    ]
    moved = {"id": accrual["id"], "reason": "Looks odd."}
    await store.write("holdCommissions", "commissions", moved, input="MoveCommissionsInput", key=store.finance)
    await store.work()
    assert await store.balance() == {"held": money("10.00")}
    assert (await client.data("{ payoutPreview { totals { amount } } }"))["payoutPreview"]["totals"] == []
    moved = {"id": accrual["id"], "reason": "It is not."}
    await store.write("releaseCommissions", "commissions", moved, input="MoveCommissionsInput", key=store.finance)
    assert await store.balance() == {"pending": money("10.00")}
    await store.work()
    assert await store.balance() == {"payable": money("10.00")}

    assert await store.pay() == currency.payment("10.00")
    assert await store.balance() == {}
    assert await store.states() == {"PAID": 1, "REVERSED": 1}

    # Taken back after it was paid: the balance is negative, and the next payout pays the rest.
    rest = {"externalId": "r-2", "orderExternalId": "o-1", "occurredAt": at(NOW - timedelta(days=2))}
    await store.write("recordRefunds", "refunds", {**rest, "lines": [{"position": 0}, {"position": 1}]})
    assert await store.balance() == {"payable": money("-10.00")}
    await store.order("o-2", {"ITEM": "250.00"}, NOW - timedelta(days=1))
    await store.work()
    assert await store.balance() == {"payable": money("15.00")}
    assert await store.pay() == currency.payment("15.00")
    assert await store.balance() == {}
    assert await store.states() == {"PAID": 2, "REVERSED": 2}

    # The statement tells it, the influencer sees it, and every entry names what it was posted for.
    month = f"{datetime.now(ZoneInfo(ctx.tenant.reporting_zone)):%Y-%m}"
    document = """query($influencer: ID!, $month: String!) { statements(influencer: $influencer, month: $month) {
      currency opening closing movements { kind amount } lines { orderExternalId amount } } }"""
    own = await make_key(Role.INFLUENCER, influencer_id=ana)
    told = (await client.data(document, {"influencer": ana, "month": month}, key=own))["statements"]
    (statement,) = [each for each in told if each["currency"] == currency.sold]
    assert [Decimal(statement[name]) for name in ("opening", "closing")] == [Decimal(0)] * 2
    left = {each["kind"]: each["amount"] for each in statement["movements"]}
    if currency.sold == currency.paid:
        assert left == {"EARNED": money("45.00"), "REVERSED": money("-20.00"), "PAID": money("-25.00")}
    else:
        assert left == {"EARNED": money("45.00"), "REVERSED": money("-20.00"), "CONVERTED": money("-25.00")}
        (other,) = [each for each in told if each["currency"] == currency.paid]
        kinds = {each["kind"]: each["amount"] for each in other["movements"]}
        assert kinds == {"CONVERTED": currency.payment("25.00"), "PAID": f"-{currency.payment('25.00')}"}
    assert sum(Decimal(line["amount"]) for line in statement["lines"]) == 0
    entries = (await client.data("{ ledgerEntries(first: 100) { nodes { currency amount } } }"))["ledgerEntries"][
        "nodes"
    ]
    for name in {entry["currency"] for entry in entries}:
        assert sum(Decimal(entry["amount"]) for entry in entries if entry["currency"] == name) == 0

    # Who earned what and why is told without the customer.
    shown = await client.data("{ orders { nodes { externalId attribution { rule winner { kind } } } } }", key=own)
    winners = {node["externalId"]: node["attribution"]["winner"]["kind"] for node in shown["orders"]["nodes"]}
    assert winners == {"o-1": "CLICK", "o-2": "CLICK"}
    assert await client.error_codes("{ orders { nodes { customer { externalId } } } }", key=own) == ["FORBIDDEN"] * 2
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
    assert not [each for each in await verify(runtime.db, ctx.tenant_id) if each.off]
