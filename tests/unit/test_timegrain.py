"""Time buckets: right in every zone, gapless, and agreeing with what SQL does with the edges."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.timegrain import (
    Granularity,
    Interval,
    bucket_of,
    edges,
    first_instant,
    floor,
    local_date,
    shift,
    utc_days,
)
from app.errors import DomainError

ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Gaza"]
instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_days_of_berlin_have_23_and_25_hours() -> None:
    spring = edges(Interval(utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)), Granularity.DAY, "Europe/Berlin")
    autumn = edges(Interval(utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)), Granularity.DAY, "Europe/Berlin")

    assert [b - a for a, b in itertools.pairwise(spring)] == [timedelta(hours=23)]
    assert [b - a for a, b in itertools.pairwise(autumn)] == [timedelta(hours=25)]


def test_the_repeated_hour_is_two_buckets() -> None:
    found = edges(Interval(utc(2026, 10, 25, 0), utc(2026, 10, 25, 3)), Granularity.HOUR, "Europe/Berlin")

    assert found == [utc(2026, 10, 25, hour) for hour in range(4)]


def test_hours_of_a_half_hour_zone_start_on_its_own_clock() -> None:
    assert floor(utc(2026, 1, 1, 12, 45), Granularity.HOUR, "Asia/Kolkata") == utc(2026, 1, 1, 12, 30)


def test_hours_end_where_clocks_change_by_half_an_hour() -> None:
    # On Lord Howe two o'clock becomes half past two in spring and half past one in autumn.
    spring = edges(Interval(utc(2025, 10, 4, 14), utc(2025, 10, 4, 17)), Granularity.HOUR, "Australia/Lord_Howe")
    autumn = edges(Interval(utc(2026, 4, 4, 14), utc(2026, 4, 4, 16)), Granularity.HOUR, "Australia/Lord_Howe")

    assert [format(at, "%H:%M") for at in spring] == ["13:30", "14:30", "15:30", "16:00", "17:00"]
    assert [format(at, "%H:%M") for at in autumn] == ["14:00", "15:00", "15:30", "16:30"]
    for found in (spring, autumn):
        assert shift(found[0], Granularity.HOUR, "Australia/Lord_Howe", 3) == found[3]
        assert shift(found[3], Granularity.HOUR, "Australia/Lord_Howe", -3) == found[0]


@given(instants, st.sampled_from(ZONES))
def test_an_hour_holds_instants_of_one_local_hour(at: datetime, zone: str) -> None:
    start, end = edges(Interval(at, at + timedelta(microseconds=1)), Granularity.HOUR, zone)

    first, last = (each.astimezone(ZoneInfo(zone)) for each in (start, end - timedelta(seconds=1)))
    assert (first.date(), first.hour, first.utcoffset()) == (last.date(), last.hour, last.utcoffset())


def test_a_day_whose_midnight_is_skipped_starts_at_the_jump() -> None:
    # Santiago, 2026-09-06: 00:00 becomes 01:00 (-04 to -03).
    assert first_instant(date(2026, 9, 6), "America/Santiago") == utc(2026, 9, 6, 4)


def test_a_skipped_day_has_no_bucket() -> None:
    # Samoa left out 2011-12-30.
    found = edges(Interval(utc(2011, 12, 29, 10), utc(2011, 12, 31, 10)), Granularity.DAY, "Pacific/Apia")

    assert [local_date(at, "Pacific/Apia") for at in found] == [
        date(2011, 12, 29),
        date(2011, 12, 31),
        date(2012, 1, 1),
    ]


def test_weeks_start_on_monday() -> None:
    assert floor(utc(2026, 11, 22, 12), Granularity.WEEK, "UTC") == utc(2026, 11, 16)


@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_every_zone_has_edges_for_a_year(zone: str) -> None:
    found = edges(Interval(utc(2025, 12, 31), utc(2027, 1, 2)), Granularity.DAY, zone)

    assert all(timedelta(hours=20) <= b - a <= timedelta(hours=28) for a, b in itertools.pairwise(found))


@given(instants, st.integers(0, 40 * 24), st.sampled_from(list(Granularity)), st.sampled_from(ZONES))
def test_edges_cover_the_interval_without_gap(start: datetime, hours: int, every: Granularity, zone: str) -> None:
    interval = Interval(start, start + timedelta(hours=hours, seconds=1))

    found = edges(interval, every, zone)

    assert found == sorted(set(found))
    assert found[0] <= interval.start < found[1]
    assert found[-2] < interval.end <= found[-1]
    for at in (interval.start, interval.end - timedelta(seconds=1)):
        bucket = bucket_of(at, found)
        assert found[bucket] <= at < found[bucket + 1]
        assert floor(at, every, zone) == found[bucket]


@given(instants, st.sampled_from([g for g in Granularity if g is not Granularity.HOUR]), st.sampled_from(ZONES))
def test_a_step_forward_and_back_comes_home(at: datetime, every: Granularity, zone: str) -> None:
    start = floor(at, every, zone)

    assert shift(shift(start, every, zone, 1), every, zone, -1) in (start, shift(start, every, zone, 0))


def test_too_many_buckets_are_refused() -> None:
    with pytest.raises(DomainError) as refused:
        edges(Interval(utc(2000, 1, 1), utc(2026, 1, 1)), Granularity.HOUR, "UTC")

    assert refused.value.code == "RANGE_INVALID"


def test_an_unknown_zone_is_named_without_paths() -> None:
    with pytest.raises(DomainError) as refused:
        first_instant(date(2026, 1, 1), "../../etc/passwd")

    assert refused.value.code == "INVALID_TIME_ZONE"
    assert "search" not in refused.value.message


def test_the_days_of_an_interval_are_inclusive() -> None:
    assert utc_days(Interval(utc(2026, 1, 1), utc(2026, 1, 2))) == (date(2026, 1, 1), date(2026, 1, 1))
