"""Random plans and orders, with edits and refunds: what was posted equals what the oracle makes of the facts alone."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from app.commissions.plans.inputs import RecurringInput, RuleInput
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CustomerKind, InstanceKind, LineKind, PlanMetric, PlanPeriod, RuleKind, TierMode
from app.orders.inputs import LineInput, OrderInput
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases.edit_orders import edit_orders
from app.usecases.recompute_commissions import Recomputation, recompute_commissions
from app.usecases.record_instances import record_instances
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.upsert_products import upsert_products
from tests.factories.orders import NOON, Look, ProgramRows, edit, line, order, refund
from tests.factories.plans import Plans, bonus, caps, fixed, percent, tiers
from tests.invariants.books import broken_laws
from tests.oracle.plans import PlanOracle, given_back, newest_lines

pytestmark = pytest.mark.database

SKUS = ("mug", "cup", "sauce", "salt")
TABLES = (
    "orders",
    "order_lines",
    "credits",
    "products",
    "enrollments",
    "campaigns",
    "plan_assignments",
    "commission_plan_versions",
    "refund_lines",
    "commissions",
    "commission_lines",
    "commission_ratings",
)


class Chance:
    """Draws plans and orders from one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def rate(self) -> str:
        return str(Decimal(self.draw.randrange(400_000)).scaleb(-6))

    def amount(self, most: int) -> str:
        return str(Decimal(self.draw.randrange(1, most)).scaleb(-2))

    def conditions(self) -> dict[str, Any]:
        draw = self.draw
        found: dict[str, Any] = {}
        if draw.random() < 0.4:
            found["products"] = draw.sample(SKUS, 2)
        if draw.random() < 0.3:
            found["categories"] = ["Cups"]
        if draw.random() < 0.2:
            found["countries"] = ["DE"]
        if draw.random() < 0.2:
            found["codes"] = ["INA"]
        if draw.random() < 0.2:
            found["customer_kind"] = draw.choice(list(CustomerKind))
        if draw.random() < 0.2:
            months = draw.choice((None, 1))
            found["recurring"] = RecurringInput(None if months and draw.random() < 0.5 else 3, months)
        return found

    def rule(self, number: int) -> RuleInput:
        draw = self.draw
        common = {"key": f"r{number}", "priority": draw.randrange(4), **self.conditions()}
        match draw.choice(list(RuleKind)):
            case RuleKind.PERCENTAGE:
                return percent(None if draw.random() < 0.2 else self.rate(), **common)
            case RuleKind.TIERS:
                mode, metric = draw.choice(list(TierMode)), draw.choice(list(PlanMetric))
                starts = sorted(draw.sample(range(1, 20), 2))
                unit = 1 if metric is PlanMetric.ORDERS else 40
                rates = sorted((self.rate() for _ in range(3)), key=Decimal)
                steps = zip(("0", *(str(start * unit) for start in starts)), rates, strict=True)
                return tiers(*steps, mode=mode, metric=metric, **common)
            case kind:
                return fixed(kind, self.amount(500), **common)

    def terms(self) -> tuple[list[RuleInput], dict[str, Any]]:
        draw = self.draw
        limits = {name: self.amount(60_000) for name in ("per_order", "per_period", "per_influencer", "per_campaign")}
        return [self.rule(number) for number in range(draw.randint(1, 6))], {
            "period": draw.choice(list(PlanPeriod)),
            "bonuses": tuple(
                bonus(str(draw.randint(1, 12)), self.amount(900), f"b{number}", metric=PlanMetric.ORDERS)
                if draw.random() < 0.5
                else bonus(str(draw.randint(1, 600)), self.amount(900), f"b{number}")
                for number in range(draw.randrange(3))
            ),
            "caps": caps(**{name: amount for name, amount in limits.items() if draw.random() < 0.25}),
        }

    def lines(self) -> list[LineInput]:
        draw = self.draw
        lines = [
            LineInput(LineKind.ITEM, Decimal(self.amount(6_000)), draw.randint(1, 4), draw.choice((*SKUS, None)))
            for _ in range(draw.randint(1, 4))
        ]
        if draw.random() < 0.4:
            gross = sum((each.amount for each in lines), Decimal(0))
            lines.append(line(LineKind.DISCOUNT, str(-(gross * draw.randrange(101) / 100).quantize(Decimal("0.01")))))
        return [*lines, line(LineKind.SHIPPING, "3.50")] if draw.random() < 0.5 else lines

    def order(self) -> OrderInput:
        draw = self.draw
        return order(
            *self.lines(),
            currency=draw.choice(("GBP", "GBP", "PLN", "HUF")),
            occurred_at=NOON + timedelta(minutes=draw.randrange(60_000)),
            codes=tuple(draw.sample(("INA", "BEN", "BARE"), 1)) if draw.random() < 0.6 else (),
            visitor_id=draw.choice(("v", None)),
            customer=draw.choice((None, "c", "d", "e")),
            country=draw.choice((None, "GB", "DE")),
            test=draw.random() < 0.03,
        )


