"""`cohorts` over HTTP: a small store counted by hand, what a key may see, what is refused, what is kept."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.cache.answers import NullAnswers
from app.core.context import Ctx, Role
from app.core.words import InstanceKind
from app.influencers.inputs import InfluencerInput
from app.main import create_app
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases.create_influencers import create_influencers
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_instances import record_instances
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.client import Client
from tests.factories.orders import Offer, ProgramRows, adjustment, item, order, refund

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]

QUARTER = '{between: {from: "2026-01-01T00:00:00Z", until: "2026-04-01T00:00:00+01:00"}}'
TABLE = """meta { asOf servedFrom timeZone currency truncated cost warnings { code } }
  rows { start size cells { index value complete } }"""


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"2026-{day}").replace(tzinfo=UTC)


def asked(by: str = "FIRST_ORDER", measure: str = "RETAINED_CUSTOMERS", **more: str) -> str:
    arguments = {"by": by, "every": "MONTH", "periods": "3", "measure": measure, "range": QUARTER} | more
    return f"{{ cohorts({', '.join(f'{name}: {value}' for name, value in arguments.items())}) {{ {TABLE} }} }}"


async def table(client: Client, *args: str, **more: Any) -> Any:
    key = {"key": more.pop("key")} if "key" in more else {}
    return (await client.data(asked(*args, **more), **key))["cohorts"]


def values(found: Any) -> list[tuple[str, int, list[str | None]]]:
    return [(row["start"], row["size"], [cell["value"] for cell in row["cells"]]) for row in found["rows"]]


@pytest.fixture
async def offer(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> Offer:
    """A campaign whose code earns, and a small store of three customers.

    Ann buys by the code in January and without it in February; Bob in February, and sends some back in March; Cat in
    the last half hour of January in London, which is February in India.
    """
    made = await ProgramRows(runtime.db, admin, ctx).offer("SPICY20")
    first = order(item("100.00"), customer="ann", codes=("SPICY20",), occurred_at=at("01-10"), external_id="ann-1")
    wrote = [
        *await record_orders(
            runtime,
            ctx,
            [
                first,
                order(item("50.00"), customer="ann", occurred_at=at("02-05")),
                order(item("30.00"), customer="bob", visitor_id="bobs-phone", occurred_at=at("02-03"), external_id="b"),
                order(item("20.00"), customer="cat", occurred_at=at("01-31T23:40")),
                order(item("7.00"), occurred_at=at("01-12")),
                order(item("9.00"), customer="ann", occurred_at=at("01-03"), test=True),
            ],
        ),
        *await record_instances(
            runtime,
            ctx,
            [
                InstanceInput(InstanceKind.VIEW, at("01-02"), visitor_id="bobs-phone"),
                InstanceInput(InstanceKind.SIGNUP, at("01-20"), customer="cat"),
            ],
        ),
        *await record_refunds(runtime, ctx, [refund("b", "10.00", occurred_at=at("03-02"))]),
        *await record_adjustments(runtime, ctx, [adjustment("1.00", customer="cat", occurred_at=at("03-05"))]),
    ]
    assert [outcome.code for outcome in wrote] == [None] * len(wrote)
    return made


TABLES: dict[tuple[str, str], list[tuple[str, int, list[str | None]]]] = {
    ("FIRST_ORDER", "RETAINED_CUSTOMERS"): [
        ("2026-01-01", 2, ["2", "1", "0"]),
        ("2026-02-01", 1, ["1", "0", "0"]),
        ("2026-03-01", 0, ["0", "0", "0"]),
    ],
    ("FIRST_ORDER", "CUMULATIVE_REVENUE"): [
        ("2026-01-01", 2, ["120.00", "170.00", "169.00"]),
        ("2026-02-01", 1, ["30.00", "20.00", "20.00"]),
        ("2026-03-01", 0, ["0.00", "0.00", "0.00"]),
    ],
    ("FIRST_ORDER", "ORDERS_PER_CUSTOMER"): [
        ("2026-01-01", 2, ["1.000000", "1.500000", "1.500000"]),
        ("2026-02-01", 1, ["1.000000", "1.000000", "1.000000"]),
        ("2026-03-01", 0, [None, None, None]),
    ],
    # Ann by her first order's purchase, Bob by his telephone, Cat by signing up.
    ("FIRST_TOUCH", "RETAINED_CUSTOMERS"): [
        ("2026-01-01", 3, ["2", "2", "0"]),
        ("2026-02-01", 0, ["0", "0", "0"]),
        ("2026-03-01", 0, ["0", "0", "0"]),
    ],
    ("INFLUENCER_JOINED", "RETAINED_CUSTOMERS"): [
        ("2026-01-01", 1, ["1", "0", "0"]),
        ("2026-02-01", 0, ["0", "0", "0"]),
        ("2026-03-01", 0, ["0", "0", "0"]),
    ],
    ("INFLUENCER_JOINED", "CUMULATIVE_REVENUE"): [
        ("2026-01-01", 1, ["100.00", "100.00", "100.00"]),
        ("2026-02-01", 0, ["0.00", "0.00", "0.00"]),
        ("2026-03-01", 0, ["0.00", "0.00", "0.00"]),
    ],
}


@pytest.mark.parametrize(("by", "measure"), TABLES)
async def test_a_small_store_is_counted_as_by_hand(client: Client, offer: Offer, by: str, measure: str) -> None:
    found = await table(client, by, measure)

    assert values(found) == TABLES[by, measure]
    assert [cell["index"] for cell in found["rows"][0]["cells"]] == [0, 1, 2]
    meta = found["meta"]
    assert (meta["timeZone"], meta["currency"], meta["truncated"]) == ("Europe/London", "GBP", False)
    assert (meta["servedFrom"], meta["warnings"]) == (["FACTS"], [])
    assert meta["cost"] > 0


async def test_cohorts_are_cut_in_the_asked_zone(client: Client, offer: Offer) -> None:
    india = '{between: {from: "2026-01-01T00:00:00+05:30", until: "2026-04-01T00:00:00+05:30"}}'

    found = await table(client, range=india, timeZone='"Asia/Kolkata"')

    assert values(found)[:2] == [("2026-01-01", 1, ["1", "1", "0"]), ("2026-02-01", 2, ["2", "0", "0"])]


async def test_a_cohort_by_first_order_is_the_new_customers_of_its_bucket(client: Client, offer: Offer) -> None:
    for where in ("{}", f'{{influencer: {{in: ["{offer.influencer_id}"]}}}}', "{influencer: {isNull: true}}"):
        data = await client.data(
            f"""{{ cohorts(by: FIRST_ORDER, every: WEEK, periods: 1, measure: RETAINED_CUSTOMERS, range: {QUARTER},
              where: {where}) {{ rows {{ start size }} }}
            analytics(range: {QUARTER}, where: {where}) {{
              series(every: WEEK) {{ start localDate measures {{ newCustomers }} }} }} }}"""
        )
        cohorts = {row["start"]: row["size"] for row in data["cohorts"]["rows"]}
        series = {each["localDate"]: each["measures"]["newCustomers"] for each in data["analytics"]["series"][1:]}
        assert cohorts == series
        assert sum(cohorts.values()) >= 1


async def test_only_cohorts_that_start_in_the_range_are_shown(client: Client, offer: Offer) -> None:
    middle = '{between: {from: "2026-01-01T00:00:01Z", until: "2026-03-01T00:00:00Z"}}'

    assert [row[0] for row in values(await table(client, range=middle))] == ["2026-02-01"]
    within = '{between: {from: "2026-01-02T00:00:00Z", until: "2026-02-01T00:00:00Z"}}'
    found = await table(client, range=within)
    assert (found["rows"], found["meta"]["servedFrom"]) == ([], [])


async def test_all_time_begins_with_the_first_fact(client: Client, offer: Offer) -> None:
    found = await table(client, range="{preset: ALL_TIME}", every="YEAR", periods="1")

    assert values(found) == [("2026-01-01", 3, ["3"])]


async def test_periods_that_run_are_marked_and_those_to_come_are_empty(
    runtime: Runtime, client: Client, ctx: Ctx
) -> None:
    today = ctx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    await record_orders(runtime, ctx, [order(customer="ann", occurred_at=ctx.now - timedelta(days=1))])

    found = await table(client, every="DAY", range="{last: {n: 3, unit: DAY, includeCurrent: true}}", timeZone='"UTC"')

    shown = [[(cell["value"], cell["complete"]) for cell in row["cells"]] for row in found["rows"]]
    assert [row["start"] for row in found["rows"]] == [str((today - timedelta(days=age)).date()) for age in (2, 1, 0)]
    assert shown == [
        [("0", True), ("0", True), ("0", False)],
        [("1", True), ("0", False), (None, False)],
        [("0", False), (None, False), (None, False)],
    ]


async def test_the_filter_says_which_orders_count(client: Client, offer: Offer) -> None:
    mine = f'{{influencer: {{in: ["{offer.influencer_id}"]}}}}'

    assert values(await table(client, where=mine))[:2] == [
        ("2026-01-01", 1, ["1", "0", "0"]),
        ("2026-02-01", 0, ["0", "0", "0"]),
    ]
    assert values(await table(client, "INFLUENCER_JOINED", where="{influencer: {isNull: true}}"))[0][1] == 0


async def test_an_influencer_sees_its_own_numbers(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx, client: Client, offer: Offer, make_key: MakeKey
) -> None:
    other = await ProgramRows(runtime.db, admin, ctx).influencer()
    keys = [await make_key(Role.INFLUENCER, influencer_id=who) for who in (offer.influencer_id, other)]

    for by in ("FIRST_ORDER", "FIRST_TOUCH", "INFLUENCER_JOINED"):
        for _ in range(2):
            found = [values(await table(client, by, "CUMULATIVE_REVENUE", key=key)) for key in keys]
        assert found[0][0] == ("2026-01-01", 1, ["100.00", "100.00", "100.00"]), by
        assert found[1][0] == ("2026-01-01", 0, ["0.00", "0.00", "0.00"]), by
    assert await client.error_codes(asked(), key=await make_key(Role.STORE)) == ["FORBIDDEN"]


# ------------------------------------------------------------------ what is kept


@pytest.fixture
async def fresh(runtime: Runtime, make_key: MakeKey) -> AsyncIterator[Client]:
    """An application that remembers no answers."""
    app = create_app(replace(runtime, answers=NullAnswers()))
    async with Client(app, await make_key(Role.ANALYST)) as client:
        yield client


@pytest.mark.parametrize("by", ["FIRST_ORDER", "FIRST_TOUCH", "INFLUENCER_JOINED"])
async def test_a_kept_table_is_served_until_a_fact_changes_it(
    runtime: Runtime, ctx: Ctx, client: Client, fresh: Client, offer: Offer, by: str
) -> None:
    before = await table(client, by)
    again = await table(client, by)
    assert again["meta"]["servedFrom"] == ["CACHE"]
    assert again["rows"] == before["rows"]
    assert again["meta"]["asOf"] == before["meta"]["asOf"]

    # Long before the range: Cat's first order was another, as was the first of the influencer.
    early = order(item("5.00"), customer="cat", codes=("SPICY20",), occurred_at=at("01-10") - timedelta(days=90))
    (outcome,) = await record_orders(runtime, ctx, [early])
    assert outcome.code is None

    after = await table(client, by)
    assert after["meta"]["servedFrom"] == ["FACTS"]
    assert after["rows"] == (await table(fresh, by))["rows"] != before["rows"]


async def test_an_order_later_than_the_table_may_tell_whose_a_visit_was(
    runtime: Runtime, ctx: Ctx, client: Client, offer: Offer
) -> None:
    await record_instances(runtime, ctx, [InstanceInput(InstanceKind.VIEW, at("02-02"), visitor_id="dans-phone")])
    before = await table(client, "FIRST_TOUCH")
    await record_orders(runtime, ctx, [order(customer="dan", visitor_id="dans-phone", occurred_at=at("09-01"))])

    after = await table(client, "FIRST_TOUCH")

    assert [row["size"] for row in before["rows"]] == [3, 0, 0]
    assert [row["size"] for row in after["rows"]] == [3, 1, 0]


async def test_a_new_influencer_is_in_the_table_at_once(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    month = "{last: {n: 1, unit: MONTH, includeCurrent: true}}"
    before = await table(client, "INFLUENCER_JOINED", range=month)
    (outcome,) = await create_influencers(runtime, ctx, [InfluencerInput(name="Ina")])
    assert outcome.code is None

    after = await table(client, "INFLUENCER_JOINED", range=month)

    assert [[row["size"] for row in found["rows"]] for found in (before, after)] == [[0], [1]]


async def test_a_table_is_one_statement(client: Client, offer: Offer, count_statements: Callable[[], Any]) -> None:
    await table(client, periods="2")
    for by in ("FIRST_ORDER", "FIRST_TOUCH", "INFLUENCER_JOINED"):
        with count_statements() as statements:
            await table(client, by, "CUMULATIVE_REVENUE", where='{campaign: {in: []}, country: {in: ["GB"]}}')
        assert len(statements) == 1


# ------------------------------------------------------------------ what is refused


async def refused(client: Client, document: str) -> list[tuple[str, list[str], bool]]:
    payload = await client.query(document)
    assert payload["data"] == {"cohorts": None}
    extensions = [error["extensions"] for error in payload["errors"]]
    return [(each["code"], each["path"], bool(each.get("suggestion"))) for each in extensions]


async def test_all_mistakes_come_back_at_once(client: Client) -> None:
    reversed_ = '{between: {from: "2026-04-01T00:00:00Z", until: "2026-01-01T00:00:00Z"}}'

    found = await refused(
        client, asked("FIRST_TOUCH", every="HOUR", periods="121", range=reversed_, where="{product: {in: []}}")
    )
    nowhere = await refused(client, asked(periods="0", timeZone='"Mars/Base"'))

    assert found == [
        ("RANGE_INVALID", ["periods"], True),
        ("NOT_SUPPORTED", ["every"], True),
        ("RANGE_INVALID", ["range", "between"], True),
        ("MEASURE_NOT_BY_DIMENSION", ["where"], True),
    ]
    assert nowhere == [("RANGE_INVALID", ["periods"], True), ("INVALID_TIME_ZONE", ["timeZone"], True)]


async def test_what_instances_do_not_know_is_no_filter_of_first_touches_alone(client: Client) -> None:
    where = "{product: {in: []}}"

    assert (await table(client, where=where))["rows"]
    assert (await table(client, "INFLUENCER_JOINED", where=where))["rows"]
    payload = await client.query(asked("FIRST_TOUCH", where=where))
    assert "COUNTRY" in payload["errors"][0]["extensions"]["suggestion"]
    assert "PRODUCT" not in payload["errors"][0]["extensions"]["suggestion"]


@pytest.mark.parametrize("periods", ["0", "-1", "121", "2147483647"])
async def test_periods_are_bounded(client: Client, periods: str) -> None:
    assert await refused(client, asked(periods=periods)) == [("RANGE_INVALID", ["periods"], True)]


async def test_cells_are_bounded(client: Client) -> None:
    year = '{between: {from: "2025-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z"}}'

    assert await refused(client, asked(every="DAY", periods="28", range=year)) == [("RANGE_INVALID", ["every"], True)]
    assert len((await table(client, every="DAY", periods="27", range=year))["rows"]) == 365


@pytest.mark.parametrize("argument", ['timeZone: "Mars/Base"', 'currency: "XXX"', "by: LAST_ORDER", "measure: MONEY"])
async def test_words_that_are_none_are_refused(client: Client, argument: str) -> None:
    name, value = argument.split(": ")

    payload = await client.query(asked(**{name: value}))

    assert payload["errors"]
    assert all(error["extensions"]["code"] != "INTERNAL_SERVER_ERROR" for error in payload["errors"])
