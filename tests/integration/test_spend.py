"""Spend: recorded once by the caller's id, converted at the day's rate, refused alone, and shown to no influencer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.errors import DomainError
from app.runtime import Runtime
from app.spend.inputs import SpendInput
from app.usecases.record_spend import record_spend
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows
from tests.factories.outcomes import summary

pytestmark = pytest.mark.database


@dataclass(frozen=True, slots=True)
class Program:
    """An influencer and a campaign; a fee that was paid."""

    ana: UUID
    campaign: UUID
    fee: SpendInput
    rows: ProgramRows


@pytest.fixture
async def program(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> Program:
    """A small program."""
    rows = ProgramRows(runtime.db, admin, ctx)
    ana, campaign = await rows.influencer(), await rows.campaign()
    return Program(ana, campaign, SpendInput("fee-1", NOON, campaign, "GBP", Decimal("250.00"), ana, "March"), rows)


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows as they are stored."""
    return Look(runtime.db, ctx)


async def test_spend_is_stored_as_it_was_told(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    (outcome,) = await record_spend(runtime, ctx, [program.fee])

    assert summary([outcome]) == [("RECORDED", None, ())]
    (row,) = await look.rows("spend")
    del row["tenant_id"], row["content_hash"]
    assert row == {
        "id": outcome.id,
        "external_id": "fee-1",
        "occurred_at": NOON,
        "recorded_at": ctx.now,
        "campaign_id": program.campaign,
        "influencer_id": program.ana,
        "currency": "GBP",
        "amount_minor": 25_000,
        "amount_base_minor": 25_000,
        "note": "March",
    }
    (event,) = await look.rows("outbox")
    assert (event["topic"], event["subject_id"]) == ("spend.recorded", outcome.id)
    assert event["payload"] == {
        "externalId": "fee-1",
        "campaignId": str(program.campaign),
        "amountMinor": 25_000,
        "currency": "GBP",
    }


async def test_the_callers_id_makes_it_one(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    fee = program.fee
    (first,) = await record_spend(runtime, ctx, [fee])

    again = await record_spend(
        runtime,
        ctx,
        [
            replace(fee, amount=Decimal("250")),
            replace(fee, amount=Decimal("251")),
            replace(fee, influencer_id=None),
            replace(fee, note=None),
            replace(fee, external_id="fee-2"),
            replace(fee, external_id="fee-2"),
            replace(fee, external_id="fee-2", currency="EUR"),
        ],
    )

    assert summary(again) == [
        ("REPLAYED", None, ()),
        *[("REJECTED", "CONFLICTING_DUPLICATE", ("spend", str(index), "externalId")) for index in (1, 2, 3)],
        ("RECORDED", None, ()),
        ("REPLAYED", None, ()),
        ("REJECTED", "DUPLICATE_IN_BATCH", ("spend", "6", "externalId")),
    ]
    assert (again[0].id, again[5].id) == (first.id, again[4].id)
    assert await look.counts("spend") == {"spend": 2}


async def test_amounts_are_converted_at_the_days_rate(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    await program.rows.rate("NIO", "GBP", "0.7912345678")
    sent = [
        replace(program.fee, external_id="cordobas", currency="NIO", amount=Decimal("-10.01")),
        replace(program.fee, external_id="late", currency="NIO", occurred_at=NOON + timedelta(days=7)),
        replace(program.fee, external_id="too late", currency="NIO", occurred_at=NOON + timedelta(days=8)),
        replace(program.fee, external_id="unknown", currency="XPF", amount=Decimal(5_000)),
    ]

    outcomes = await record_spend(runtime, replace(ctx, now=NOON + timedelta(days=9)), sent)

    assert [outcome.code for outcome in outcomes] == [None] * 4
    rows = await look.rows("spend", order="external_id")
    assert {row["external_id"]: (row["amount_minor"], row["amount_base_minor"]) for row in rows} == {
        "cordobas": (-1_001, -792),
        "late": (25_000, 19_781),
        "too late": (25_000, None),
        "unknown": (5_000, None),
    }


async def test_a_mistake_refuses_its_item_alone(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    fee = program.fee
    await program.rows.rate("BHD", "GBP", "1000000")
    huge = replace(fee, currency="BHD", amount=Decimal("999999999999.999"))
    bad = [
        (replace(fee, campaign_id=new_id()), "UNKNOWN_CAMPAIGN", ("campaignId",)),
        (replace(fee, influencer_id=new_id()), "UNKNOWN_INFLUENCER", ("influencerId",)),
        (replace(fee, external_id=""), "BAD_USER_INPUT", ("externalId",)),
        (replace(fee, amount=Decimal("1.001")), "INVALID_AMOUNT", ("amount",)),
        (replace(fee, amount=Decimal("1e14")), "INVALID_AMOUNT", ("amount",)),
        (huge, "INVALID_AMOUNT", ("amount",)),
        (replace(fee, currency="XXX"), "INVALID_CURRENCY", ("currency",)),
        (replace(fee, note="x" * 501), "BAD_USER_INPUT", ("note",)),
        (replace(fee, occurred_at=ctx.now + timedelta(days=1)), "OCCURRED_IN_FUTURE", ("occurredAt",)),
    ]

    outcomes = await record_spend(runtime, ctx, [*(item for item, _, _ in bad), fee])

    assert summary(outcomes) == [
        *(("REJECTED", code, ("spend", str(index), *path)) for index, (_, code, path) in enumerate(bad)),
        ("RECORDED", None, ()),
    ]
    assert await look.counts("spend") == {"spend": 1}


async def test_a_key_makes_the_call_one(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    first = await record_spend(runtime, ctx, [program.fee], idempotency_key="k")

    assert await record_spend(runtime, ctx, [program.fee], idempotency_key="k") == first
    with pytest.raises(DomainError) as refused:
        await record_spend(runtime, ctx, [replace(program.fee, note="April")], idempotency_key="k")
    assert refused.value.code == "IDEMPOTENCY_CONFLICT"
    (entry,) = await look.rows("audit_log")
    assert (entry["action"], entry["items"]) == ("recordSpend", 1)


async def test_calls_at_once_record_each_item_once(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    fees = [replace(program.fee, external_id=str(number)) for number in range(20)]

    calls = await asyncio.gather(*(record_spend(runtime, ctx, fees[::step]) for step in (1, -1, 1, -1)))

    assert sum(outcome.outcome.value == "RECORDED" for outcomes in calls for outcome in outcomes) == 20
    assert all(outcome.code is None for outcomes in calls for outcome in outcomes)
    assert await look.value("sum(amount_minor)::bigint", "spend") == 20 * 25_000


DOCUMENT = """mutation($input: RecordSpendInput!) { recordSpend(input: $input) {
  results { outcome code path spend { externalId amount currency note campaign { id } influencer { id } } }
} }"""


def sent(item: SpendInput) -> dict[str, Any]:
    return {
        "externalId": item.external_id,
        "occurredAt": item.occurred_at.isoformat(),
        "campaignId": str(item.campaign_id),
        "influencerId": str(item.influencer_id),
        "currency": item.currency,
        "amount": str(item.amount),
        "note": item.note,
    }


async def test_over_the_api(client: Client, program: Program) -> None:
    spend = [sent(program.fee), {**sent(program.fee), "externalId": "fee-2", "campaignId": "none"}]

    payload = (await client.data(DOCUMENT, {"input": {"spend": spend}}))["recordSpend"]

    one, refused = payload["results"]
    assert one["spend"] == {
        "externalId": "fee-1",
        "amount": "250.00",
        "currency": "GBP",
        "note": "March",
        "campaign": {"id": str(program.campaign)},
        "influencer": {"id": str(program.ana)},
    }
    assert (refused["code"], refused["path"]) == ("UNKNOWN_CAMPAIGN", ["spend", "1", "campaignId"])


@pytest.mark.parametrize("role", [Role.ANALYST, Role.STORE, Role.INFLUENCER])
async def test_only_who_runs_the_program_writes(
    client: Client, make_key: Callable[..., Awaitable[str]], look: Look, program: Program, role: Role
) -> None:
    own = {"influencer_id": program.ana} if role is Role.INFLUENCER else {}
    key = await make_key(role, **own)

    answer = await client.query(DOCUMENT, {"input": {"spend": [sent(program.fee)]}}, key=key)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await look.counts("spend") == {"spend": 0}


async def test_spend_is_the_tenants_own_matter(
    client: Client, make_key: Callable[..., Awaitable[str]], runtime: Runtime, ctx: Ctx, program: Program
) -> None:
    (fee,) = await record_spend(runtime, ctx, [program.fee])
    document = f'{{ spend {{ totalCount nodes {{ amount }} }} node(id: "{fee.id}") {{ id }} }}'

    assert await client.data(document, key=await make_key(Role.INFLUENCER, influencer_id=program.ana)) == {
        "spend": {"totalCount": 0, "nodes": []},
        "node": None,
    }
    assert await client.error_codes("{ spend { totalCount } }", key=await make_key(Role.STORE)) == ["FORBIDDEN"]
    assert await client.data(document, key=await make_key(Role.ANALYST)) == {
        "spend": {"totalCount": 1, "nodes": [{"amount": "250.00"}]},
        "node": {"id": str(fee.id)},
    }