@pytest.mark.parametrize("seed", range(6))
async def test_random_plans_equal_the_oracle(
    runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[Any]", program: ProgramRows, look: Look, plans: Plans, seed: int
) -> None:
    chance = Chance(seed)
    await _program(program, plans, chance)
    await upsert_products(
        runtime, ctx, [ProductInput("mug", category="Cups"), ProductInput("cup", category="Cups"), ProductInput("salt")]
    )
    sent = [chance.order() for _ in range(60)]
    for start in range(0, len(sent), 15):
        outcomes = await record_orders(runtime, ctx, sent[start : start + 15])
        assert {outcome.outcome for outcome in outcomes} == {Outcome.RECORDED}
    oracle = PlanOracle(await _facts(look), currency="GBP", zone=ctx.tenant.reporting_zone, factors=_factors())
    booked = oracle.book()

    facts = await _facts(look)
    assert len(booked) > 5
    _check_booked(facts, booked)
    _check_plain(facts, oracle.plain, kinds=("ACCRUAL",))

    for turn in range(3):
        names = chance.draw.sample(sent, 20)
        await record_refunds(
            runtime,
            ctx,
            [
                refund(each.external_id, chance.amount(3_000), occurred_at=NOON + timedelta(days=90 + turn))
                for each in names
            ],
        )
        await edit_orders(runtime, ctx, [edit(each.external_id, *chance.lines()) for each in names[:10]])
    facts = await _facts(look)
    _check_after(facts, oracle, booked)
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def _program(program: ProgramRows, plans: Plans, chance: Chance) -> None:
    for day in range(-7, 60):
        await program.rate("PLN", "GBP", "0.2037", on=NOON + timedelta(days=day))
    ina, ben = await program.influencer(), await program.influencer()
    linear, last = await program.campaign("0.0733", "LINEAR", click_window_days=90), await program.campaign("0.125")
    enrollment = await program.enrollment(last, ben, rate="0.2")
    await program.code("INA", ina, linear)
    await program.code("BEN", ben, last)
    await program.code("BARE", ben)
    clicked = ((ina, linear), (ben, linear), (ina, linear))
    clicks = [
        InstanceInput(
            InstanceKind.CLICK,
            NOON - timedelta(days=ago),
            influencer_id=influencer,
            campaign_id=campaign,
            visitor_id="v",
        )
        for ago, (influencer, campaign) in enumerate(clicked, start=1)
    ]
    await record_instances(plans.runtime, plans.ctx, clicks)
    places: list[dict[str, Any]] = [{"campaign_id": linear}, {"campaign_id": last}, {"enrollment_id": enrollment}, {}]
    for place in places:
        if chance.draw.random() < 0.8:
            rules, more = chance.terms()
            plan_id = await plans.plan(*rules, **more)
            await plans.assign(plan_id, **place)
            if chance.draw.random() < 0.5:
                rules, more = chance.terms()
                await plans.version(plan_id, *rules, effective_from=NOON + timedelta(days=20), **more)


