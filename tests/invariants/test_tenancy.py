"""The law of tenancy: no root field shows or changes another tenant's rows, and either protection holds alone.

Every root field is called with a key of another tenant and everything that can be known of the victim: ids, slugs,
external ids, codes, visitors. Four ways: with both protections; with the statements' own predicates alone (row-level
security switched off); with row-level security alone (predicates stripped from every statement, as the app's role);
and with neither, which must leak, or the test would prove nothing.
"""

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from sqlmodel import SQLModel
from strawberry.types.base import get_object_definition

from app.core.context import Role, TenantInfo
from app.core.ids import new_id
from app.db.owner import OwnerDatabase
from app.db.session import ReadSession, WriteSession
from app.main import create_app
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.tenancy.service import create_key
from graphql_schema.schema import schema
from tests.client import Client
from tests.conftest import add_tenant
from tests.factories.databases import migrated_database

NOW = datetime.now(UTC).replace(microsecond=0)
AT = (NOW - timedelta(days=3)).isoformat()
SECRET = "SECRET"
"""In every text of the victim that no caller from outside knows."""

AMOUNT = "98765.43"
WINDOW_DAYS = 321
"""Of the victim's own rules."""

DOMAIN = "seldom.example"
"""Of the victim's own rules of fraud."""

RESULTS = "results { outcome id code message }"
TENANT_TABLES = sorted(
    table.name for table in SQLModel.metadata.tables.values() if table.primary_key.columns.keys()[0] == "tenant_id"
)
PREDICATE = re.compile(r"(?:\b\w+\.)?tenant_id = \$1(?:::\w+)?(?!\d)")


@dataclass(frozen=True, slots=True)
class Place:
    """A database with two tenants, and a client for each."""

    runtime: Runtime
    victim: Client
    other: Client
    victim_id: uuid.UUID
    known: dict[str, Any]


@pytest.fixture(scope="session")
async def unguarded(services: Settings) -> AsyncIterator[Settings]:
    """A database of its own, in which row-level security is switched off."""
    async with migrated_database(services) as settings:
        connection = await asyncpg.connect(settings.owner_url)
        for row in await connection.fetch(
            """SELECT oid::regclass::text AS name FROM pg_class
            WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"""
        ):
            await connection.execute(f"ALTER TABLE {row['name']} DISABLE ROW LEVEL SECURITY")
        await connection.close()
        yield settings


def strip_predicates(patch: pytest.MonkeyPatch) -> None:
    """From now on no statement compares a tenant: only row-level security is left."""

    def stripped(sql: str) -> str:
        bare = PREDICATE.sub("$1::uuid IS NOT NULL", sql)
        assert "tenant_id = $" not in bare, sql
        return bare

    def wrap(owner: type, name: str) -> None:
        original = getattr(owner, name)

        # Awaited here: the statement is a test's, and not held to the rules that it breaks.
        async def replaced(self: Any, sql: str, *args: Any) -> Any:
            return await original(self, stripped(sql), *args)

        patch.setattr(owner, name, replaced)

    for name in ("fetch", "fetchrow", "fetchval"):
        wrap(ReadSession, name)
    wrap(WriteSession, "execute")


@pytest.fixture(params=["both protections", "predicates alone", "policies alone", "neither"])
async def protection(request: pytest.FixtureRequest) -> str:
    """What is left of the two protections."""
    found: str = request.param
    return found


