"""Recording orders: facts, credits, commissions, ledger, rollups, in one transaction; replays, conflicts, mistakes."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.analytics.rollups.verify import verify
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.words import LineKind
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from tests.conftest import add_tenant, make_ctx
from tests.factories.orders import NOON, Look, ProgramRows, item, line, order

pytestmark = pytest.mark.database

WRITTEN = (
    "orders",
    "order_versions",
    "order_lines",
    "order_events",
    "credits",
    "attributions",
    "commissions",
    "commission_lines",
    "commission_events",
    "ledger_entries",
    "instances",
    "outbox",
    "audit_log",
    "customers",
    "products",
    "order_claims",
)


async def test_an_order_with_a_code_is_credited_and_earns(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer(rate="0.125")
    sent = order(
        item("80.00", 2, "sauce", title="Hot sauce"),
        item("40.00", 1, "salsa"),
        line(LineKind.DISCOUNT, "-20.00"),
        line(LineKind.SHIPPING, "5.00"),
        line(LineKind.TAX, "21.00"),
        codes=(" spicy20 ",),
        customer="c1",
        country="gb",
    )

    (outcome,) = await record_orders(runtime, ctx, [sent])

    assert outcome.outcome is Outcome.RECORDED
    assert outcome.external_id == sent.external_id
    assert outcome.detail["explanation"]["rule"] == "CODE_AT_CHECKOUT"
    (earned,) = outcome.detail["commissions"]
    assert (earned["amount"], earned["rate"], earned["influencerId"]) == ("12.50", "0.125", str(offer.influencer_id))
    assert await look.counts(*WRITTEN) == {
        "orders": 1,
        "order_versions": 1,
        "order_lines": 5,
        "order_events": 1,
        "credits": 1,
        "attributions": 1,
        "commissions": 1,
        "commission_lines": 3,
        "commission_events": 1,
        "ledger_entries": 2,
        "instances": 1,
        "outbox": 1,
        "audit_log": 1,
        "customers": 1,
        "products": 2,
        "order_claims": 0,
    }
    (stored,) = await look.rows("orders")
    assert (stored["id"], stored["codes"], stored["country"], stored["version"]) == (outcome.id, ["SPICY20"], "GB", 1)
    (version,) = await look.rows("order_versions")
    assert (version["total_minor"], version["gross_minor"]) == (12_600, 10_000)
    shares = await look.rows("commission_lines", order="position")
    assert [row["amount_minor"] for row in shares] == [1_000, 500, -250]
    assert {row["recorded_at"] for row in shares} == {ctx.now}
    entries = await look.rows("ledger_entries", order="amount_minor")
    assert [(row["account"], row["amount_minor"]) for row in entries] == [("ACCRUED", -1_250), ("EXPENSE", 1_250)]
    (purchase,) = await look.rows("instances")
    assert (purchase["kind"], purchase["code"], purchase["order_id"]) == ("PURCHASE", "SPICY20", outcome.id)
    assert purchase["customer_id"] == stored["customer_id"]
    titles = await look.rows("products", order="external_id")
    assert [(row["external_id"], row["title"]) for row in titles] == [("salsa", "salsa"), ("sauce", "Hot sauce")]
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_an_order_nobody_is_credited_for_has_one_null_credit(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    (outcome,) = await record_orders(runtime, ctx, [order()])

    assert outcome.detail == {
        "explanation": {"model": "LAST_TOUCH", "rule": "NO_TOUCH", "candidates": [], "cause": "BOOKED", "revision": 1},
        "commissions": [],
    }
    (credit,) = await look.rows("credits")
    assert (credit["influencer_id"], credit["campaign_id"], credit["weight_booked"]) == (None, None, 10**9)
    assert await look.counts("commissions", "instances", "ledger_entries") == {
        "commissions": 0,
        "instances": 0,
        "ledger_entries": 0,
    }
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_touches_are_found_by_visitor_click_and_customer(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await record_orders(runtime, ctx, [order(customer="c")])
    (customer,) = await look.rows("customers")
    influencers = [await program.influencer() for _ in range(4)]
    campaign = await program.campaign()
    await program.click(influencers[0], campaign, visitor_id="a")
    await program.click(influencers[1], campaign, visitor_id="b", click_id="k")
    await program.click(influencers[2], campaign, visitor_id=None, customer_id=customer["id"])
    await program.click(influencers[3], campaign, visitor_id="a", kind="CODE", at=NOON - timedelta(hours=1))
    await program.click(influencers[0], campaign, visitor_id="a", kind="VIEW", at=NOON - timedelta(minutes=1))

    outcomes = await record_orders(
        runtime,
        ctx,
        [
            order(external_id="visitor", visitor_id="a"),
            order(external_id="click", click_id="k"),
            order(external_id="customer", customer="c"),
            order(external_id="all", visitor_id="a", click_id="k", customer="c"),
            order(external_id="nobody", visitor_id="z"),
        ],
    )

    winners = [
        next((each["influencerId"] for each in outcome.detail["explanation"]["candidates"] if each["isWinner"]), None)
        for outcome in outcomes
    ]
    assert winners == [str(influencers[3]), str(influencers[1]), str(influencers[2]), str(influencers[3]), None]
    assert len(outcomes[3].detail["explanation"]["candidates"]) == 4
    # The clicks were put behind the use cases and have no deltas.
    off = {name for each in await verify(runtime.db, ctx.tenant_id) for name in each.off}
    assert off == {"instances", "clicks"}


async def test_windows_reasons_and_limits_show_in_the_explanation(
    runtime: Runtime, ctx: Ctx, program: ProgramRows
) -> None:
    offer = await program.offer()
    suspended = await program.influencer("SUSPENDED")
    paused = await program.influencer("PAUSED")
    ended = await program.campaign(status="ENDED")
    resting = await program.campaign(status="PAUSED")
    soon = await program.campaign(starts_at=NOON + timedelta(days=9))
    left = await program.campaign()
    await program.enrollment(left, offer.influencer_id, status="ENDED")
    away = await program.campaign()
    await program.enrollment(away, offer.influencer_id, status="PAUSED")
    await program.code("OLD", offer.influencer_id, offer.campaign_id, ends_at=NOON)
    day = timedelta(days=1)
    for ago, (influencer, campaign) in enumerate(
        [
            (offer.influencer_id, offer.campaign_id),
            (suspended, offer.campaign_id),
            (paused, offer.campaign_id),
            (offer.influencer_id, ended),
            (offer.influencer_id, resting),
            (offer.influencer_id, soon),
            (offer.influencer_id, left),
            (offer.influencer_id, away),
            (None, None),
        ],
        start=1,
    ):
        await program.click(influencer, campaign, at=NOON - ago * day)
    await program.click(offer.influencer_id, offer.campaign_id, at=NOON - 31 * day)
    await program.click(offer.influencer_id, offer.campaign_id, at=NOON - 91 * day)
    await program.click(offer.influencer_id, offer.campaign_id, at=NOON + timedelta(hours=1), click_id="k")

    (outcome,) = await record_orders(
        runtime, ctx, [order(visitor_id="v", click_id="k", codes=("NOPE", "OLD", "SPICY20"))]
    )

    shown = [each["reason"] for each in outcome.detail["explanation"]["candidates"]]
    assert shown == [
        "CODE_UNKNOWN",
        "CODE_NOT_IN_FORCE",
        None,
        "AFTER_ORDER",
        "LOWER_PRIORITY",
        "INFLUENCER_SUSPENDED",
        "INFLUENCER_PAUSED",
        "CAMPAIGN_ENDED",
        "CAMPAIGN_PAUSED",
        "CAMPAIGN_NOT_STARTED",
        "ENROLLMENT_ENDED",
        "ENROLLMENT_PAUSED",
        "INFLUENCER_UNKNOWN",
        "OUTSIDE_WINDOW",
    ]


async def test_several_touches_are_credited_by_the_campaigns_model(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer(rate="0.1", model="LINEAR")
    other = await program.influencer()
    await program.enrollment(offer.campaign_id, other, rate="0.2")
    await program.click(other, offer.campaign_id, at=NOON - timedelta(days=7), platform="TIKTOK")
    alone = await program.influencer()
    await program.click(alone, None, at=NOON - timedelta(days=2))

    (outcome,) = await record_orders(runtime, ctx, [order(item("100.00"), visitor_id="v", codes=("SPICY20",))])

    credits = await look.rows("credits", order="position")
    assert [row["influencer_id"] for row in credits] == [other, alone, offer.influencer_id]
    assert [row["weight_booked"] for row in credits] == [333_333_334, 333_333_333, 333_333_333]
    assert [row["weight_last"] for row in credits] == [0, 0, 10**9]
    # A code at checkout beats clicks where one touch has it all.
    assert [row["weight_first"] for row in credits] == [0, 0, 10**9]
    assert [row["weight_position"] for row in credits] == [400_000_000, 200_000_000, 400_000_000]
    for name in ("time_decay", "linear", "last", "first", "position", "booked"):
        assert sum(row[f"weight_{name}"] for row in credits) == 10**9
    # Nobody's campaign, no terms: the influencer without a campaign earns nothing.
    assert [(row["influencerId"], row["amount"]) for row in outcome.detail["commissions"]] == [
        (str(other), "6.67"),
        (str(offer.influencer_id), "3.33"),
    ]
    off = {name for each in await verify(runtime.db, ctx.tenant_id) for name in each.off}
    assert off == {"instances", "clicks"}


async def test_a_repeated_order_is_a_replay_with_the_first_answer(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer()
    sent = order(codes=("SPICY20", "NOPE"), customer="c")
    (first,) = await record_orders(runtime, ctx, [sent])
    before = await look.counts(*(table for table in WRITTEN if table != "audit_log"))

    (second,) = await record_orders(runtime, ctx, [sent])

    assert second == replace(first, outcome=Outcome.REPLAYED)
    assert await look.counts(*before) == before


async def test_the_same_id_with_other_content_conflicts(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(external_id="o-1")
    await record_orders(runtime, ctx, [sent])

    (outcome,) = await record_orders(runtime, ctx, [replace(sent, country="DE")])

    assert (outcome.outcome, outcome.code, outcome.path) == (
        Outcome.REJECTED,
        "CONFLICTING_DUPLICATE",
        ("orders", "0", "externalId"),
    )
    assert "o-1" in (outcome.message or "")
    assert await look.value("count(*)", "orders") == 1


async def test_one_batch_may_repeat_an_order_but_not_change_it(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(external_id="o-1")

    outcomes = await record_orders(runtime, ctx, [sent, sent, replace(sent, test=True), order(external_id="o-2")])

    assert [(each.outcome, each.code) for each in outcomes] == [
        (Outcome.RECORDED, None),
        (Outcome.REPLAYED, None),
        (Outcome.REJECTED, "DUPLICATE_IN_BATCH"),
        (Outcome.RECORDED, None),
    ]
    assert outcomes[1].id == outcomes[0].id
    assert await look.value("count(*)", "orders") == 2


async def test_one_bad_order_does_not_spoil_the_batch(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    bad = order(item("1.00"), total=Decimal("2.00"), external_id="bad")
    late = order(occurred_at=ctx.now + timedelta(minutes=6), external_id="late")
    soon = order(occurred_at=ctx.now + timedelta(minutes=4), external_id="soon")

    outcomes = await record_orders(runtime, ctx, [order(), bad, late, soon, order(external_id="a\0b")])

    assert [(each.index, each.external_id, each.code, each.path) for each in outcomes][1:] == [
        (1, "bad", "LINES_DO_NOT_ADD_UP", ("orders", "1", "total")),
        (2, "late", "OCCURRED_IN_FUTURE", ("orders", "2", "occurredAt")),
        (3, "soon", None, ()),
        (4, None, "BAD_USER_INPUT", ("orders", "4", "externalId")),
    ]
    assert await look.value("count(*)", "orders") == 2


async def test_a_batch_that_is_wrong_as_a_whole_is_refused(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    with pytest.raises(DomainError, match="empty"):
        await record_orders(runtime, ctx, [])
    with pytest.raises(DomainError, match="at most"):
        await record_orders(runtime, ctx, [order() for _ in range(runtime.settings.batch_items_max + 1)])
    assert await look.counts("orders", "audit_log") == {"orders": 0, "audit_log": 0}


async def test_an_idempotency_key_gives_the_same_answer_again(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = [order(external_id="o-1", codes=("NOPE",)), order(currency="XXX")]
    first = await record_orders(runtime, ctx, sent, idempotency_key="k")

    assert await record_orders(runtime, ctx, sent, idempotency_key="k") == first
    with pytest.raises(DomainError) as caught:
        await record_orders(runtime, ctx, [replace(sent[0], country="DE")], idempotency_key="k")
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"
    assert await look.counts("orders", "audit_log") == {"orders": 1, "audit_log": 1}


async def test_a_test_order_is_kept_and_earns_nothing(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer()
    await program.click(offer.influencer_id, offer.campaign_id)

    (outcome,) = await record_orders(runtime, ctx, [order(codes=("SPICY20",), visitor_id="v", test=True)])

    assert outcome.detail["explanation"]["rule"] == "TEST_ORDER"
    assert [each["reason"] for each in outcome.detail["explanation"]["candidates"]] == ["TEST_ORDER", "TEST_ORDER"]
    assert await look.counts("orders", "order_lines", "credits", "commissions", "rollup_delta", "outbox") == {
        "orders": 1,
        "order_lines": 1,
        "credits": 0,
        "commissions": 0,
        "rollup_delta": 0,
        "outbox": 1,
    }
    assert await look.value("payload->'isTest'", "outbox") is True
    assert await look.value("count(*)", "instances", "kind = 'PURCHASE'") == 0


async def test_amounts_are_converted_at_the_last_rate_within_seven_days(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.1")
    # Currencies no other test uses: rates are everybody's.
    await program.rate("TTD", "GBP", "0.075", on=NOON - timedelta(days=7))
    await program.rate("GBP", "JPY", "200", on=NOON)
    await program.rate("UYU", "GBP", "0.07", on=NOON - timedelta(days=8))

    await record_orders(
        runtime,
        ctx,
        [
            order(item("100.10"), item("0.20"), currency="TTD", external_id="ttd", codes=("SPICY20",)),
            order(item("500"), currency="JPY", external_id="jpy"),
            order(item("100.00"), currency="UYU", external_id="uyu", codes=("SPICY20",)),
        ],
    )

    lines = await look.rows("order_lines", order="currency, position")
    assert [(row["currency"], row["amount_minor"], row["amount_base_minor"]) for row in lines] == [
        ("JPY", 500, 250),
        ("TTD", 10_010, 751),
        ("TTD", 20, 2),
        ("UYU", 10_000, None),
    ]
    earned = await look.rows("commissions", order="currency")
    assert [(row["amount_minor"], row["amount_base_minor"]) for row in earned] == [(1_003, 75), (1_000, None)]
    assert await look.value("sum(missing_rates)", "rollup_delta") == 2
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_fifty_identical_orders_at_once_are_one(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer()
    sent = order(codes=("SPICY20",), customer="c")

    answers = await asyncio.gather(*(record_orders(runtime, ctx, [sent, order(external_id="b")]) for _ in range(50)))

    outcomes = [outcome.outcome for outcome, _ in answers]
    assert (outcomes.count(Outcome.RECORDED), outcomes.count(Outcome.REPLAYED)) == (1, 49)
    assert len({outcome.id for outcome, _ in answers}) == 1
    assert all(outcome.detail == answers[0][0].detail for outcome, _ in answers)
    assert await look.counts("orders", "order_lines", "commissions", "ledger_entries", "customers") == {
        "orders": 2,
        "order_lines": 2,
        "commissions": 1,
        "ledger_entries": 2,
        "customers": 1,
    }
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_overlapping_batches_in_any_order_do_not_block_each_other(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = [order(item("5.00", sku=f"s{n % 7}"), external_id=f"o{n}", customer=f"c{n % 5}") for n in range(30)]

    answers = await asyncio.gather(
        *(record_orders(runtime, ctx, sent if turn % 2 else sent[::-1]) for turn in range(8))
    )

    assert sum(outcome.outcome is Outcome.RECORDED for outcomes in answers for outcome in outcomes) == 30
    assert await look.counts("orders", "customers", "products") == {"orders": 30, "customers": 5, "products": 7}


async def test_the_number_of_statements_does_not_depend_on_the_batch(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, count_statements: Callable[[], Any]
) -> None:
    offer = await program.offer()
    await program.click(offer.influencer_id, offer.campaign_id)

    def batch(count: int) -> list[Any]:
        return [
            order(item("5.00"), item("2.00"), customer=f"c{n}", visitor_id="v", codes=("SPICY20",))
            for n in range(count)
        ]

    with count_statements() as one:
        await record_orders(runtime, ctx, batch(1))
    with count_statements() as many:
        await record_orders(runtime, ctx, batch(200))

    assert abs(len(many) - len(one)) <= 1
    assert len(many) <= 32


async def test_another_tenant_sees_and_meets_nothing(
    runtime: Runtime, ctx: Ctx, admin: Any, program: ProgramRows
) -> None:
    await program.offer()
    (first,) = await record_orders(runtime, ctx, [order(external_id="shared", codes=("SPICY20",), customer="c")])
    info = TenantInfo(id=new_id(), name=f"other {new_id()}", reporting_zone="UTC", currency="GBP", is_test=False)
    await add_tenant(admin, info)
    other = make_ctx(info)

    (second,) = await record_orders(
        runtime, other, [order(external_id="shared", codes=("SPICY20",), customer="c", country="DE")]
    )

    assert second.outcome is Outcome.RECORDED
    assert second.id != first.id
    assert second.detail["explanation"]["candidates"][0]["reason"] == "CODE_UNKNOWN"


async def test_a_write_notes_the_days_that_it_changes(runtime: Runtime, ctx: Ctx) -> None:
    noted: list[tuple[set[Any], set[str]]] = []

    class Listening(NullAnswers):
        async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
            noted.append((set(days), set(tags)))

    listening = replace(runtime, answers=Listening())
    sent = order(occurred_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))

    await record_orders(listening, ctx, [sent])
    await record_orders(listening, ctx, [sent])

    assert [days for days, _ in noted] == [{date(2026, 1, 31)}, {date(2026, 1, 31)}]


async def test_a_blank_title_is_kept_on_its_line_and_names_no_product(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(item("1.00", sku="s-1", title=" "), item("1.00", sku="s-2", title=""), item("1.00", sku=" "))
    kept = order(*sent.lines[:2])

    refused, recorded = await record_orders(runtime, ctx, [sent, kept])

    assert (refused.code, refused.path) == ("BAD_USER_INPUT", ("orders", "0", "lines", "2", "sku"))
    assert recorded.code is None
    assert [row["title"] for row in await look.rows("order_lines", order="position")] == [" ", ""]
    assert [row["title"] for row in await look.rows("products", order="external_id")] == ["s-1", "s-2"]
