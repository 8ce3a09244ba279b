"""The three matchers: dimensions, sums, and whole buckets of a range."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.rollups.catalog import CATALOG, GRAINS, TOKENS, stored
from app.analytics.rollups.match import Cover, covered, has_dimensions, lie_apart, merged, stored_sums
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain

ALL = (Grain.MONTH, Grain.DAY, Grain.HOUR)
SETS = {rollup.name: rollup for rollup in CATALOG}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(cover: Cover) -> list[str]:
    parts = [f"{p.grain} {p.interval.start:%m-%dT%H:%M} {p.interval.end:%m-%dT%H:%M} x{p.buckets}" for p in cover.parts]
    return parts + [f"rest {span.start:%m-%dT%H:%M} {span.end:%m-%dT%H:%M}" for span in cover.rest]


def test_a_set_answers_what_its_dimensions_hold() -> None:
    assert has_dimensions(SETS["campaign_platform"], {"campaign"})
    assert has_dimensions(SETS["campaign_platform"], set())
    assert not has_dimensions(SETS["campaign_platform"], {"campaign", "influencer"})
    assert not has_dimensions(SETS["platform"], {"product"})


def test_distinct_counts_are_not_stored() -> None:
    assert stored_sums(("clicks", "visitors", "orders_e9", "customers", "new_customers")) == ("clicks", "orders_e9")


def test_range_is_cut_into_months_then_days_then_hours_then_the_rest() -> None:
    cover = covered(Interval(at("2026-01-30T22:30"), at("2026-04-02T01:15")), (), ALL, "UTC")

    assert shown(cover) == [
        "HOUR 01-30T23:00 01-31T00:00 x1",
        "DAY 01-31T00:00 02-01T00:00 x1",
        "MONTH 02-01T00:00 04-01T00:00 x2",
        "DAY 04-01T00:00 04-02T00:00 x1",
        "HOUR 04-02T00:00 04-02T01:00 x1",
        "rest 01-30T22:30 01-30T23:00",
        "rest 04-02T01:00 04-02T01:15",
    ]


def test_no_bucket_holds_an_edge_of_a_cell_inside() -> None:
    days = timegrain.edges(Interval(at("2026-02-01"), at("2026-03-01")), Granularity.DAY, "UTC")

    cover = covered(Interval(at("2026-02-01"), at("2026-03-01")), days[1:-1], ALL, "UTC")

    assert shown(cover) == ["DAY 02-01T00:00 03-01T00:00 x28"]


def test_days_of_another_zone_come_from_hours_and_half_hour_zones_from_facts() -> None:
    interval = Interval(at("2026-02-02T05:00"), at("2026-02-04T05:00"))
    new_york = timegrain.edges(interval, Granularity.DAY, "America/New_York")
    kolkata = timegrain.edges(interval, Granularity.HOUR, "Asia/Kolkata")

    assert shown(covered(interval, new_york[1:-1], ALL, "Europe/London")) == ["HOUR 02-02T05:00 02-04T05:00 x48"]
    # An hour of Kolkata begins at half past: every hour of UTC holds an edge.
    assert shown(covered(interval, kolkata[1:-1], ALL, "Europe/London")) == ["rest 02-02T05:00 02-04T05:00"]


def test_days_of_the_reporting_zone_have_23_to_25_hours() -> None:
    interval = Interval(at("2026-03-28T23:00"), at("2026-03-29T22:00"))

    assert shown(covered(interval, (), (Grain.DAY,), "Europe/Berlin")) == ["DAY 03-28T23:00 03-29T22:00 x1"]


def test_a_range_within_one_bucket_is_rest() -> None:
    interval = Interval(at("2026-02-02T05:10"), at("2026-02-02T05:50"))

    assert covered(interval, (), ALL, "UTC") == Cover((), (interval,))


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2012, 1, 1)),
    st.integers(1, 900),
    st.integers(0, 3_600),
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.sampled_from(["Europe/London", "Asia/Kolkata", "America/New_York"]),
    st.sampled_from([Granularity.DAY, Granularity.WEEK, Granularity.MONTH]),
)
def test_parts_and_rest_are_the_range_each_instant_once(
    start: datetime, hours: int, seconds: int, zone: str, asked: str, every: Granularity
) -> None:
    begin = start.replace(tzinfo=UTC)
    interval = Interval(begin, begin + timedelta(hours=hours, seconds=seconds))
    cells = timegrain.edges(interval, every, asked)

    cover = covered(interval, cells[1:-1], ALL, zone)

    pieces = sorted([*(part.interval for part in cover.parts), *cover.rest], key=lambda piece: piece.start)
    assert pieces[0].start == interval.start
    assert pieces[-1].end == interval.end
    assert all(before.end == after.start for before, after in pairwise(pieces))
    for part in cover.parts:
        edges = timegrain.edges(
            part.interval, Granularity(part.grain.value), "UTC" if part.grain is Grain.HOUR else zone
        )
        assert (edges[0], edges[-1], len(edges) - 1) == (part.interval.start, part.interval.end, part.buckets)
        for low, high in pairwise(edges):
            assert timegrain.bucket_of(low, cells) == timegrain.bucket_of(high - timedelta(microseconds=1), cells)


def test_merged_intervals_touch_no_more() -> None:
    first, second, third = at("2026-01-01"), at("2026-01-02"), at("2026-01-03")
    later = Interval(at("2026-02-01"), at("2026-02-02"))

    assert merged([Interval(second, third), later, Interval(first, second)]) == (Interval(first, third), later)


def test_only_stored_grains_are_used() -> None:
    assert stored(TOKENS) == CATALOG
    assert stored([]) == ()
    (only,) = stored(["influencer:DAY", "unknown:DAY"])
    assert (only.name, only.grains) == ("influencer", (Grain.DAY,))


@pytest.mark.parametrize("rollup", CATALOG, ids=lambda rollup: rollup.name)
def test_grains_are_declared_coarsest_first(rollup: object) -> None:
    order = [Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.DAY, Grain.HOUR]
    grains = SETS[rollup.name].grains  # type: ignore[attr-defined]

    assert list(grains) == sorted(grains, key=order.index)


@given(
    st.integers(0, 400),
    st.integers(1, 800),
    st.sampled_from([None, *Granularity]),
    st.sampled_from(["UTC", "Europe/London", "Asia/Kathmandu"]),
    st.lists(st.sampled_from([Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.DAY]), unique=True, min_size=1),
)
def test_buckets_lie_apart_where_no_two_are_in_one_cell(
    first: int, days: int, every: Granularity | None, zone: str, grains: list[Grain]
) -> None:
    start = at("2025-10-20") + timedelta(days=first)
    interval = Interval(start, start + timedelta(days=min(days, 40) if every is Granularity.HOUR else days))
    whole = timegrain.edges(interval, every, zone) if every else []
    edges = [interval.start, *whole[1:-1], interval.end] if every else []
    ordered = [grain for grain in GRAINS if grain in grains]

    parts = covered(interval, edges[1:-1], ordered, zone).parts

    starts = [
        bucket for part in parts for bucket in timegrain.edges(part.interval, Granularity(part.grain.value), zone)[:-1]
    ]
    cells = [max((number for number, edge in enumerate(edges) if edge <= bucket), default=0) for bucket in starts]
    assert lie_apart(parts, edges) == (len(set(cells)) == len(cells) if edges else len(cells) == 1)