@pytest.fixture
async def place(
    protection: str, settings: Settings, unguarded: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    chosen = settings if protection in ("both protections", "policies alone") else unguarded
    admin = await asyncpg.connect(chosen.owner_url)
    tenants = [
        TenantInfo(new_id(), f"{name} {uuid.uuid4().hex}", reporting_zone="UTC", currency="GBP", is_test=False)
        for name in (SECRET, "other")
    ]
    async with open_runtime(chosen) as runtime, OwnerDatabase.connected(chosen) as owner:
        keys = []
        for tenant in tenants:
            await add_tenant(admin, tenant)  # type: ignore[arg-type]  # a connection executes as a pool does
            for _ in range(2):
                async with owner.owner() as session:
                    made = await create_key(session, tenant=tenant, role=Role.ADMIN, name="test", now=NOW)
                keys.append(made.key)
        app = create_app(runtime)
        async with Client(app, keys[0]) as victim, Client(app, keys[2]) as other:
            known = await victim_writes(victim, second=keys[1])
            if protection in ("policies alone", "neither"):
                strip_predicates(monkeypatch)
            yield Place(runtime, victim, other, tenants[0].id, known)
    await admin.close()


async def victim_writes(client: Client, *, second: str) -> dict[str, Any]:
    """Fill the victim's tenant with one of everything; what an outsider could get to know of it.

    second: another key of the tenant, for what needs two.
    """
    slug = f"slug-{uuid.uuid4().hex[:12]}"
    made: dict[str, Any] = {"slug": slug, "at": AT}

    async def create(field: str, given: dict[str, Any], *, input: str = "", key: str | None = None) -> str:
        name = input or f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation($input: {name}!) {{ {field}(input: $input) {{ {RESULTS} }} }}"
        (result,) = (await client.data(document, {"input": given}, key=key or client.key))[field]["results"]
        assert result["outcome"] == "RECORDED", result
        found: str = result["id"]
        return found

    made["influencer"] = await create(
        "createInfluencers", {"influencers": [{"name": f"{SECRET} influencer", "externalId": "i-1"}]}
    )
    made["campaign"] = await create(
        "createCampaigns",
        {
            "campaigns": [
                {
                    "name": f"{SECRET} campaign",
                    "externalId": "p-1",
                    "commissionRate": "0.1",
                    "startsAt": (NOW - timedelta(days=9)).isoformat(),
                }
            ]
        },
    )
    pair = {"influencerId": made["influencer"], "campaignId": made["campaign"]}
    made["enrollment"] = await create("createEnrollments", {"enrollments": [pair]})
    made["link"] = await create(
        "createLinks",
        {"links": [{**pair, "slug": slug, "url": f"https://store.example/{SECRET}", "utmCampaign": SECRET}]},
    )
    made["code"] = await create("createCodes", {"codes": [{**pair, "code": "SPICY"}]})
    made["product"] = await create(
        "upsertProducts", {"products": [{"externalId": "sku-1", "title": f"{SECRET} sauce"}]}
    )
    made["customer"] = await create(
        "upsertCustomers", {"customers": [{"externalId": "c-1", "email": f"{SECRET}@example.com"}]}
    )
    made["instance"] = await create(
        "recordInstances",
        {
            "instances": [
                {
                    "kind": "CLICK",
                    "occurredAt": AT,
                    "linkId": made["link"],
                    "externalId": "click-1",
                    "visitorId": "v-1",
                    "clickId": "k-1",
                    "channel": SECRET,
                }
            ]
        },
    )
    line = {"kind": "ITEM", "amount": AMOUNT, "sku": "sku-1", "title": SECRET, "externalId": "line-1"}
    made["order"] = await create(
        "recordOrders",
        {
            "orders": [
                {
                    "externalId": "o-1",
                    "occurredAt": AT,
                    "currency": "GBP",
                    "total": AMOUNT,
                    "lines": [line],
                    "customer": "c-1",
                    "visitorId": "v-1",
                    "codes": ["SPICY"],
                }
            ]
        },
    )
    await create("recordOrderEvents", {"events": [{"orderExternalId": "o-1", "kind": "PAID", "occurredAt": AT}]})
    refund = {"orderExternalId": "o-1", "occurredAt": NOW.isoformat(), "amount": "1.00", "reason": SECRET}
    made["refund"] = await create("recordRefunds", {"refunds": [{"externalId": "r-1", **refund}]})
    made["waiting"] = await create(
        "recordRefunds", {"refunds": [{"externalId": "r-2", **refund, "orderExternalId": "not yet"}]}
    )
    made["adjustment"] = await create(
        "recordAdjustments",
        {
            "adjustments": [
                {
                    "externalId": "a-1",
                    "occurredAt": AT,
                    "currency": "GBP",
                    "amount": AMOUNT,
                    "reason": SECRET,
                    "sku": "sku-1",
                }
            ]
        },
    )
    made["snapshot"] = await create(
        "recordEngagements",
        {"engagements": [{**pair, "platform": "TIKTOK", "postId": "post-1", "occurredAt": AT, "views": 98765}]},
    )
    await create("setAttributionRules", {"windowDays": WINDOW_DAYS})
    rules = [{"key": "all", "kind": "PERCENTAGE", "rate": "0.1"}]
    made["plan"] = await create(
        "createCommissionPlans",
        {
            "commissionPlans": [
                {"name": f"{SECRET} plan", "externalId": "p-1", "terms": {"effectiveFrom": AT, "rules": rules}}
            ]
        },
    )
    made["assignment"] = await create(
        "assignCommissionPlans",
        {"assignments": [{"planId": made["plan"], "campaignId": made["campaign"], "effectiveFrom": AT}]},
    )
    await create("setMoneyTerms", {"terms": [{"adjustmentLimit": AMOUNT}]})
    # Above the limit: it waits for the first key.
    correction = {"influencerId": made["influencer"], "currency": "GBP", "amount": f"1{AMOUNT}", "reason": SECRET}
    made["correction"] = await create(
        "adjustCommissions", {"adjustments": [{"externalId": "k-1", **correction}]}, key=second
    )
    await create("recordExchangeRates", {"rates": [{"base": "KWD", "quote": "OMR", "day": AT[:10], "rate": AMOUNT}]})
    (commission,) = (await client.data("{ commissions(where: {kind: [ACCRUAL]}) { nodes { id } } }"))["commissions"][
        "nodes"
    ]
    made["commission"] = commission["id"]
    made["spend"] = await create(
        "recordSpend",
        {
            "spend": [
                {**pair, "externalId": "s-1", "occurredAt": AT, "currency": "GBP", "amount": AMOUNT, "note": SECRET}
            ]
        },
    )
    await _victim_pays(client, create, made, second)
    await create("setFraudRules", {"velocityOrders": 1, "suspiciousDomains": [DOMAIN]})
    suspicious: dict[str, Any] = {"externalId": "o-2", "occurredAt": AT, "currency": "GBP", "total": "1.00"}
    # Postage alone: what analytics say of the victim stays as it is.
    suspicious |= {"lines": [{"kind": "SHIPPING", "amount": "1.00"}]}
    await create("recordOrders", {"orders": [{**suspicious, "codes": ["SPICY"]}]})
    (hit,) = (await client.data("{ fraudHits { nodes { id } } }"))["fraudHits"]["nodes"]
    made["hit"] = hit["id"]
    return made


async def _victim_pays(client: Client, create: Any, made: dict[str, Any], second: str) -> None:
    """A batch that is approved, two drafts, and a balance beside them that is due."""
    made["method"] = await create(
        "upsertPayoutMethods",
        {"payoutMethods": [{"influencerId": made["influencer"], "currency": "GBP", "holder": SECRET}]},
    )
    made["policy"] = await create(
        "upsertPayoutPolicies", {"payoutPolicies": [{"currency": "GBP", "threshold": AMOUNT}]}
    )
    await create("setMoneyTerms", {"terms": [{"adjustmentLimit": f"1000{AMOUNT}"}]})
    for number, name in enumerate(("batch", "draft", "spare", None)):
        owed = {"influencerId": made["influencer"], "currency": "GBP", "amount": AMOUNT, "reason": SECRET}
        await create("adjustCommissions", {"adjustments": [{**owed, "externalId": f"owed-{number}"}]})
        if name is not None:
            drafted = {"provider": "MANUAL", "currency": "GBP", "note": SECRET}
            made[name] = await create("createPayoutBatches", {"payoutBatches": [drafted]})
    approved = {"payoutBatches": [{"id": made["batch"]}]}
    await create("approvePayoutBatches", approved, input="DecidePayoutBatchesInput", key=second)
    for batch, item in (("batch", "item"), ("draft", "draftItem")):
        found = await client.data(
            "query($batch: ID!) { payoutItems(where: {batch: {in: [$batch]}}) { nodes { id } } }",
            {"batch": made[batch]},
        )
        made[item] = found["payoutItems"]["nodes"][0]["id"]


RANGE = f'range: {{between: {{from: "{(NOW - timedelta(days=30)).isoformat()}", until: "{NOW.isoformat()}"}}}}'

QUERIES = {
    "viewer": "{ viewer { tenantName } }",
    "node": """query($influencer: ID!, $campaign: ID!, $enrollment: ID!, $link: ID!, $code: ID!, $product: ID!,
        $customer: ID!, $order: ID!, $refund: ID!, $adjustment: ID!, $snapshot: ID!, $spend: ID!) {
      a: node(id: $influencer) { ... on Influencer { name orders { totalCount } commissions { totalCount } } }
      b: node(id: $campaign) { ... on Campaign { name enrollments { nodes { id } } } }
      c: node(id: $enrollment) { ... on Enrollment { influencer { name } orders { nodes { externalId } } } }
      d: node(id: $link) { ... on Link { url } } e: node(id: $code) { ... on Code { code influencer { name } } }
      f: node(id: $product) { ... on Product { title } }
      g: node(id: $customer) { ... on Customer { identity { email } orders { nodes { id } } } }
      h: node(id: $order) { ... on Order { total lines { title } commissions { amount } attribution { rule } } }
      i: node(id: $refund) { ... on Refund { reason lines { amount } } }
      j: node(id: $adjustment) { ... on Adjustment { reason } } k: node(id: $spend) { ... on Spend { note } }
      l: node(id: $snapshot) { ... on EngagementSnapshot { views influencer { name } campaign { name } } }
    }""",
    "influencers": """query($influencer: ID!) {
      influencers(where: {id: {in: [$influencer]}}) { totalCount nodes { name profiles { handle } } }
      all: influencers { nodes { name } } }""",
    "campaign": "query($campaign: ID!) { campaign(id: $campaign) { name } }",
    "influencer": "query($influencer: ID!) { influencer(id: $influencer) { name } }",
    "product": "query($product: ID!) { product(id: $product) { title } }",
    "order": "query($order: ID!) { order(id: $order) { total } }",
    "campaigns": "query($campaign: ID!) { campaigns(where: {id: {in: [$campaign]}}) { totalCount nodes { name } } }",
    "enrollments": """query($campaign: ID!) {
      enrollments(where: {campaign: {in: [$campaign]}}) { totalCount nodes { campaign { name } } } }""",
    "links": "query($influencer: ID!) { links(where: {influencer: {in: [$influencer]}}) { nodes { url slug } } }",
    "codes": 'query { codes(where: {code: {in: ["SPICY"]}}) { nodes { influencer { name } } } }',
    "instances": """query($influencer: ID!) {
      instances(where: {influencer: {in: [$influencer]}}) { nodes { kind channel influencer { name } } } }""",
    "customers": "query($customer: ID!) { customers(where: {id: {in: [$customer]}}) { nodes { identity { email } } } }",
    "products": 'query { products(where: {externalId: {in: ["sku-1"]}}) { nodes { title } } }',
    "orders": 'query { orders(where: {externalId: {in: ["o-1"]}}) { nodes { total lines { title } } } }',
    "refunds": 'query { refunds(where: {externalId: {in: ["r-1", "r-2"]}}) { nodes { reason } } }',
    "adjustments": "query { adjustments { nodes { reason } } }",
    "attributionRules": "query { attributionRules { windowDays } }",
    "fraudHits": "query($hit: ID!) { fraudHits(where: {state: [OPEN]}) { nodes { influencer { name } } } "
    "node(id: $hit) { ... on FraudHit { influencer { name } order { externalId } commission { amount } } } }",
    "fraudRules": "query { fraudRules { suspiciousDomains } }",
    "commissions": "query { commissions { nodes { basis influencer { name } } } }",
    "commissionPlan": "query($plan: ID!) { commissionPlan(id: $plan) { name versions { nodes { rules { key } } } } }",
    "commissionPlans": 'query { commissionPlans(where: {externalId: {in: ["p-1"]}}) { totalCount nodes { name } } }',
    "commissionPlanAssignments": """query($plan: ID!) { commissionPlanAssignments(where: {plan: {in: [$plan]}}) {
      totalCount nodes { plan { name } campaign { name } } } }""",
    "previewCommission": f"""query {{ previewCommission(order: {{externalId: "x", occurredAt: "{AT}", currency: GBP,
        total: "1.00", lines: [{{kind: ITEM, amount: "1.00", sku: "sku-1"}}], customer: "c-1", codes: ["SPICY"]}}) {{
      commissions {{ amount influencer {{ name }} campaign {{ name }} planVersion {{ plan {{ name }} }} }} }} }}""",
    "payoutMethods": "query { payoutMethods { totalCount nodes { holder influencer { name } } } }",
    "payoutPolicies": "query { payoutPolicies { nodes { currency threshold } } }",
    "payoutBatches": "query($batch: ID!) { payoutBatches(where: {id: {in: [$batch]}}) { nodes { note total } } }",
    "payoutItems": """query($batch: ID!) { payoutItems(where: {batch: {in: [$batch]}}) {
      totalCount nodes { amount influencer { name } batch { note } method { holder } events { toState } } } }""",
    "payoutPreview": """query($influencer: ID!) { payoutPreview(influencers: [$influencer]) {
      due { balance influencer { name } } } all: payoutPreview { due { balance } totals { amount } } }""",
    "payoutFile": "query($batch: ID!) { payoutFile(batch: $batch) { content } }",
    "balances": "query { balances { totalCount nodes { owed influencer { name } } } }",
    "statements": f"""query($influencer: ID!) {{ statements(influencer: $influencer, month: "{NOW:%Y-%m}") {{
      closing lines {{ reason }} influencer {{ name }} }} }}""",
    "commissionAdjustments": """query { commissionAdjustments(where: {externalId: {in: ["k-1"]}}) {
      totalCount nodes { amount reason } } }""",
    "exchangeRates": "query { exchangeRates { totalCount nodes { rate } } }",
    "moneyTerms": "query { moneyTerms { adjustmentLimit } }",
    "ledgerEntries": "query { ledgerEntries { nodes { amount influencer { name } } } }",
    "engagementSnapshots": """query {
      engagementSnapshots(where: {postId: {in: ["post-1"]}}) { totalCount nodes { views influencer { name } } } }""",
    "spend": 'query { spend(where: {externalId: {in: ["s-1"]}}) { totalCount nodes { amount note } } }',
    "analytics": f"""query($campaign: ID!) {{ analytics({RANGE}) {{ totals {{ grossRevenue }} }}
      campaigns(where: {{id: {{in: [$campaign]}}}}) {{
        nodes {{ analytics({RANGE}) {{ totals {{ grossRevenue }} }} }} }} }}""",
    "cohorts": f"""query($influencer: ID!) {{ cohorts(by: FIRST_ORDER, every: DAY, periods: 1, {RANGE},
        measure: CUMULATIVE_REVENUE, where: {{influencer: {{in: [$influencer]}}}}) {{
      rows {{ size cells {{ value }} }} }} }}""",
    "explainAttribution": """query($order: ID!) { explainAttribution(orderId: $order) {
      candidates { touch { code influencer { name } campaign { name } } } } }""",
    "catalog": "{ catalog { dataFrom dataUntil rollups { name rows } } }",
}

LINE = {"kind": "ITEM", "amount": "5.00", "sku": "sku-1"}


def _terms() -> dict[str, Any]:
    return {"effectiveFrom": AT, "rules": [{"key": "all", "kind": "PERCENTAGE", "rate": "1"}]}


MUTATIONS: dict[str, Any] = {
    "createInfluencers": lambda known: {"influencers": [{"name": "x", "externalId": "i-1"}]},
    "updateInfluencers": lambda known: {"influencers": [{"id": known["influencer"], "name": "taken over"}]},
    "createCampaigns": lambda known: {
        "campaigns": [{"name": "x", "externalId": "p-1", "startsAt": AT, "commissionRate": "0.5"}]
    },
    "updateCampaigns": lambda known: {"campaigns": [{"id": known["campaign"], "commissionRate": "1"}]},
    "createCommissionPlans": lambda known: {"commissionPlans": [{"name": "x", "externalId": "p-1", "terms": _terms()}]},
    "updateCommissionPlans": lambda known: {"commissionPlans": [{"id": known["plan"], "name": "taken over"}]},
    "createCommissionPlanVersions": lambda known: {"versions": [{"planId": known["plan"], "terms": _terms()}]},
    "recomputeCommissions": lambda known: {
        "from": (NOW - timedelta(days=30)).isoformat(),
        "until": NOW.isoformat(),
        "reason": "x",
        "influencers": [known["influencer"]],
    },
    "assignCommissionPlans": lambda known: {
        "assignments": [
            {"planId": known["plan"], "effectiveFrom": AT},
            {"campaignId": known["campaign"], "effectiveFrom": AT},
            {"enrollmentId": known["enrollment"], "effectiveFrom": AT},
        ]
    },
    "createEnrollments": lambda known: {
        "enrollments": [{"influencerId": known["influencer"], "campaignId": known["campaign"]}]
    },
    "updateEnrollments": lambda known: {"enrollments": [{"id": known["enrollment"], "commissionRate": "1"}]},
    "createLinks": lambda known: {
        "links": [{"influencerId": known["influencer"], "url": "https://x.example", "slug": known["slug"]}]
    },
    "updateLinks": lambda known: {"links": [{"id": known["link"], "url": "https://x.example"}]},
    "createCodes": lambda known: {"codes": [{"influencerId": known["influencer"], "code": "SPICY"}]},
    "updateCodes": lambda known: {"codes": [{"id": known["code"], "status": "DISABLED"}]},
    "recordInstances": lambda known: {
        "instances": [
            {"kind": "CLICK", "occurredAt": AT, "linkId": known["link"]},
            {"kind": "CLICK", "occurredAt": AT, "linkSlug": known["slug"]},
            {"kind": "CODE", "occurredAt": AT, "code": "SPICY"},
            {"kind": "CLICK", "occurredAt": AT, "influencerId": known["influencer"]},
            {"kind": "CLICK", "occurredAt": AT, "campaignId": known["campaign"]},
            {"kind": "CLICK", "occurredAt": AT, "customer": "c-1"},
            {"kind": "CLICK", "occurredAt": AT, "externalId": "click-1"},
        ]
    },
    "upsertCustomers": lambda known: {"customers": [{"externalId": "c-1", "email": "x@example.com"}]},
    "upsertProducts": lambda known: {"products": [{"externalId": "sku-1", "title": "x"}]},
    "recordOrders": lambda known: {
        "orders": [
            {
                "externalId": name,
                "occurredAt": NOW.isoformat(),
                "currency": "GBP",
                "total": "5.00",
                "lines": [LINE],
                "customer": "c-1",
                "visitorId": "v-1",
                "clickId": "k-1",
                "codes": ["SPICY"],
            }
            for name in ("not yet", "mine")
        ]
    },
    **{
        f"{verb}Commissions": lambda known: {"commissions": [{"id": known["commission"], "reason": "x"}]}
        for verb in ("approve", "hold", "release", "reject")
    },
    "editOrders": lambda known: {
        "edits": [{"orderExternalId": "o-1", "occurredAt": NOW.isoformat(), "total": "5.00", "lines": [LINE]}]
    },
    "cancelOrders": lambda known: {"cancellations": [{"orderExternalId": "o-1", "occurredAt": NOW.isoformat()}]},
    "recordOrderEvents": lambda known: {
        "events": [{"orderExternalId": "o-1", "kind": "CHARGEBACK", "occurredAt": NOW.isoformat()}]
    },
    "setAttributionRules": lambda known: {"model": "LINEAR", "halfLifeDays": 3},
    "recomputeAttribution": lambda known: {
        "from": (NOW - timedelta(days=30)).isoformat(),
        "until": NOW.isoformat(),
        "reason": "x",
        "campaigns": [known["campaign"]],
    },
    "recordRefunds": lambda known: {
        "refunds": [
            {"externalId": name, "orderExternalId": "o-1", "occurredAt": NOW.isoformat(), "amount": "1.00"}
            for name in ("r-1", "r-9")
        ]
    },
    "recordAdjustments": lambda known: {
        "adjustments": [{"externalId": "a-1", "occurredAt": AT, "currency": "GBP", "amount": "2.00", "sku": "sku-1"}]
    },
    "recordEngagements": lambda known: {
        "engagements": [
            {
                "platform": "TIKTOK",
                "postId": "post-1",
                "occurredAt": at,
                "influencerId": known["influencer"],
                "campaignId": known["campaign"],
                "views": 5,
            }
            for at in (AT, NOW.isoformat())
        ]
    },
    "upsertPayoutMethods": lambda known: {
        "payoutMethods": [{"influencerId": known["influencer"], "currency": "GBP", "reference": "taken over"}]
    },
    "upsertPayoutPolicies": lambda known: {"payoutPolicies": [{"currency": "GBP", "threshold": "0"}]},
    "onboardPayoutMethods": lambda known: {
        "payoutMethods": [{"id": known["method"], "returnUrl": "https://x.example", "refreshUrl": "https://x.example"}]
    },
    "createPayoutBatches": lambda known: {
        "payoutBatches": [{"provider": "MANUAL", "currency": "GBP", "influencers": [known["influencer"]]}]
    },
    "approvePayoutBatches": lambda known: {"payoutBatches": [{"id": known["batch"]}]},
    "confirmPayoutItems": lambda known: {"payoutItems": [{"id": known["item"], "outcome": "SUCCEEDED"}]},
    "cancelPayoutItems": lambda known: {"payoutItems": [{"id": known["draftItem"]}]},
    "cancelPayoutBatches": lambda known: {"payoutBatches": [{"id": known["batch"]}, {"id": known["spare"]}]},
    "returnPayoutItems": lambda known: {"payoutItems": [{"id": known["item"]}]},
    "requestPayouts": lambda known: {"payoutRequests": [{"currency": "GBP"}]},
    "setFraudRules": lambda known: {"velocityOrders": 7},
    "reviewFraud": lambda known: {"reviews": [{"id": known["hit"], "accept": False, "reason": "x"}]},
    "adjustCommissions": lambda known: {
        "adjustments": [
            {"externalId": "k-1", "influencerId": known["influencer"], "currency": "GBP", "amount": "2", "reason": "x"}
        ]
    },
    "decideCommissionAdjustments": lambda known: {"decisions": [{"id": known["correction"], "accept": True}]},
    "recordInvoicePayments": lambda known: {
        "payments": [{"externalId": "k-1", "influencerId": known["influencer"], "currency": "GBP", "amount": "1.00"}]
    },
    "setMoneyTerms": lambda known: {"terms": [{"campaignId": known["campaign"], "holdDays": 1}]},
    "recordExchangeRates": lambda known: {"rates": [{"base": "KWD", "quote": "OMR", "day": AT[:10], "rate": "1.2"}]},
    "importExchangeRates": lambda known: {"files": [{"csv": f"Date,OMR,\n{AT[:10]},2.5,\n"}]},
    "recordSpend": lambda known: {
        "spend": [
            {
                "externalId": name,
                "occurredAt": AT,
                "campaignId": known["campaign"],
                "influencerId": known["influencer"],
                "currency": "GBP",
                "amount": "2.00",
            }
            for name in ("s-1", "s-9")
        ]
    },
}


INPUTS = {
    **{f"{verb}Commissions": "MoveCommissionsInput" for verb in ("approve", "hold", "release", "reject")},
    "decideCommissionAdjustments": "DecideAdjustmentsInput",
    "approvePayoutBatches": "DecidePayoutBatchesInput",
    "cancelPayoutBatches": "DecidePayoutBatchesInput",
    "cancelPayoutItems": "DecidePayoutItemsInput",
    "returnPayoutItems": "DecidePayoutItemsInput",
}
"""Inputs that several mutations share."""


REFUSED_WHOLE = {"recomputeAttribution": ["UNKNOWN_CAMPAIGN"], "recomputeCommissions": ["UNKNOWN_INFLUENCER"]}
"""Mutations that have no items of which one could be refused alone."""


def root_fields(root: Any) -> set[str]:
    return {
        schema.config.name_converter.get_graphql_name(field)
        for field in get_object_definition(root, strict=True).fields
    }


def test_every_root_field_is_tried() -> None:
    assert root_fields(schema.query) == set(QUERIES)
    assert root_fields(schema.mutation) == set(MUTATIONS)
    # What is followed is tried in integration/test_live.py, where connections last.
    assert root_fields(schema.subscription) == {"analytics"}


async def call(place: Place, client: Client, document: str) -> str:
    """The text of the answer to a query that names what it declares of what is known."""
    variables = {name: place.known[name] for name in re.findall(r"\$(\w+): ID!", document)}
    return orjson.dumps(await client.query(document, variables)).decode()


def leaks(answer: str) -> list[str]:
    return [secret for secret in (SECRET, AMOUNT) if secret in answer]


async def rows_of(place: Place) -> dict[str, list[str]]:
    """All rows of the victim, in every table."""
    async with place.runtime.db.read(place.victim_id) as session:
        return {
            name: [
                row["content"]
                for row in await session.fetch(
                    f"SELECT kept::text AS content FROM {name} AS kept WHERE kept.tenant_id = $1 ORDER BY 1",
                    place.victim_id,
                )
            ]
            for name in TENANT_TABLES
        }


async def test_nothing_of_another_tenant_is_shown(place: Place, protection: str) -> None:
    own = {name: await call(place, place.victim, document) for name, document in QUERIES.items()}
    shown = {name: await call(place, place.other, document) for name, document in QUERIES.items()}

    assert [answer for answer in own.values() if '"errors"' in answer] == []
    assert {name for name, answer in own.items() if not leaks(answer)} == {"attributionRules", "fraudRules", "catalog"}
    assert str(WINDOW_DAYS) in own["attributionRules"]
    assert DOMAIN in own["fraudRules"]
    leaking = {name for name, answer in shown.items() if leaks(answer)}
    if protection == "neither":
        # Who asks is known from the key alone.
        assert leaking == set(QUERIES) - {"viewer", "attributionRules", "fraudRules", "catalog"}
        return
    assert str(WINDOW_DAYS) not in shown["attributionRules"]
    assert DOMAIN not in shown["fraudRules"]
    assert leaking == set(), {name: shown[name] for name in leaking}
    assert [answer for answer in shown.values() if '"errors"' in answer] == []
    catalog = orjson.loads(shown["catalog"])["data"]["catalog"]
    assert (catalog["dataFrom"], catalog["dataUntil"]) == (None, None)
    assert not any(row["rows"] for row in catalog["rollups"])


async def test_nothing_of_another_tenant_is_changed(place: Place, protection: str) -> None:
    before = await rows_of(place)
    assert before["orders"]
    victims = set(place.known.values())
    reached = set()
    for field, given in MUTATIONS.items():
        name = INPUTS.get(field) or f"{field[0].upper()}{field[1:]}Input"
        answer = await place.other.query(
            f"mutation($input: {name}!) {{ {field}(input: $input) {{ {RESULTS} }} }}",
            {"input": given(place.known)},
        )
        text = orjson.dumps(answer).decode()
        if leaks(text) or any(
            result["id"] in victims for result in ((answer.get("data") or {}).get(field) or {}).get("results", ())
        ):
            reached.add(field)
        if protection != "neither":
            codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
            assert codes == REFUSED_WHOLE.get(field, []), (field, answer)
    after = await rows_of(place)
    changed = {table for table, rows in before.items() if rows != after[table]}

    if protection == "neither":
        assert reached or changed
        return
    assert reached == set()
    assert changed == set()