def _factors() -> dict[Any, Fraction]:
    return {("PLN", (NOON + timedelta(days=day)).date()): Fraction("0.2037") for day in range(-7, 60)}


async def _facts(look: Look) -> dict[str, list[dict[str, Any]]]:
    return {table: await look.rows(table) for table in TABLES}


def _by(rows: list[dict[str, Any]], name: str) -> dict[Any, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _check_booked(facts: dict[str, list[dict[str, Any]]], booked: dict[Any, Any]) -> None:
    parts = _by(facts["commission_lines"], "commission_id")
    rated = {row["credit_id"]: row for row in facts["commission_ratings"]}
    accruals = {row["credit_id"]: row for row in facts["commissions"] if row["kind"] == "ACCRUAL"}
    assert rated.keys() == booked.keys()
    for credit_id, expected in booked.items():
        row = accruals[credit_id]
        assert row["plan_version_id"] == rated[credit_id]["version_id"]
        assert (row["amount_minor"], row["amount_base_minor"]) == (expected.amount, expected.base)
        shown = {(part["position"], part["product_id"]): part["amount_minor"] for part in parts[row["id"]]}
        assert shown == expected.lines
        assert sum(shown.values()) == expected.amount
    bonuses = [row for row in facts["commissions"] if row["kind"] == "BONUS"]
    given = sorted((row["order_id"], parts[row["id"]][0]["rule"], row["amount_minor"]) for row in bonuses)
    orders = {row["id"]: row["order_id"] for row in facts["credits"]}
    assert given == sorted(
        (orders[credit], key, amount) for credit, one in booked.items() for key, amount in one.bonuses
    )
    # In the order of recording, without gaps.
    numbers = defaultdict(list)
    for row in sorted(facts["commission_ratings"], key=lambda row: (row["order_id"], row["id"])):
        if row["sequence"] is not None:
            numbers[row["plan_id"], row["influencer_id"]].append(row["sequence"])
    for sequence in numbers.values():
        assert sequence == list(range(1, len(sequence) + 1))


def _check_plain(
    facts: dict[str, list[dict[str, Any]]], plain: dict[Any, Any], kinds: tuple[str, ...] = ("ACCRUAL", "EDIT")
) -> None:
    """Credits without a plan earn their part of what the order earns."""
    rows = _by([row for row in facts["commissions"] if row["kind"] in kinds], "credit_id")
    for credit_id, expected in plain.items():
        assert {row["plan_version_id"] for row in rows[credit_id]} == {None}
        assert sum(row["amount_minor"] for row in rows[credit_id]) == expected.amount
        if expected.base is not None:
            assert sum(row["amount_base_minor"] for row in rows[credit_id]) == expected.base


def _check_after(facts: dict[str, list[dict[str, Any]]], oracle: PlanOracle, booked: dict[Any, Any]) -> None:
    rows = _by(facts["commissions"], "credit_id")
    orders = {row["id"]: row["order_id"] for row in facts["credits"]}
    versions, taken = _by(facts["order_lines"], "order_id"), _by(facts["refund_lines"], "order_id")
    reversed_ = 0
    plain = {}
    for order_id in {orders[credit_id] for credit_id in (*booked, *oracle.plain)}:
        lines = newest_lines(versions[order_id])
        for credit_id, expected in oracle.amended(order_id, lines).items():
            if credit_id in oracle.plain:
                plain[credit_id] = expected
                continue
            earned = sum(row["amount_minor"] for row in rows[credit_id] if row["kind"] != "REVERSAL")
            assert earned == expected.amount
            back = -sum(row["amount_minor"] for row in rows[credit_id] if row["kind"] == "REVERSAL")
            assert back == given_back(expected, lines, taken[order_id])
            reversed_ += back
    assert plain.keys() == oracle.plain.keys()
    _check_plain(facts, plain)
    assert reversed_ > 0


@pytest.mark.parametrize("seed", range(4))
async def test_recomputed_commissions_equal_the_oracle(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans, seed: int
) -> None:
    """Plans that come after the orders, dated back: as if the orders were recorded in the order of their time."""
    chance = Chance(seed + 50)
    await upsert_products(runtime, ctx, [ProductInput("mug", category="Cups"), ProductInput("salt")])
    await _program(program, plans, chance)
    sent = [chance.order() for _ in range(60)]
    await record_orders(runtime, ctx, sent)
    names = chance.draw.sample(sent, 20)
    at = NOON + timedelta(days=90)
    await record_refunds(
        runtime, ctx, [refund(each.external_id, chance.amount(3_000), occurred_at=at) for each in names]
    )
    await edit_orders(runtime, ctx, [edit(each.external_id, *chance.lines()) for each in names[5:15]])
    for place in (*(await look.rows("campaigns")), None):
        rules, more = chance.terms()
        plan_id = await plans.plan(*rules, **more)
        if place is None:
            await plans.assign(plan_id)
        else:
            await plans.assign(plan_id, campaign_id=place["id"], since=NOON + timedelta(days=chance.draw.randrange(20)))

    asked = Recomputation(NOON - timedelta(days=1), NOON + timedelta(days=80), "A new plan.")
    before = {row["id"]: row for row in await look.rows("commissions")}
    preview = await recompute_commissions(runtime, ctx, asked)
    assert {row["id"]: row for row in await look.rows("commissions")} == before
    assert preview.mark is not None
    posted = await recompute_commissions(runtime, ctx, replace(asked, post=preview.mark))

    assert posted.outcomes == preview.outcomes
    facts = await _facts(look)
    oracle = PlanOracle(facts, currency="GBP", zone=ctx.tenant.reporting_zone, factors=_factors())
    booked = oracle.book(in_time=True)
    _check_sums(facts, booked)
    _check_plain(facts, oracle.plain)
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
    again = await recompute_commissions(runtime, ctx, asked)
    assert (again.outcomes, again.mark) == ((), None)
    # Nor for one of several who share orders: the others are weighed by what they were rated by.
    # (A budget is another's as well: cut by it, one earns after them what was left for them.)
    if not any(row["facts"]["cap"] == "CAMPAIGN" for row in facts["commission_ratings"]):
        for influencer in await look.rows("influencers"):
            alone = await recompute_commissions(runtime, ctx, replace(asked, influencer_ids=(influencer["id"],)))
            assert (alone.outcomes, alone.mark) == ((), None)


def _check_sums(facts: dict[str, list[dict[str, Any]]], booked: dict[Any, Any]) -> None:
    rows, orders = _by(facts["commissions"], "credit_id"), {row["id"]: row["order_id"] for row in facts["credits"]}
    versions, taken = _by(facts["order_lines"], "order_id"), _by(facts["refund_lines"], "order_id")
    for credit_id, expected in booked.items():
        of_credit = [row for row in rows[credit_id] if row["kind"] != "REVERSAL"]
        assert sum(row["amount_minor"] for row in of_credit) == expected.amount
        back = -sum(row["amount_minor"] for row in rows[credit_id] if row["kind"] == "REVERSAL")
        lines = newest_lines(versions[orders[credit_id]])
        assert back == given_back(expected, lines, taken[orders[credit_id]])
    parts = _by(facts["commission_lines"], "commission_id")
    sums: dict[Any, int] = defaultdict(int)
    for row in facts["commissions"]:
        if row["kind"] == "BONUS":
            sums[row["order_id"], row["influencer_id"], parts[row["id"]][0]["rule"]] += row["amount_minor"]
    whose = {row["id"]: row["influencer_id"] for row in facts["credits"]}
    expected_sums: dict[Any, int] = defaultdict(int)
    for credit_id, one in booked.items():
        for key, amount in one.bonuses:
            expected_sums[orders[credit_id], whose[credit_id], key] += amount
    assert {key: value for key, value in sums.items() if value} == expected_sums
