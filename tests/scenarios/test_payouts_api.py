"""Payouts through the public API: from a balance to money that arrived, by hand and by Stripe; what influencers see;
files; and no secret in what is logged or answered."""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import asyncpg
import pytest
from pydantic import SecretStr

from app.core.context import Ctx, Role
from app.integrations.payouts import opened
from app.main import create_app
from app.runtime import Runtime
from app.usecases.send_payouts import send_payouts
from tests.client import Client
from tests.factories.orders import Look, ProgramRows
from tests.factories.payouts import Payouts
from tests.fakes import stripe as fake_stripe
from tests.fakes.server import Way
from tests.fakes.stripe import FakeStripe

pytestmark = pytest.mark.database

IBAN = "DE89370400440532013000"
RESULTS = "results { outcome id code message } recordedCount"
MAKE = """mutation($input: CreatePayoutBatchesInput!) { createPayoutBatches(input: $input) {
  results { outcome code payoutBatch { id state total itemCount provider currency } } } }"""
APPROVE = f"mutation($input: DecidePayoutBatchesInput!) {{ approvePayoutBatches(input: $input) {{ {RESULTS} }} }}"
METHODS = f"mutation($input: UpsertPayoutMethodsInput!) {{ upsertPayoutMethods(input: $input) {{ {RESULTS} }} }}"
CONFIRM = f"mutation($input: ConfirmPayoutItemsInput!) {{ confirmPayoutItems(input: $input) {{ {RESULTS} }} }}"
ITEMS = """{ payoutItems { totalCount nodes {
  id state currency amount reservedCurrency reserved rate reference fee feeCurrency returned failureCode
  influencer { id } batch { id state } method { reference } events { fromState toState source }
  payments { kind amount occurredAt } } } }"""


class Api:
    """The API to a tenant that pays: a key that makes batches, one that approves, one of the influencer."""

    def __init__(self, payouts: Payouts, client: Client, keys: dict[str, str]) -> None:
        self.payouts = payouts
        self.client = client
        self.keys = keys

    async def ask(self, document: str, given: Any = None, *, as_: str = "first") -> Any:
        """The only field of the answer."""
        variables = {} if given is None else {"input": given}
        data = await self.client.data(document, variables, key=self.keys[as_])
        (value,) = data.values()
        return value

    async def batch(self, provider: str, currency: str = "EUR") -> str:
        """A batch that another key approved."""
        made = await self.ask(MAKE, {"payoutBatches": [{"provider": provider, "currency": currency}]})
        (result,) = made["results"]
        assert result["outcome"] == "RECORDED", result
        batch_id: str = result["payoutBatch"]["id"]
        approved = await self.ask(APPROVE, {"payoutBatches": [{"id": batch_id}]}, as_="second")
        assert approved["recordedCount"] == 1, approved
        return batch_id

    async def work(self) -> int:
        """What the worker does."""
        runtime = self.payouts.runtime
        return await send_payouts(
            runtime, self.payouts.ctx.tenant, partial(opened, runtime.settings, self.payouts.ctx.tenant_id)
        )


