"""Cohort tables of random facts, in zones whose clocks change, against a recomputation that shares no code."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.analytics.cohorts.answer import CohortAnswer
from app.analytics.cohorts.query import CohortAsk, CohortBy, CohortMeasure
from app.analytics.cohorts.runner import CohortRunner
from app.analytics.query import AllOf, AnyOf, Between, Filter, Matches, Not
from app.analytics.semantic.dimensions import DIMENSIONS
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.timegrain import Granularity
from app.runtime import Runtime
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import Facts, insert, made_up
from tests.integration.analytics.naive_cohorts import ByProduct, NaiveCohorts, Passes, Told

pytestmark = pytest.mark.database

START = datetime(2025, 8, 28, 5, 30, tzinfo=UTC)
DAYS = 240
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
"""In the middle of the facts: some periods have ended, one runs, the last have not begun."""

ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe")
"""Summer time, half hours, midnights that are skipped, changes of half an hour."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant with facts."""

    ctx: Ctx
    facts: Facts
    runner: CohortRunner

    async def table(self, ask: CohortAsk, *, ctx: Ctx | None = None) -> CohortAnswer:
        """The answer."""
        return await self.runner.run(ctx or self.ctx, ask)


def with_customers(facts: Facts, chance: random.Random) -> Facts:
    """The facts with more customers, whom instances, visitors and credit notes know; influencers join over time."""
    pool = [
        facts.add("customers", id=new_id(), external_id=f"more-{number}", created_at=START, updated_at=START)["id"]
        for number in range(40)
    ]
    buyers = {}
    for order in facts.rows["orders"]:
        progress = (order["occurred_at"] - START) / timedelta(days=DAYS)
        order["customer_id"] = pool[chance.randrange(4 + int(35 * progress))] if chance.random() < 0.9 else None
        order["visitor_id"] = f"visitor-{chance.randrange(30)}" if chance.random() < 0.6 else None
        buyers[order["occurred_at"]] = order["customer_id"]
    customer_of = {order["id"]: order["customer_id"] for order in facts.rows["orders"]}
    for credit in facts.rows["credits"]:
        credit["customer_id"] = customer_of[credit["order_id"]]
    for row in facts.rows["instances"]:
        row["customer_id"] = None
        if row["kind"] == "PURCHASE":
            row["customer_id"] = buyers[row["occurred_at"]]
        elif chance.random() < 0.1:
            row["customer_id"] = chance.choice(pool)
    # What was judged otherwise at first is of the same customers.
    for credit in facts.former["credits"]:
        credit["customer_id"] = customer_of[credit["order_id"]]
    for row in facts.former["instances"]:
        row["customer_id"] = buyers[row["occurred_at"]]
    for row in facts.rows["adjustments"]:
        row["customer_id"] = chance.choice([*pool, None])
    for number in range(30):
        at = START + timedelta(days=DAYS * chance.random())
        facts.add("influencers", id=new_id(), name=f"Late {number}", status="ACTIVE", created_at=at, updated_at=at)
    late = facts.ids("influencers")[5:]
    for table in ("instances", "credits"):
        for row in facts.rows[table]:
            if row["influencer_id"] is not None and chance.random() < 0.6:
                # Of the first ones not all are there before they were entered.
                row["influencer_id"] = chance.choice(late)
    for row in facts.rows["commissions"]:
        row["influencer_id"] = next(
            credit["influencer_id"] for credit in facts.rows["credits"] if credit["id"] == row["credit_id"]
        )
    return facts


