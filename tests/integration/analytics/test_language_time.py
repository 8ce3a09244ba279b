"""Buckets in any zone, filled over the whole range, and times compared by the local calendar."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.analytics.query import (
    Align,
    Ask,
    Between,
    ByDimension,
    ByTime,
    Columns,
    Fill,
    Groups,
    Last,
    Preset,
    PreviousPeriod,
    PreviousYear,
    Question,
    Series,
)
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.timegrain import Granularity
from app.runtime import Runtime
from tests.client import Client
from tests.conftest import make_ctx
from tests.factories.few import Few
from tests.integration.analytics.asking import asks, between, values

pytestmark = pytest.mark.database


def at(text: str) -> datetime:
    """The instant."""
    return datetime.fromisoformat(text)


def compared(*names: str) -> Columns:
    """These measures with those of the compared time."""
    found = tuple(map(Ask, names))
    return Columns(found, previous=found)


@pytest.fixture
def runner(runtime: Runtime) -> Runner:
    """Answers that are not kept."""
    return Runner(runtime.db, NullAnswers(), runtime.settings)


async def series(client: Client, zone: str, start: str, until: str, every: str = "DAY") -> tuple[int, list[Any]]:
    """Clicks of a range, and its buckets."""
    data = await client.data(
        f"""{{ analytics({between(start, until)}, timeZone: "{zone}") {{
          totals {{ clicks }}
          series(every: {every}) {{ start end localDate partial measures {{ clicks }} }}
        }} }}"""
    )
    return data["analytics"]["totals"]["clicks"], data["analytics"]["series"]


def hours(bucket: Any) -> float:
    """How long a bucket is."""
    length: timedelta = at(bucket["end"]) - at(bucket["start"])
    return length / timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "day", "length", "first"),
    [
        ("Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00+00:00"),
        ("Europe/Berlin", "2025-10-26", 25, "2025-10-25T22:00:00+00:00"),
        ("Asia/Kolkata", "2025-10-26", 24, "2025-10-25T18:30:00+00:00"),
        # Its midnight is skipped: the day begins at one o'clock.
        ("America/Santiago", "2025-09-07", 23, "2025-09-07T04:00:00+00:00"),
        ("Australia/Lord_Howe", "2025-10-05", 23.5, "2025-10-04T13:30:00+00:00"),
    ],
)
async def test_days_are_local_and_their_sum_is_the_total(
    runtime: Runtime, ctx: Ctx, client: Client, zone: str, day: str, length: float, first: str
) -> None:
    few = Few(ctx)
    middle = at(first)
    for minutes in range(-36 * 60, 60 * 60, 17):
        few.click(middle + timedelta(minutes=minutes))
    await few.stored(runtime)
    start, until = middle - timedelta(hours=36), middle + timedelta(hours=60)

    total, days = await series(client, zone, start.isoformat(), until.isoformat())
    _, by_hour = await series(client, zone, start.isoformat(), until.isoformat(), "HOUR")

    (the_day,) = [each for each in days if each["localDate"] == day]
    assert at(the_day["start"]) == middle
    assert hours(the_day) == length
    assert the_day["measures"]["clicks"] == len(
        [row for row in few.facts.rows["instances"] if at(the_day["start"]) <= row["occurred_at"] < at(the_day["end"])]
    )
    for found in (days, by_hour):
        assert total == sum(each["measures"]["clicks"] for each in found) == len(few.facts.rows["instances"])
        assert all(earlier["end"] == later["start"] for earlier, later in pairwise(found))


@pytest.mark.parametrize(
    ("start", "until", "clock"),
    [
        ("2025-10-04T13:30:00Z", "2025-10-04T17:00:00Z", [0, 1, 2, 3]),
        ("2026-04-04T13:00:00Z", "2026-04-04T16:30:00Z", [0, 1, 1, 2]),
    ],
)
async def test_hours_are_those_of_the_clock_where_it_changes_by_half_an_hour(
    runtime: Runtime, ctx: Ctx, client: Client, start: str, until: str, clock: list[int]
) -> None:
    few, begin = Few(ctx), at(start)
    for minutes in range(0, 210, 7):
        few.click(begin + timedelta(minutes=minutes))
    await few.stored(runtime)

    total, buckets = await series(client, "Australia/Lord_Howe", start, until, "HOUR")
    data = await client.data(
        f"""{{ analytics({between(start, until)}, timeZone: "Australia/Lord_Howe") {{
          groups(by: [{{dimension: {{name: HOUR_OF_DAY}}}}]) {{ nodes {{ key {{ hourOfDay }} measures {{ clicks }} }} }}
        }} }}"""
    )

    by_clock = Counter[int]()
    for hour, bucket in zip(clock, buckets, strict=True):
        by_clock[hour] += bucket["measures"]["clicks"]
    nodes = data["analytics"]["groups"]["nodes"]
    assert {node["key"]["hourOfDay"]: node["measures"]["clicks"] for node in nodes} == by_clock
    assert total == by_clock.total() == 30
    assert not any(bucket["partial"] for bucket in buckets)


async def test_weeks_start_on_monday(client: Client) -> None:
    _, weeks = await series(client, "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "WEEK")

    assert [week["localDate"] for week in weeks] == [
        "2025-12-29", "2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26",
    ]  # fmt: skip
    assert [week["partial"] for week in weeks] == [True, False, False, False, True]


async def test_two_years_of_hours_are_refused_and_never_coarsened(client: Client) -> None:
    two_years = between("2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z")

    answer = await client.query(f"{{ analytics({two_years}) {{ series(every: HOUR) {{ start }} }} }}")

    (error,) = answer["errors"]
    assert answer["data"] == {"analytics": None}
    assert error["extensions"]["code"] == "RANGE_INVALID"
    assert error["extensions"]["path"] == ["series", "every"]
    assert error["extensions"]["suggestion"] == "Use DAY, or a shorter range."


TOO_FINE = {
    "a series": ("series(every: HOUR) { start }", ["series", "every"], 9_000),
    "groups by time": ("groups(by: [{time: {every: HOUR}}]) { totalCount }", ["groups", "by"], 9_000),
    "a table by time": ("table(by: [{time: {every: HOUR}}], measures: []) { rowCount }", ["table", "by"], 9_000),
    "a series of each of ten groups": (
        "groups(by: [{dimension: {name: CODE}}], first: 10) { nodes { series(every: HOUR) { start } } }",
        ["groups", "series", "every"],
        9_000,
    ),
    "a series of each of fifty groups": (
        "groups(by: [{dimension: {name: CODE}}], first: 50) { nodes { series(every: HOUR) { start } } }",
        ["groups", "series", "every"],
        2_000,
    ),
}
"""Where hours may be asked, the place that is told, and how many fit."""


@pytest.mark.parametrize("name", TOO_FINE)
async def test_a_step_that_is_too_fine_is_refused_with_its_buckets_and_a_coarser_one(
    client: Client, count_statements: Callable[[], Any], name: str
) -> None:
    selection, path, most = TOO_FINE[name]
    two_years = between("2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z")

    with count_statements() as statements:
        refused = await client.query(f"{{ analytics({two_years}) {{ {selection} }} }}")
    daily = await client.query(f"{{ analytics({two_years}) {{ {selection.replace('HOUR', 'DAY')} }} }}")

    (error,) = refused["errors"]
    assert refused["data"] == {"analytics": None}
    # 731 days: one of the years is a leap year, and in each an hour comes twice and another never.
    assert error["message"] == f"The range has 17544 buckets of HOUR; at most {most} fit an answer."
    assert error["extensions"] == {
        "code": "RANGE_INVALID",
        "path": path,
        "suggestion": "Use DAY, or a shorter range.",
    }
    assert not [sql for sql in statements if sql.startswith("/* analytics.")]
    assert "errors" not in daily


async def test_as_many_buckets_fit_as_are_told_and_none_more(client: Client) -> None:
    start = at("2025-01-01T00:00:00+00:00")

    async def asked(hours: int) -> Any:
        until = start + timedelta(hours=hours)
        return await client.query(
            f"{{ analytics({between(start.isoformat(), until.isoformat())}) {{ series(every: HOUR) {{ start }} }} }}"
        )

    fits, refused = await asked(9_000), await asked(9_001)

    starts = [at(bucket["start"]) for bucket in fits["data"]["analytics"]["series"]]
    assert starts == [start + timedelta(hours=hour) for hour in range(9_000)]
    assert [error["message"] for error in refused["errors"]] == [
        "The range has 9001 buckets of HOUR; at most 9000 fit an answer."
    ]


async def cut_of(client: Client, range_: str, part: str) -> list[int]:
    """How many buckets of a part of the answer are told to be cut, if any are."""
    data = await client.data(f"{{ analytics({range_}) {{ {part} meta {{ warnings {{ code count }} }} }} }}")
    warnings = data["analytics"]["meta"]["warnings"]
    return [each["count"] for each in warnings if each["code"] == "PARTIAL_BUCKET"]


@pytest.fixture
async def winter(runtime: Runtime, ctx: Ctx) -> Few:
    """Clicks on two platforms on the tenth and twentieth of each month from December to March, none in February."""
    few = Few(ctx)
    for month in ("2025-12", "2026-01", "2026-03"):
        for day in (10, 20):
            few.click(at(f"{month}-{day}T12:00:00+00:00"), platform="X")
            few.click(at(f"{month}-{day}T12:00:00+00:00"), platform="TIKTOK")
    return await few.stored(runtime)


BY_MONTH = "by: [{time: {every: MONTH}}, {dimension: {name: PLATFORM}}]"
GROUPS = f"groups({BY_MONTH}) {{ nodes {{ rank }} }}"
WHOLE = between("2025-12-01T00:00:00Z", "2026-04-01T00:00:00+01:00")
MIDDLE = between("2025-12-15T00:00:00Z", "2026-03-15T00:00:00Z")
CUT: dict[str, tuple[str, str, list[int]]] = {
    "both": (MIDDLE, GROUPS, [2]),
    "both, in columns": (MIDDLE, f"table({BY_MONTH}, measures: []) {{ rowCount }}", [2]),
    "the first": (between("2025-12-15T00:00:00Z", "2026-04-01T00:00:00+01:00"), GROUPS, [1]),
    "the last": (between("2025-12-01T00:00:00Z", "2026-03-15T00:00:00Z"), GROUPS, [1]),
    "both, whichever are on the page": (MIDDLE, GROUPS.replace(")", ", first: 3)"), [2]),
    "the last, in which nothing lies": (between("2025-12-01T00:00:00Z", "2026-02-15T00:00:00Z"), GROUPS, [1]),
    "none": (WHOLE, GROUPS, []),
    "both, in another zone": (f'{WHOLE}, timeZone: "Asia/Kolkata"', GROUPS, [2]),
}
"""Which months of groups the range cuts, whatever lies in them: the range, what is asked, and how many are told."""


@pytest.mark.parametrize("name", CUT)
async def test_months_of_groups_that_the_range_cuts_are_told(winter: Few, client: Client, name: str) -> None:
    range_, part, told = CUT[name]

    assert await cut_of(client, range_, part) == told


async def test_a_month_of_groups_that_still_runs_is_told(winter: Few, ctx: Ctx, runner: Runner) -> None:
    groups = Groups((ByTime(Granularity.MONTH), ByDimension("platform")), asks("clicks"))
    year = Between(at("2025-12-01T00:00:00+00:00"), at("2026-12-01T00:00:00+00:00"))

    told = {}
    for now in ("2026-03-15T12:00:00+00:00", "2026-04-15T12:00:00+01:00", "2026-12-01T00:00:00+00:00"):
        answer = await runner.run(make_ctx(ctx.tenant, now=at(now)), Question(year, groups=(groups,)))
        told[now[5:7]] = [(warned.code.value, warned.count) for warned in answer.warnings]

    assert told == {"03": [("PARTIAL_BUCKET", 1)], "04": [("PARTIAL_BUCKET", 1)], "12": []}


@pytest.fixture
async def gaps(runtime: Runtime, ctx: Ctx) -> Few:
    """Orders on the second and fourth of six days: a gap at the start, in the middle and at the end."""
    few = Few(ctx)
    few.order(at("2026-01-02T10:00:00+00:00"), 1_000, platform="TIKTOK")
    few.order(at("2026-01-04T10:00:00+00:00"), 3_000, platform="TIKTOK")
    few.click(at("2026-01-04T09:00:00+00:00"), platform="X")
    return await few.stored(runtime)


@pytest.mark.parametrize(
    ("fill", "empty_orders", "empty_average"),
    [("AUTO", "0", None), ("ZERO", "0", "0.00")],
)
async def test_gaps_are_filled_at_the_start_in_the_middle_and_at_the_end(
    gaps: Few, client: Client, fill: str, empty_orders: str, empty_average: str | None
) -> None:
    data = await client.data(
        f"""{{ analytics({between("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z")}) {{
          series(every: DAY, fill: {fill}) {{ filled measures {{ orders averageOrderValue }} }}
        }} }}"""
    )

    buckets = data["analytics"]["series"]
    assert [bucket["filled"] for bucket in buckets] == [True, False, True, False, True, True]
    assert [bucket["measures"]["orders"] for bucket in buckets] == [
        empty_orders, "1", empty_orders, "1", empty_orders, empty_orders,
    ]  # fmt: skip
    assert [bucket["measures"]["averageOrderValue"] for bucket in buckets] == [
        empty_average, "10.00", empty_average, "30.00", empty_average, empty_average,
    ]  # fmt: skip


async def test_gaps_may_be_null_or_what_was_before_or_left_out(gaps: Few, client: Client) -> None:
    data = await client.data(
        f"""{{ analytics({between("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z")}) {{
          null: series(every: DAY, fill: NULL) {{ measures {{ orders }} }}
          previous: series(every: DAY, fill: PREVIOUS) {{ measures {{ grossRevenue }} }}
          none: series(every: DAY, fill: NONE) {{ localDate }}
        }} }}"""
    )

    found = data["analytics"]
    assert [each["measures"] and each["measures"]["orders"] for each in found["null"]] == [
        None, "1", None, "1", None, None,
    ]  # fmt: skip
    assert [each["measures"] and each["measures"]["grossRevenue"] for each in found["previous"]] == [
        None, "10.00", "10.00", "30.00", "30.00", "30.00",
    ]  # fmt: skip
    assert [each["localDate"] for each in found["none"]] == ["2026-01-02", "2026-01-04"]


async def test_a_group_without_any_order_still_has_every_bucket(gaps: Few, client: Client) -> None:
    data = await client.data(
        f"""{{ analytics({between("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z")}) {{
          groups(by: [{{dimension: {{name: PLATFORM}}}}]) {{
            nodes {{ key {{ platform }} measures {{ clicks }} series(every: DAY) {{ filled measures {{ orders }} }} }}
          }}
        }} }}"""
    )

    (x,) = data["analytics"]["groups"]["nodes"]
    assert x["key"] == {"platform": "X"}
    assert x["series"] == [{"filled": True, "measures": {"orders": "0"}}] * 6


async def test_buckets_that_have_not_begun_are_left_out(runtime: Runtime, ctx: Ctx, runner: Runner) -> None:
    now = make_ctx(ctx.tenant, now=at("2026-01-14T12:00:00+00:00"))

    answer = await runner.run(now, Question(Preset.MONTH_TO_DATE, series=(Series(Granularity.DAY, asks("clicks")),)))
    week = await runner.run(
        now,
        Question(
            Between(at("2026-01-12T00:00:00+00:00"), at("2026-01-19T00:00:00+00:00")),
            series=(Series(Granularity.DAY, asks("clicks"), Fill.ZERO),),
        ),
    )

    assert [bucket.is_partial for bucket in answer.series[0]] == [False] * 13 + [True]
    assert len(week.series[0]) == 3


async def test_wednesday_noon_is_compared_with_wednesday_noon(runtime: Runtime, ctx: Ctx, runner: Runner) -> None:
    few = Few(ctx)
    # In Berlin, an hour each week at half past ten, and one on each Wednesday afternoon. Clocks change in between.
    for day in (23, 24, 25, 30, 31):
        few.click(at(f"2026-03-{day}T10:30:00+02:00" if day > 29 else f"2026-03-{day}T10:30:00+01:00"))
    few.click(at("2026-04-01T10:30:00+02:00"))
    few.click(at("2026-03-25T12:30:00+01:00"))
    await few.stored(runtime)
    wednesday = make_ctx(ctx.tenant, now=at("2026-04-01T12:00:00+02:00"))

    def asked(align: Align) -> Question:
        compare = PreviousPeriod(align)
        return Question(Preset.WEEK_TO_DATE, zone="Europe/Berlin", compare=compare, totals=compared("clicks"))

    elapsed = (await runner.run(wednesday, asked(Align.ELAPSED))).totals
    full = (await runner.run(wednesday, asked(Align.FULL))).totals

    assert elapsed is not None
    assert full is not None
    assert (elapsed.value(0), elapsed.before(0), str(elapsed.change(0))) == (3, 3, "0.000000")
    assert (full.value(0), full.before(0)) == (3, 4)


async def test_last_days_are_compared_with_as_many_before(runtime: Runtime, ctx: Ctx, runner: Runner) -> None:
    few = Few(ctx)
    for day, clicks in ((9, 4), (10, 3), (11, 2), (12, 6)):
        for _ in range(clicks):
            few.click(at(f"2026-01-{day:02}T10:00:00+00:00"))
    await few.stored(runtime)
    now = make_ctx(ctx.tenant, now=at("2026-01-13T12:00:00+00:00"))
    days = Series(Granularity.DAY, compared("clicks"))

    answer = await runner.run(
        now,
        Question(
            Last(2, Granularity.DAY),
            compare=PreviousPeriod(Align.FULL),
            totals=compared("clicks"),
            series=(days,),
        ),
    )

    assert answer.totals is not None
    assert (answer.totals.value(0), answer.totals.before(0)) == (8, 7)
    assert [(bucket.figures.value(0), bucket.figures.before(0)) for bucket in answer.series[0]] == [(2, 4), (6, 3)]
    assert [str(bucket.figures.change(0)) for bucket in answer.series[0]] == ["-0.500000", "1.000000"]


async def test_the_last_day_of_february_is_compared_with_the_last_day_it_had(
    runtime: Runtime, ctx: Ctx, runner: Runner
) -> None:
    few = Few(ctx)
    few.click(at("2023-02-28T10:00:00+00:00"))
    await few.stored(runtime)
    leap_day = Between(at("2024-02-29T00:00:00+00:00"), at("2024-03-01T00:00:00+00:00"))

    answer = await runner.run(ctx, Question(leap_day, compare=PreviousYear(Align.FULL), totals=compared("clicks")))

    assert answer.totals is not None
    assert answer.totals.before(0) == 1


async def test_change_is_null_where_nothing_was_before(gaps: Few, client: Client) -> None:
    data = await client.data(
        f"""{{ analytics(
          {between("2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z")}
          compare: {{previousPeriod: FULL}}
        ) {{
          totals {{ orders grossRevenue averageOrderValue }} previous {{ orders averageOrderValue }}
          change {{ orders averageOrderValue }}
        }} }}"""
    )

    assert data["analytics"]["previous"] == {"orders": "0", "averageOrderValue": None}
    assert data["analytics"]["change"] == {"orders": None, "averageOrderValue": None}


async def test_groups_of_the_compared_time_alone_are_there_with_zeros(
    runtime: Runtime, ctx: Ctx, runner: Runner
) -> None:
    few = Few(ctx)
    few.order(at("2026-01-01T10:00:00+00:00"), 1_000, platform="X")
    few.order(at("2026-01-02T10:00:00+00:00"), 3_000, platform="TIKTOK")
    await few.stored(runtime)
    day = Between(at("2026-01-02T00:00:00+00:00"), at("2026-01-03T00:00:00+00:00"))
    groups = Groups((ByDimension("platform"),), compared("orders", "averageOrderValue"))

    answer = await runner.run(ctx, Question(day, compare=PreviousPeriod(Align.FULL), groups=(groups,)))

    found = {group.keys[0]: group.figures for group in answer.groups[0].groups}
    assert {key: [str(each) for each in values(figures)] for key, figures in found.items()} == {
        "TIKTOK": ["1", "30.00"],
        "X": ["0", "None"],
    }
    assert [str(found["X"].before(0)), str(found["X"].change(0))] == ["1", "-1.000000"]


async def test_running_totals_are_sums_from_the_start_and_ratios_of_them(gaps: Few, client: Client) -> None:
    data = await client.data(
        f"""{{ analytics({between("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z")}) {{
          series(every: DAY, cumulative: true) {{ measures {{ orders averageOrderValue }} }}
        }} }}"""
    )

    rows = [bucket["measures"] for bucket in data["analytics"]["series"]]
    assert [row["orders"] for row in rows] == ["0", "1", "1", "2", "2", "2"]
    assert [row["averageOrderValue"] for row in rows] == [None, "10.00", "10.00", "20.00", "20.00", "20.00"]


async def test_hours_and_days_are_those_of_the_local_clock(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    few = Few(ctx)
    # Sunday 23:30 in London is Monday 05:00 in Kolkata; the clocks of New York change on the second of November.
    few.click(at("2025-11-02T23:30:00+00:00"))
    few.click(at("2025-11-01T23:30:00+00:00"))
    await few.stored(runtime)
    days = between("2025-11-01T00:00:00Z", "2025-11-04T00:00:00Z")
    document = f"""query Clock($zone: TimeZone!) {{ analytics({days}, timeZone: $zone) {{
      hours: groups(by: [{{dimension: {{name: HOUR_OF_DAY}}}}]) {{
        nodes {{ key {{ hourOfDay }} measures {{ clicks }} }}
      }}
      days: groups(by: [{{dimension: {{name: DAY_OF_WEEK}}}}]) {{
        nodes {{ key {{ dayOfWeek }} measures {{ clicks }} }}
      }}
    }} }}"""

    async def found(zone: str) -> tuple[list[int], list[int]]:
        answer = (await client.data(document, {"zone": zone}))["analytics"]
        return tuple(  # type: ignore[return-value]
            [node["key"][key] for node in answer[name]["nodes"] for _ in range(node["measures"]["clicks"])]
            for name, key in (("hours", "hourOfDay"), ("days", "dayOfWeek"))
        )

    assert await found("Asia/Kolkata") == ([5, 5], [1, 7])
    assert await found("America/New_York") == ([18, 19], [6, 7])
    assert await found("UTC") == ([23, 23], [6, 7])