@pytest.fixture
async def payouts(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> Payouts:
    """A tenant with one influencer, who is owed 12.50 EUR."""
    made = Payouts(runtime, ctx, ProgramRows(runtime.db, admin, ctx), Look(runtime.db, ctx))
    made.clock.at = ctx.now
    return made


@pytest.fixture
async def influencer(payouts: Payouts) -> UUID:
    """Who is owed 12.50 EUR."""
    influencer_id = await payouts.program.influencer()
    await payouts.earn(influencer_id, 12_50, "EUR")
    return influencer_id


@pytest.fixture
async def api(
    payouts: Payouts, stripe: FakeStripe, influencer: UUID, make_key: Callable[..., Awaitable[str]]
) -> AsyncIterator[Api]:
    """The API to it."""
    payouts.with_accounts(
        stripe=stripe.account(), manual={"name": "Brand", "iban": "GB33BUKB20201555555555", "bic": "BUKBGB22"}
    )
    keys = {
        "first": await make_key(Role.FINANCE),
        "second": await make_key(Role.FINANCE),
        "analyst": await make_key(Role.ANALYST),
        "own": await make_key(Role.INFLUENCER, influencer_id=influencer),
    }
    async with Client(create_app(payouts.runtime), keys["first"]) as client:
        yield Api(payouts, client, keys)


@pytest.fixture
def stripe() -> Any:
    """Stripe's server."""
    with FakeStripe() as server:
        yield server


async def test_stripe_from_onboarding_to_the_measure(api: Api, stripe: FakeStripe, influencer: UUID) -> None:
    method = {"influencerId": str(influencer), "currency": "EUR", "provider": "STRIPE"}
    ((made),) = (await api.ask(METHODS, {"payoutMethods": [method]}))["results"]
    page = """mutation($input: OnboardPayoutMethodsInput!) { onboardPayoutMethods(input: $input) {
      results { outcome code page { url reference expiresAt } } } }"""
    asked = [{"id": made["id"], "returnUrl": "https://brand.example/done", "refreshUrl": "https://brand.example/again"}]
    for _ in range(2):
        ((onboarded),) = (await api.ask(page, {"payoutMethods": asked}))["results"]
        assert onboarded["page"]["url"] == "https://connect.stripe.test/setup/acct_0001"
    assert stripe.accounts.total() == 1

    preview = "{ payoutPreview { due { balance amount obstacle influencer { id } } totals { provider amount count } } }"
    found = await api.ask(preview)
    assert found["totals"] == [{"provider": "STRIPE", "amount": "12.50", "count": 1}]
    # By the date of payment; of a currency without a rate the own amount, and a warning with the converted one.
    measure = """{ analytics(range: {last: {n: 2, unit: DAY, includeCurrent: true}}) {
      totals { payouts } meta { warnings { code count } }
      groups(by: [{dimension: {name: INFLUENCER}}, {dimension: {name: CURRENCY}}]) {
        nodes { key { influencer { id } currency } measures { payouts } } } } }"""
    # Asked so often that the answer is kept, until the payment.
    for _ in range(3):
        assert (await api.ask(measure))["groups"]["nodes"] == []
    batch_id = await api.batch("STRIPE")
    assert (await api.ask(preview))["due"] == []
    await api.work()
    (item,) = (await api.ask(ITEMS))["nodes"]
    assert (item["state"], item["amount"], item["reference"]) == ("SUCCEEDED", "12.50", "…0001")
    assert item["batch"] == {"id": batch_id, "state": "DONE"}
    assert [event["toState"] for event in item["events"]] == ["RESERVED", "SENDING", "SUCCEEDED"]
    assert [payment["amount"] for payment in item["payments"]] == ["12.50"]

    answer = await api.ask(measure)
    (group,) = answer["groups"]["nodes"]
    assert group == {
        "key": {"influencer": {"id": str(influencer)}, "currency": "EUR"},
        "measures": {"payouts": "12.50"},
    }
    assert answer["totals"] == {"payouts": "0.00"}
    assert answer["meta"]["warnings"] == [{"code": "MISSING_EXCHANGE_RATE", "count": 1}]
    # The influencer sees the own payment, and no batch, which tells of others.
    (own,) = (await api.ask(ITEMS, as_="own"))["nodes"]
    assert (own["state"], own["batch"], own["events"]) == ("SUCCEEDED", None, [])
    assert (await api.ask(measure, as_="own"))["groups"]["nodes"] == [group]
    assert (await api.ask("{ payoutBatches { totalCount } }", as_="own"))["totalCount"] == 0


async def test_by_hand_from_a_file_and_its_confirmation(api: Api, influencer: UUID) -> None:
    methods = [{"influencerId": str(influencer), "currency": "EUR", "reference": IBAN, "holder": "Ina Müller"}]
    assert (await api.ask(METHODS, {"payoutMethods": methods}))["recordedCount"] == 1
    shown = await api.ask("{ payoutMethods { nodes { reference holder provider taxState } } }", as_="analyst")
    assert shown["nodes"] == [
        {"reference": "…3000", "holder": "Ina Müller", "provider": "MANUAL", "taxState": "MISSING"}
    ]
    batch_id = await api.batch("MANUAL")
    file = f'{{ payoutFile(batch: "{batch_id}", format: %s) {{ name mediaType content }} }}'
    found = await api.ask(file % "CSV")
    (line,) = csv.DictReader(io.StringIO(found["content"]))
    assert (line["name"], line["reference"], line["amount"], line["currency"]) == ("Ina Müller", IBAN, "12.50", "EUR")
    found = await api.ask(file % "SEPA")
    space = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.03}"
    tree = ElementTree.fromstring(found["content"])
    texts = {element.tag.removeprefix(space): element.text for element in tree.iter()}
    assert texts["MsgId"] == UUID(batch_id).hex
    assert texts["CtrlSum"] == texts["InstdAmt"] == "12.50"
    assert texts["EndToEndId"] == UUID(line["item"]).hex
    assert [found.text for found in tree.iter(f"{space}IBAN")] == ["GB33BUKB20201555555555", IBAN]
    assert await api.client.error_codes(file % "CSV", key=api.keys["analyst"]) == ["FORBIDDEN"]
    await api.work()
    told = {"id": line["item"], "outcome": "SUCCEEDED", "fee": "0.20", "reference": "bank 7"}
    assert (await api.ask(CONFIRM, {"payoutItems": [told]}))["recordedCount"] == 1
    (item,) = (await api.ask(ITEMS))["nodes"]
    assert (item["state"], item["fee"], item["feeCurrency"]) == ("SUCCEEDED", "0.20", "EUR")
    assert await api.client.error_codes(file % "CSV") == ["PAYOUT_STATE"]
    month = f"{api.payouts.clock.at:%Y-%m}"
    document = f"""{{ statements(influencer: "{influencer}", month: "{month}") {{
      currency opening closing movements {{ kind amount }} }} }}"""
    for who in ("first", "own"):
        (statement,) = await api.ask(document, as_=who)
        assert statement == {
            "currency": "EUR",
            "opening": "0.00",
            "closing": "0.00",
            "movements": [{"kind": "ADJUSTED", "amount": "12.50"}, {"kind": "PAID", "amount": "-12.50"}],
        }
    balance = "{ balances { nodes { currency payable paying paid owed } } }"
    assert (await api.ask(balance, as_="own"))["nodes"] == [
        {"currency": "EUR", "payable": "0.00", "paying": "0.00", "paid": "12.50", "owed": "0.00"}
    ]