@pytest.fixture(scope="module", params=ZONES)
async def place(request: pytest.FixtureRequest, runtime: Runtime, admin: "asyncpg.Pool[Any]") -> Place:
    """A tenant of each zone, with facts of its own."""
    tenant = TenantInfo(new_id(), f"cohorts {new_id()}", reporting_zone=request.param, currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    seed = ZONES.index(request.param)
    made = made_up(tenant, seed=seed, start=START, days=DAYS, orders=260, instances=300)
    facts = with_customers(made, random.Random(seed))
    await insert(runtime.db, facts)
    return Place(make_ctx(tenant, now=NOW), facts, CohortRunner(runtime.db, NullAnswers()))


def one_of(facts: Facts, table: str, *numbers: int) -> tuple[UUID, ...]:
    ids = facts.ids(table)
    return tuple(ids[number] for number in numbers)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A filter as it is asked, and what it means. who: of which influencers a fact may pass."""

    where: Filter
    passes: Passes
    who: Callable[[UUID], bool] = lambda _: True


def filters(facts: Facts) -> dict[str, Filtered]:
    """Filters of all kinds, over the ids of the facts."""
    some = one_of(facts, "influencers", 0, 1, 7, 9)
    campaign, product = one_of(facts, "campaigns", 0), one_of(facts, "products", 0, 2)
    mine = Matches("influencer", isin=some)
    found = {
        "influencers": Filtered(mine, lambda keys: keys["influencer"] in some, lambda who: who in some),
        "not these influencers": Filtered(
            Not(mine), lambda keys: keys["influencer"] not in some, lambda who: who not in some
        ),
        "nobody": Filtered(
            Matches("influencer", is_null=True), lambda keys: keys["influencer"] is None, lambda who: False
        ),
        "a campaign": Filtered(Matches("campaign", isin=campaign), lambda keys: keys["campaign"] in campaign),
        "influencers or a campaign": Filtered(
            AnyOf((mine, Matches("campaign", isin=campaign))),
            lambda keys: keys["influencer"] in some or keys["campaign"] in campaign,
        ),
        "neither": Filtered(
            Not(AnyOf((mine, Matches("platform", is_null=True)))),
            lambda keys: keys["influencer"] not in some and keys["platform"] is not None,
            lambda who: who not in some,
        ),
        "codes and countries": Filtered(
            AllOf((Matches("code", starts_with="SPICY"), Matches("country", not_in=("FR",)))),
            lambda keys: (keys["code"] or "").startswith("SPICY") and keys["country"] != "FR",
        ),
        "a channel or none": Filtered(
            Matches("channel", isin=("email",), is_null=True), lambda keys: keys["channel"] in ("email", None)
        ),
        "nothing": Filtered(Matches("country", isin=()), lambda keys: False),
        "products": Filtered(Matches("product", isin=product), lambda keys: keys["product"] in product),
        "another product": Filtered(
            AllOf((Not(Matches("product", isin=product)), Matches("platform", isin=("TIKTOK", "X")))),
            lambda keys: keys["product"] not in product and keys["platform"] in ("TIKTOK", "X"),
        ),
    }
    if "customer_kind" in DIMENSIONS:
        found["returning customers"] = Filtered(
            Matches("customer_kind", isin=("RETURNING",)), lambda keys: keys["customer_kind"] == "RETURNING"
        )
        found["new customers in a country"] = Filtered(
            AllOf((Matches("customer_kind", isin=("NEW",)), Matches("country", isin=("GB",)))),
            lambda keys: keys["customer_kind"] == "NEW" and keys["country"] == "GB",
        )
    return found


BY_INSTANCES = {"products", "another product", "returning customers", "new customers in a country"}
"""Filters by what instances do not know."""

SPANS = {
    Granularity.DAY: (START, START + timedelta(days=40), 50),
    Granularity.WEEK: (START + timedelta(days=10), START + timedelta(days=DAYS), 12),
    Granularity.MONTH: (START - timedelta(days=60), START + timedelta(days=400), 9),
    Granularity.QUARTER: (START, START + timedelta(days=DAYS), 4),
    Granularity.YEAR: (START - timedelta(days=400), START + timedelta(days=DAYS), 3),
}


def shown(answer: CohortAnswer) -> list[Any]:
    return [(row.start, row.size, [(cell.value, cell.is_complete) for cell in row.cells]) for row in answer.rows]


@pytest.mark.parametrize("measure", CohortMeasure)
@pytest.mark.parametrize("by", CohortBy)
async def test_tables_are_those_recomputed(place: Place, by: CohortBy, measure: CohortMeasure) -> None:
    zone = place.ctx.tenant.reporting_zone
    chance = random.Random(f"{by} {measure} {zone}")
    kinds: dict[str, Filtered | None] = {"everything": None, **filters(place.facts)}
    sizes = values = 0
    wrong = []
    for name, filtered in kinds.items():
        if by is CohortBy.FIRST_TOUCH and name in BY_INSTANCES:
            continue
        for every in (Granularity.MONTH, chance.choice([step for step in SPANS if step is not Granularity.MONTH])):
            start, end, periods = SPANS[every]
            where = None if filtered is None else filtered.where
            ask = CohortAsk(by, every, periods, measure, Between(start, end), where)
            told = Told(by.value, every.value, periods, measure.value, zone)
            if filtered is not None:
                told = replace(told, passes=filtered.passes, who=filtered.who)
            naive = ByProduct if "product" in name else NaiveCohorts
            recomputed = naive(place.facts)
            expected = recomputed.table(told, start, end, NOW)
            answer = await place.table(ask)
            if (shown(answer), answer.missing_rates) != (expected, recomputed.missing):
                wrong.append(f"{name} by {every}: {shown(answer)} is not {expected}")
            sizes += sum(size for _, size, _ in expected)
            values += sum(bool(value) for _, _, cells in expected for value, _ in cells)

    assert not wrong, "\n".join(wrong)
    assert sizes > 50
    assert values > 50


RATES = {("GBP", "LYD"): "0.3871234567", ("LYD", "EUR"): "2.8912", ("JPY", "LYD"): "0.0020459"}


def rate_on(base: str, quote: str, day: date) -> Fraction | None:
    """The rate published on a day: on Mondays, and in every third month not at all. No two days have the same."""
    if day.month % 3 == 0 or day.weekday() != 0:
        return None
    return Fraction(Decimal(RATES[base, quote]) + Decimal(day.day) / 1_000_000)


def in_dinars(minor: int, _: int | None, currency: str, at: datetime) -> int | None:
    """Thousandths of a Libyan dinar."""
    for age in range(8):
        day = at.astimezone(UTC).date() - timedelta(days=age)
        for base, quote in RATES:
            rate = rate_on(base, quote, day)
            if rate is not None and currency in (base, quote):
                major = Fraction(minor, 1 if currency == "JPY" else 100)
                return round((major * rate if quote == "LYD" else major / rate) * 1000)
    return None


@pytest.mark.parametrize("by", CohortBy)
async def test_revenue_in_another_currency_is_converted_at_the_rate_of_each_facts_day(
    place: Place, admin: "asyncpg.Pool[Any]", by: CohortBy
) -> None:
    days = [START.date() + timedelta(days=number) for number in range(-10, DAYS + 60)]
    rows = [
        (base, quote, day, Decimal(rate.numerator) / rate.denominator, "test", NOW)
        for base, quote in RATES
        for day in days
        if (rate := rate_on(base, quote, day)) is not None
    ]
    await admin.executemany(
        """INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING""",
        rows,
    )
    measure = CohortMeasure.CUMULATIVE_REVENUE
    start, end, periods = SPANS[Granularity.MONTH]
    ask = CohortAsk(by, Granularity.MONTH, periods, measure, Between(start, end), currency="LYD")
    told = Told(by.value, "MONTH", periods, measure.value, place.ctx.tenant.reporting_zone)
    recomputed = NaiveCohorts(place.facts, in_dinars, digits=3)
    expected = recomputed.table(told, start, end, NOW)

    answer = await place.table(ask)

    assert shown(answer) == expected
    assert answer.missing_rates == recomputed.missing > 0
    assert answer.resolved.currency == "LYD"
