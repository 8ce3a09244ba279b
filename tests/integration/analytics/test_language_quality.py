"""What an answer says of itself and what it takes: cost, freshness, estimates, currencies, models, statements."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.analytics import computing
from app.core.context import Ctx, Role
from app.runtime import Runtime
from tests.client import Client
from tests.factories.few import Few
from tests.factories.orders import ProgramRows
from tests.integration.analytics.asking import RANGE, MakeKey, asking, asking_cached, between
from tests.integration.analytics.naive import Naive
from tests.integration.analytics.store import Store, half_folded

pytestmark = pytest.mark.database

Counting = Callable[[], Any]
DAY = datetime.fromisoformat("2026-01-10T12:00:00+00:00")
JANUARY = between("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")


def asked(statements: list[str]) -> list[str]:
    """The statements that answer questions."""
    return [sql for sql in statements if sql.startswith("/* analytics.")]


# ------------------------------------------------------------------ selection and statements

FLAT = f"""{{ analytics({RANGE}) {{
  totals {{ netRevenue clicks }}
  series(every: MONTH) {{ measures {{ orders }} }}
  groups(by: [{{dimension: {{name: CODE}}}}], first: 5) {{ nodes {{ key {{ code }} measures {{ orders clicks }} }} }}
}} }}"""

NESTED = f"""
query Nested($yes: Boolean = true, $no: Boolean = false) {{ ...Root }}
fragment Root on Query {{ analytics({RANGE}) {{ ...Sums ... @include(if: $yes) {{ ...Series }} ...Groups }} }}
fragment Sums on Analytics {{
  totals {{ ... on Measures {{ netRevenue }} }}
  totals {{ clicks visitors @include(if: false) customers @skip(if: $yes) }}
}}
fragment Series on Analytics {{ series(every: MONTH) {{ measures {{ ...Orders }} }} }}
fragment Groups on Analytics {{
  groups(by: [{{dimension: {{name: CODE}}}}], first: 5) {{
    nodes {{ key {{ code }} ... on Group {{ measures {{ ...Orders clicks units @include(if: $no) }} }} }}
  }}
}}
fragment Orders on Measures {{ orders }}
"""


async def test_fragments_and_directives_give_the_same_statements_and_answer(
    asker: Client, count_statements: Counting
) -> None:
    await asker.data(FLAT)

    with count_statements() as flat:
        expected = await asker.data(FLAT)
    with count_statements() as nested:
        found = await asker.data(NESTED)

    assert found == expected
    assert asked(nested) == asked(flat)


async def test_fields_that_ask_the_same_are_answered_once(asker: Client, count_statements: Counting) -> None:
    one = f"analytics({RANGE}) {{ totals {{ orders }} }}"
    await asker.data(f"{{ {one} }}")

    with count_statements() as statements:
        data = await asker.data(f"{{ a: {one} b: {one} c: {one.replace('orders', 'clicks')} }}")

    assert data["a"] == data["b"]
    assert len(asked(statements)) == 2


async def test_fifty_campaigns_cost_as_many_statements_as_one_whatever_is_asked(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx, make_key: MakeKey, count_statements: Counting
) -> None:
    facts = await half_folded(runtime, ctx, seed=5)
    program = ProgramRows(runtime.db, admin, ctx)
    for _ in range(50 - len(facts.ids("campaigns"))):
        await program.campaign()
    document = f"""query Board($first: Int!) {{ campaigns(first: $first) {{ nodes {{
      analytics({RANGE}, compare: {{previousPeriod: FULL}}) {{
        totals {{ netRevenue }} previous {{ netRevenue }} change {{ netRevenue }}
        series(every: MONTH) {{ measures {{ clicks }} previous {{ clicks }} }}
        groups(
          by: [{{dimension: {{name: PLATFORM, top: {{n: 2, by: {{name: CLICKS}}}}}}}}]
          having: {{measure: {{measure: {{name: CLICKS}}, gt: 0}}}}, first: 2
        ) {{
          totals {{ clicks }}
          nodes {{ isOthers memberCount measures {{ clicks }} share {{ clicks }} series(every: MONTH) {{ start }} }}
        }}
      }}
    }} }} }}"""

    counted = {}
    async with asking(runtime, Store(ctx, facts, Naive(facts)), make_key, Role.ADMIN) as client:
        await client.data(document, {"first": 2})
        for first in (1, 50):
            with count_statements() as statements:
                data = await client.data(document, {"first": first})
            assert len(data["campaigns"]["nodes"]) == first
            counted[first] = [sql[: sql.index("*/")] for sql in asked(statements)]

    assert counted[1] == counted[50]
    # Totals, series, and for groups: the first keys, the page, its totals, its members, their series.
    assert len(counted[1]) == 7


# ------------------------------------------------------------------ cost


async def test_what_costs_too_much_is_refused_with_its_cost(asker: Client, count_statements: Counting) -> None:
    document = f"""query Dear($maxCost: Int) {{ analytics({RANGE}, maxCost: $maxCost) {{
      groups(by: [{{dimension: {{name: CODE}}}}]) {{ nodes {{ measures {{ customers(precision: EXACT) }} }} }}
      plan {{ cost }} meta {{ cost }}
    }} }}"""
    free = (await asker.data(document))["analytics"]
    cost = free["plan"]["cost"]
    assert free["meta"]["cost"] == cost > 1

    with count_statements() as statements:
        refused = await asker.query(document, {"maxCost": cost - 1})

    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COSTLY"
    assert error["extensions"]["path"] == ["maxCost"]
    assert f"costs {cost} points" in error["message"]
    assert error["extensions"]["suggestion"]
    assert asked(statements) == []
    assert (await asker.data(document, {"maxCost": cost}))["analytics"] == free


async def test_what_a_question_would_cost_is_told_without_asking_it(asker: Client, count_statements: Counting) -> None:
    document = f"""query Told($maxCost: Int, $visitors: Boolean!) {{ analytics({RANGE}, maxCost: $maxCost) {{
      totals {{ clicks visitors @include(if: $visitors) }}
      groups(by: [{{dimension: {{name: CAMPAIGN}}}}]) {{ nodes {{ measures {{ orders }} }} }}
      plan {{ cost }}
    }} }}"""
    for visitors in (False, True):
        cost = (await asker.data(document, {"visitors": visitors}))["analytics"]["plan"]["cost"]

        with count_statements() as statements:
            refused = await asker.query(document, {"maxCost": 0, "visitors": visitors})

        (error,) = refused["errors"]
        # What is counted exactly where nothing bounds the cost may be estimated where it does.
        told = f", {cost} without estimates; `maxCost` is 0." if visitors else f" {cost} points; `maxCost` is 0."
        assert told in error["message"]
        assert asked(statements) == []


async def test_a_bound_on_the_cost_turns_automatic_counts_into_estimates(
    runtime: Runtime, store: Store, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "SAMPLE_WHOLE", 64)
    document = f"""query Bound($maxCost: Int) {{ analytics({RANGE}, maxCost: $maxCost) {{
      totals {{ visitors }} plan {{ cost }} meta {{ estimates {{ measure relativeError }} warnings {{ code }} }}
    }} }}"""

    async with asking(runtime, store, make_key) as client:
        exact = (await client.data(document))["analytics"]
        bounded = (await client.data(document, {"maxCost": exact["plan"]["cost"] - 1}))["analytics"]

    assert exact["meta"]["estimates"] == []
    assert bounded["plan"]["cost"] < exact["plan"]["cost"]
    assert [each["measure"] for each in bounded["meta"]["estimates"]] == ["VISITORS"]
    assert "ESTIMATED_VALUES" in {warning["code"] for warning in bounded["meta"]["warnings"]}


async def planned(client: Client, start: str, until: str, selection: str, more: str = "") -> tuple[int, int]:
    """Cost and rows of a question's plan."""
    data = await client.data(
        f"{{ analytics({between(start, until)}{more}) {{ {selection} plan {{ cost estimatedRows }} }} }}"
    )
    plan = data["analytics"]["plan"]
    return plan["cost"], int(plan["estimatedRows"])


