"""What buckets of a range show of the compared time, through the API: in series, and in groups by time."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.client import Client
from tests.factories.few import Few
from tests.integration.analytics.asking import between

pytestmark = pytest.mark.database


async def sold_each_day(few: Few, runtime: Runtime, first: datetime, days: int) -> None:
    """An order of ten pounds every noon."""
    for day in range(days):
        few.order(first + timedelta(days=day, hours=12), 1_000, platform="X")
    await few.stored(runtime)


MEASURES = "measures { orders } previous { orders averageOrderValue } change { orders averageOrderValue }"
MARCH = between("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
FEBRUARY = 'between: {from: "2026-02-01T00:00:00Z", until: "2026-03-01T00:00:00Z"}'


@pytest.mark.parametrize("fill", ["AUTO", "ZERO", "NULL"])
async def test_a_bucket_without_an_earlier_one_has_nothing_before_it(
    runtime: Runtime, ctx: Ctx, client: Client, fill: str
) -> None:
    await sold_each_day(Few(ctx), runtime, datetime(2026, 2, 1, tzinfo=UTC), 59)

    data = await client.data(
        f"""{{ analytics({MARCH}, compare: {{{FEBRUARY}}}, timeZone: "UTC") {{
          series(every: DAY, fill: {fill}) {{ {MEASURES} }}
          groups(by: [{{time: {{every: DAY}}}}], first: 50) {{ nodes {{ {MEASURES} }} }}
        }} }}"""
    )

    found = data["analytics"]
    paired = {
        "measures": {"orders": "1"},
        "previous": {"orders": "1", "averageOrderValue": "10.00"},
        "change": {"orders": "0.000000", "averageOrderValue": "0.000000"},
    }
    alone = {
        "measures": {"orders": "1"},
        "previous": {"orders": "0", "averageOrderValue": None},
        "change": {"orders": None, "averageOrderValue": None},
    }
    assert found["series"] == found["groups"]["nodes"] == [paired] * 28 + [alone] * 3


async def test_weeks_are_compared_in_their_order_where_the_time_is_no_whole_weeks(
    runtime: Runtime, ctx: Ctx, client: Client
) -> None:
    # Thirty days from Thursday 5 March, and thirty from Tuesday 3 February.
    await sold_each_day(Few(ctx), runtime, datetime(2026, 2, 3, tzinfo=UTC), 60)

    data = await client.data(
        f"""{{ analytics(
          {between("2026-03-05T00:00:00Z", "2026-04-04T00:00:00Z")} compare: {{previousPeriod: FULL}} timeZone: "UTC"
        ) {{
          previous {{ orders }}
          series(every: WEEK) {{ measures {{ orders }} previous {{ orders }} }}
          groups(by: [{{time: {{every: WEEK}}}}]) {{ nodes {{ measures {{ orders }} previous {{ orders }} }} }}
        }} }}"""
    )

    found = data["analytics"]
    weeks = [(each["measures"]["orders"], each["previous"]["orders"]) for each in found["series"]]
    assert weeks == [("4", "6"), ("7", "7"), ("7", "7"), ("7", "7"), ("5", "3")]
    assert found["groups"]["nodes"] == found["series"]
    assert found["previous"] == {"orders": "30"}


async def test_weeks_stand_beside_those_next_to_them_a_year_before(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    # A year before Monday 2 March 2026 was a Sunday: alone in its week, it counts with the week behind it.
    few = Few(ctx)
    for year, days in ((2025, 28), (2026, 28)):
        for day in range(days):
            at = datetime(year, 3, 2, 12, tzinfo=UTC) + timedelta(days=day)
            few.order(at, 1_000, platform="X", customer=few.customer(at))
    await few.stored(runtime)

    data = await client.data(
        f"""{{ analytics(
          {between("2026-03-02T00:00:00Z", "2026-03-30T00:00:00Z")} compare: {{previousYear: FULL}} timeZone: "UTC"
        ) {{
          previous {{ orders newCustomers }}
          series(every: WEEK) {{ measures {{ orders }} previous {{ orders newCustomers }} }}
        }} }}"""
    )

    found = data["analytics"]
    assert [each["previous"]["orders"] for each in found["series"]] == ["8", "7", "7", "6"]
    assert [each["previous"]["newCustomers"] for each in found["series"]] == [8, 7, 7, 6]
    assert found["previous"] == {"orders": "28", "newCustomers": 28}


async def test_three_days_of_a_month_are_compared_with_the_three_before(
    runtime: Runtime, ctx: Ctx, client: Client
) -> None:
    await sold_each_day(Few(ctx), runtime, datetime(2026, 3, 4, tzinfo=UTC), 10)

    data = await client.data(
        f"""{{ analytics(
          {between("2026-03-10T00:00:00Z", "2026-03-13T00:00:00Z")} compare: {{previousPeriod: FULL}} timeZone: "UTC"
        ) {{ series(every: MONTH) {{ measures {{ orders }} previous {{ orders }} change {{ orders }} }} }} }}"""
    )

    (month,) = data["analytics"]["series"]
    assert month == {"measures": {"orders": "3"}, "previous": {"orders": "3"}, "change": {"orders": "0.000000"}}


async def test_years_of_all_time_are_compared_with_the_year_before(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    few = Few(ctx)
    for year, orders in ((2024, 1), (2025, 3)):
        for _ in range(orders):
            few.order(datetime(year, 5, 1, tzinfo=UTC), 1_000)
    await few.stored(runtime)

    data = await client.data(
        """{ analytics(range: {preset: ALL_TIME}, compare: {previousYear: FULL}, timeZone: "UTC") {
          series(every: YEAR) { localDate measures { orders } previous { orders } }
        } }"""
    )

    first, second, *_ = data["analytics"]["series"]
    assert first == {"localDate": "2024-01-01", "measures": {"orders": "1"}, "previous": {"orders": "0"}}
    assert second == {"localDate": "2025-01-01", "measures": {"orders": "3"}, "previous": {"orders": "1"}}