async def test_an_influencer_asks_to_be_paid_and_sees_the_own_alone(api: Api, influencer: UUID) -> None:
    policy = """mutation($input: UpsertPayoutPoliciesInput!) { upsertPayoutPolicies(input: $input) {
      results { outcome payoutPolicy { threshold schedule nextAt } } } }"""
    (kept,) = (await api.ask(policy, {"payoutPolicies": [{"currency": "EUR", "threshold": "50.00"}]}))["results"]
    assert kept["payoutPolicy"] == {"threshold": "50.00", "schedule": "BY_HAND", "nextAt": None}
    other = await api.payouts.payee(99_00, "EUR")
    await api.payouts.method(influencer, "EUR")
    due = "{ payoutPreview { due { obstacle requestedAt influencer { id } } } }"
    (own,) = (await api.ask(due, as_="own"))["due"]
    assert own == {"obstacle": "BELOW_THRESHOLD", "requestedAt": None, "influencer": {"id": str(influencer)}}
    ask = "mutation($input: RequestPayoutsInput!) { requestPayouts(input: $input) { results { outcome code } } }"
    wish = {"payoutRequests": [{"currency": "EUR"}]}
    assert (await api.ask(ask, wish, as_="own"))["results"] == [{"outcome": "RECORDED", "code": None}]
    assert (await api.client.error_codes(ask, {"input": wish})) == ["FORBIDDEN"]
    found = (await api.ask(due))["due"]
    assert {each["influencer"]["id"]: each["obstacle"] for each in found} == {
        str(influencer): None,
        str(other): None,
    }
    await api.batch("MANUAL")
    assert (await api.ask(ITEMS))["totalCount"] == 2
    assert (await api.ask(ITEMS, as_="own"))["totalCount"] == 1
    make = {"payoutBatches": [{"provider": "MANUAL", "currency": "EUR"}]}
    assert await api.client.error_codes(MAKE, {"input": make}, key=api.keys["own"]) == ["FORBIDDEN"]


async def test_no_secret_reaches_logs_or_answers(
    api: Api, stripe: FakeStripe, influencer: UUID, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    method = {"influencerId": str(influencer), "currency": "EUR", "provider": "STRIPE", "reference": "acct_secretpayee"}
    await api.ask(METHODS, {"payoutMethods": [method]})
    await api.batch("STRIPE")
    stripe.next.extend([Way.BROKEN_BEFORE, Way.BUSY, Way.LOST_AFTER])
    for _ in range(4):
        await api.work()
        api.payouts.clock.pass_(minutes=2)
    answer = await api.client.query(ITEMS)
    broken = SecretStr(json.dumps({str(api.payouts.ctx.tenant_id): {"stripe": {"secret_key": fake_stripe.KEY}}}))
    runtime = api.payouts.runtime
    api.payouts.runtime = replace(runtime, settings=runtime.settings.model_copy(update={"payout_accounts": broken}))
    with pytest.raises(Exception, match="SCOVILLE_PAYOUT_ACCOUNTS cannot be read at") as refusal:
        await api.work()
    out = capfd.readouterr()
    told = "\n".join([caplog.text, out.out, out.err, json.dumps(answer), repr(refusal.value), repr(runtime.settings)])
    for table in ("audit_log", "outbox", "payout_events", "payout_messages", "idempotency_keys"):
        told += str(await api.payouts.look.rows(table))
    for secret in (fake_stripe.KEY, fake_stripe.WEBHOOK_SECRET, "GB33BUKB20201555555555", "acct_secretpayee"):
        assert secret not in told