async def test_a_question_that_reads_more_is_estimated_to_read_more(asker: Client) -> None:
    days = "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"
    by_code = "groups(by: [{{dimension: {{name: CODE}}}}]) {{ nodes {{ measures {{ {0} }} }} }}"
    longer = [
        await planned(asker, "2026-01-01T00:00:00Z", until, "totals { visitors }")
        for until in ("2026-01-02T00:00:00Z", "2026-01-08T00:00:00Z", "2026-02-01T00:00:00Z", "2027-01-01T00:00:00Z")
    ]
    more_facts = [
        await planned(asker, *days, by_code.format(measures))
        for measures in ("customers", "customers visitors", "customers visitors netRevenue commission")
    ]
    compared = [
        await planned(asker, *days, "totals { visitors } previous { visitors }", more)
        for more in ("", ", compare: {previousPeriod: FULL}")
    ]

    for found in (longer, more_facts, compared):
        costs, rows = zip(*found, strict=True)
        assert list(costs) == sorted(set(costs))
        assert list(rows) == sorted(set(rows))
    # As much time again, with as many facts a day.
    assert compared[1][1] == 2 * compared[0][1]


async def test_facts_cost_more_than_sums_that_are_stored(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    january = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "totals { netRevenue }"
    async with asking(runtime, store, make_key) as client:
        stored = await planned(client, *january)
        as_of = await planned(client, *january, ', freshness: {asOf: "2026-02-20T00:00:00Z"}')
    async with asking(runtime, store, make_key, rollups=False) as client:
        facts = await planned(client, *january)

    assert as_of == facts
    assert stored[0] < facts[0]
    assert 100 * stored[1] < facts[1]


HALVED = {
    "visitors": "totals { visitors }",
    "customers and quantiles": "totals { customers orderValueQuantile(at: 0.5) }",
    "groups that facts alone know": """groups(by: [{dimension: {name: CODE}}], first: 10) {
      nodes { measures { clicks netRevenue } }
    }""",
    "days": "series(every: DAY) { measures { netRevenue } }",
    "days of groups": """groups(by: [{dimension: {name: PLATFORM}}, {time: {every: DAY}}], first: 20) {
      nodes { measures { clicks } }
    }""",
}


@pytest.mark.parametrize("name", HALVED)
async def test_two_halves_of_a_range_cost_as_much_as_all_of_it(asker: Client, name: str) -> None:
    edges = "2025-10-01T00:00:00+01:00", "2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z"
    selection = HALVED[name]

    cost, rows = await planned(asker, edges[0], edges[2], selection)
    halves = [await planned(asker, *edges[:2], selection), await planned(asker, *edges[1:], selection)]

    # Rows of each kind of facts are rounded up, in each half: four kinds are read at most.
    assert rows <= sum(half[1] for half in halves) <= rows + 4
    # Points for rows and points for cells are rounded up, and a page of less than a hundred cells is one in each half.
    assert cost <= sum(half[0] for half in halves) <= cost + 2


# ------------------------------------------------------------------ distinct counts

BATCH = 50_000
"""Visitors that are written at once."""


@pytest.mark.parametrize(("visitors", "whole"), [(4_000, 512), pytest.param(10**6, 2**16, marks=pytest.mark.slow)])
async def test_an_estimate_lies_within_its_stated_error(
    runtime: Runtime,
    ctx: Ctx,
    make_key: MakeKey,
    monkeypatch: pytest.MonkeyPatch,
    visitors: int,
    whole: int,
) -> None:
    monkeypatch.setattr(computing, "SAMPLE_WHOLE", whole)
    # Each comes twice.
    for first in range(0, visitors, BATCH):
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(
                """/* test.visits */ INSERT INTO instances (tenant_id, id, occurred_at, kind, visitor_id, recorded_at)
                SELECT $1, gen_random_uuid(), $2, 'VIEW', 'visitor ' || number / 2, $2
                FROM generate_series(2 * $3::int, 2 * $4::int - 1) AS number""",
                ctx.tenant_id,
                DAY,
                first,
                min(first + BATCH, visitors),
            )
    facts = Few(ctx).facts

    async with asking(runtime, Store(ctx, facts, Naive(facts)), make_key, rollups=False) as client:
        found = (
            await client.data(
                f"""{{ analytics({JANUARY}) {{
                  totals {{ exact: visitors(precision: EXACT) about: visitors(precision: APPROXIMATE) }}
                  meta {{ estimates {{ measure relativeError }} }}
                }} }}"""
            )
        )["analytics"]

    (estimate,) = found["meta"]["estimates"]
    error = Decimal(estimate["relativeError"])
    assert found["totals"]["exact"] == visitors
    assert found["totals"]["about"] != visitors
    assert abs(found["totals"]["about"] - visitors) <= error * visitors
    assert estimate["measure"] == "VISITORS"
    assert 0 < error < Decimal("0.3")


ABOUT = "{name: VISITORS, precision: APPROXIMATE}"
BY_CHANNEL = "by: [{dimension: {name: CHANNEL}}]"
ONLY_THERE: Mapping[str, str] = {
    "before": "previous { visitors(precision: APPROXIMATE) }",
    "before, of buckets": "series(every: MONTH) { previous { visitors(precision: APPROXIMATE) } }",
    "before, of groups": f"groups({BY_CHANNEL}) {{ nodes {{ previous {{ visitors(precision: APPROXIMATE) }} }} }}",
    "a condition": f"groups({BY_CHANNEL}, having: {{measure: {{measure: {ABOUT}, gte: 1}}}}) {{ totalCount }}",
    "a condition that nothing fits": (
        f"groups({BY_CHANNEL}, having: {{measure: {{measure: {ABOUT}, gte: 1000000}}}}) {{ totalCount }}"
    ),
    "a condition on before": (
        f"groups({BY_CHANNEL}, having: {{measure: {{measure: {ABOUT}, of: PREVIOUS, gte: 1}}}}) {{ totalCount }}"
    ),
    "an order": (
        f"groups({BY_CHANNEL}, orderBy: [{{measure: {{measure: {ABOUT}}}}}]) {{ nodes {{ measures {{ clicks }} }} }}"
    ),
    "a top": (
        f"groups(by: [{{dimension: {{name: CHANNEL, top: {{n: 1, by: {ABOUT}}}}}}}])"
        " { nodes { measures { clicks } } }"
    ),
    "totals of groups": (
        f"groups({BY_CHANNEL}, having: {{measure: {{measure: {{name: CLICKS}}, gte: 1}}}})"
        " { totals { visitors(precision: APPROXIMATE) } }"
    ),
}


@pytest.mark.parametrize("place", ONLY_THERE)
async def test_estimates_are_told_wherever_they_are_used(
    runtime: Runtime, ctx: Ctx, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(computing, "SAMPLE_WHOLE", 16)
    monkeypatch.setattr(computing, "SAMPLE_SPLIT", 16)
    few = Few(ctx)
    for number in range(200):
        at = DAY if number % 4 else DAY - timedelta(days=28)
        few.click(at, channel=("social", "email", "video")[number % 3], visitor=f"visitor {number}")
    for number in range(100):
        few.click(DAY - timedelta(days=28), channel="social", visitor=f"visitor {number}")
    await few.stored(runtime)
    document = f"""{{ analytics({JANUARY}, compare: {{previousPeriod: FULL}}) {{
      {ONLY_THERE[place]} meta {{ servedFrom estimates {{ measure relativeError }} warnings {{ code }} }}
    }} }}"""

    async with asking_cached(runtime, ctx, make_key) as client:
        metas = [(await client.data(document))["analytics"]["meta"] for _ in range(3)]

    assert metas[-1]["servedFrom"] == ["CACHE"]
    for meta in metas:
        (estimate,) = meta["estimates"]
        assert estimate["measure"] == "VISITORS"
        # That of nothing at all is close to 3.
        least = Decimal(2) if place in ("a condition that nothing fits", "a top") else Decimal(0)
        assert least < Decimal(estimate["relativeError"]) < 3
        assert "ESTIMATED_VALUES" in {warning["code"] for warning in meta["warnings"]}


async def test_few_are_counted_exactly_also_where_an_estimate_would_do(asker: Client) -> None:
    data = await asker.data(
        f"""{{ analytics({RANGE}) {{
          totals {{ exact: visitors(precision: EXACT) about: visitors(precision: APPROXIMATE) }}
          meta {{ estimates {{ measure }} }}
        }} }}"""
    )

    assert data["analytics"]["totals"]["about"] == data["analytics"]["totals"]["exact"]
    assert data["analytics"]["meta"]["estimates"] == []


# ------------------------------------------------------------------ freshness


async def test_a_fresh_answer_may_be_demanded_and_an_older_one_allowed(
    runtime: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    few = Few(ctx)
    few.click(DAY)
    await few.stored(runtime)
    document = f"""query Fresh($maxAge: Duration) {{ analytics({JANUARY}, freshness: {{maxAge: $maxAge}}) {{
      totals {{ clicks }} meta {{ servedFrom }} plan {{ cacheable }}
    }} }}"""

    async with asking_cached(runtime, ctx, make_key) as client:

        async def asked_with(max_age: str | None) -> tuple[int, bool, bool]:
            found = (await client.data(document, {"maxAge": max_age}))["analytics"]
            return (
                found["totals"]["clicks"],
                found["meta"]["servedFrom"] == ["CACHE"],
                found["plan"]["cacheable"],
            )

        assert await asked_with(None) == (1, False, True)
        assert await asked_with(None) == (1, True, True)
        assert await asked_with("PT0S") == (1, False, False)
        # Behind the application's back, so that no note is written.
        more = Few(ctx)
        more.click(DAY)
        await more.stored(runtime)
        assert await asked_with("PT1H") == (1, True, True)
        assert await asked_with("PT0S") == (2, False, False)


async def test_the_same_as_of_gives_the_same_bytes_after_more_was_recorded(
    runtime: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    few = Few(ctx)
    few.order(DAY, 1_000, platform="X")
    await few.stored(runtime)
    document = f"""{{ analytics({JANUARY}, freshness: {{asOf: "{(DAY + timedelta(days=1)).isoformat()}"}}) {{
      meta {{ asOf }} totals {{ orders netRevenue }} series(every: DAY) {{ measures {{ orders }} }}
      groups(by: [{{dimension: {{name: PLATFORM}}}}]) {{ nodes {{ key {{ platform }} measures {{ orders }} }} }}
    }} }}"""

    async with asking(runtime, Store(ctx, few.facts, Naive(few.facts)), make_key) as client:
        before = await client.post({"query": document})
        late = Few(ctx)
        late.order(DAY, 9_000, platform="TIKTOK", recorded=DAY + timedelta(days=2))
        await late.stored(runtime)
        after = await client.post({"query": document})
        now = await client.data(f"{{ analytics({JANUARY}) {{ totals {{ orders }} }} }}")

    assert before.content == after.content
    assert before.json()["data"]["analytics"]["totals"] == {"orders": "1", "netRevenue": "10.00"}
    assert datetime.fromisoformat(before.json()["data"]["analytics"]["meta"]["asOf"]) == DAY + timedelta(days=1)
    assert now["analytics"]["totals"] == {"orders": "2"}


async def test_an_instant_that_may_still_be_written_before_is_refused(client: Client) -> None:
    soon = datetime.now(UTC).isoformat()

    answer = await client.query(f'{{ analytics({JANUARY}, freshness: {{asOf: "{soon}"}}) {{ totals {{ orders }} }} }}')

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "RANGE_INVALID"
    assert error["extensions"]["path"] == ["freshness", "asOf"]


# ------------------------------------------------------------------ models and money


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("BOOKED", "0"),
        ("LAST_TOUCH", "0"),
        ("FIRST_TOUCH", "1"),
        ("LINEAR", "0.5"),
        ("TIME_DECAY", "0.3"),
        ("POSITION_BASED", "0.5"),
    ],
)
async def test_models_share_an_order_otherwise_and_give_it_whole(
    runtime: Runtime, ctx: Ctx, client: Client, model: str, first: str
) -> None:
    few = Few(ctx)
    few.shared_order(DAY, 1_000, {"platform": "X"}, {"platform": "TIKTOK"})
    await few.stored(runtime)

    data = await client.data(
        f"""{{ analytics({JANUARY}, attribution: {model}) {{
          totals {{ orders netRevenue }}
          groups(by: [{{dimension: {{name: PLATFORM}}}}]) {{ nodes {{ key {{ platform }} measures {{ orders }} }} }}
        }} }}"""
    )

    nodes = {each["key"]["platform"]: each["measures"]["orders"] for each in data["analytics"]["groups"]["nodes"]}
    assert nodes.get("X", "0") == first
    assert sum(map(Decimal, nodes.values())) == 1
    assert data["analytics"]["totals"] == {"orders": "1", "netRevenue": "10.00"}


async def test_a_what_if_leaves_commissions_as_they_are_booked(asker: Client) -> None:
    document = f"""query WhatIf($model: AttributionModel) {{ analytics({RANGE}, attribution: $model) {{
      totals {{ commission }}
      groups(by: [{{dimension: {{name: INFLUENCER}}}}]) {{
        nodes {{ key {{ influencer {{ id }} }} measures {{ commission }} }}
      }}
    }} }}"""

    booked = await asker.data(document)
    for model in ("LAST_TOUCH", "FIRST_TOUCH", "LINEAR", "TIME_DECAY", "POSITION_BASED", None):
        assert await asker.data(document, {"model": model}) == booked


async def test_an_amount_without_a_rate_is_left_out_and_counted(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    few = Few(ctx)
    few.order(DAY, 1_000)
    few.order(DAY, 2_000, currency="EUR")
    few.order(DAY, 70_000, currency="JPY", is_rated=False)
    await few.stored(runtime)

    data = await client.data(
        f"""{{ analytics({JANUARY}) {{
          totals {{ orders grossRevenue }} meta {{ warnings {{ code count }} }}
          groups(by: [{{dimension: {{name: CURRENCY}}}}]) {{
            nodes {{ key {{ currency }} measures {{ grossRevenue }} }}
          }}
        }} }}"""
    )

    found = data["analytics"]
    assert found["totals"] == {"orders": "3", "grossRevenue": "30.00"}
    assert found["meta"]["warnings"] == [{"code": "MISSING_EXCHANGE_RATE", "count": 1}]
    assert {each["key"]["currency"]: each["measures"]["grossRevenue"] for each in found["groups"]["nodes"]} == {
        "GBP": "10.00",
        "EUR": "20.00",
        "JPY": "70000",
    }


async def test_another_currency_is_converted_at_the_rate_of_the_day(
    runtime: Runtime, ctx: Ctx, client: Client, admin: "asyncpg.Pool[Any]"
) -> None:
    few = Few(ctx)
    few.order(DAY, 1_000)
    few.order(DAY + timedelta(days=3), 1_000)
    # Eight days after the last rate.
    few.order(DAY + timedelta(days=11), 1_000)
    few.order(DAY, 500, currency="NOK", is_rated=False)
    await few.stored(runtime)
    await admin.executemany(
        """INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at)
        VALUES ('GBP', 'NOK', $1, $2, 'test', $3) ON CONFLICT DO NOTHING""",
        [(DAY.date(), Decimal("13.5"), DAY), ((DAY + timedelta(days=3)).date(), Decimal("14"), DAY)],
    )

    data = await client.data(
        f"""{{ analytics({JANUARY}, currency: "NOK") {{
          totals {{ grossRevenue }} meta {{ currency warnings {{ code count }} }}
        }} }}"""
    )

    assert data["analytics"]["totals"] == {"grossRevenue": "280.00"}
    assert data["analytics"]["meta"] == {
        "currency": "NOK",
        "warnings": [{"code": "MISSING_EXCHANGE_RATE", "count": 1}],
    }
