"""The time that a range is compared with, on the local calendar, and which of its buckets belongs to which."""

from datetime import UTC, datetime

import pytest

from app.analytics.compare import Step, aligned, compared
from app.analytics.query import Align, Between, CompareAsk, Last, Preset, PreviousPeriod, PreviousYear, RangeAsk
from app.analytics.ranges import interval_of
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.errors import QueryIssue

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 4, 1, 10, tzinfo=UTC)
"""Noon in Berlin."""


def at(text: str) -> datetime:
    """The instant of a wall clock in Berlin."""
    return timegrain.to_utc(datetime.fromisoformat(text).replace(tzinfo=timegrain.zone(BERLIN)))


def shown(interval: Interval) -> tuple[str, str]:
    """The span on the wall clock in Berlin."""
    start, end = (each.astimezone(timegrain.zone(BERLIN)) for each in (interval.start, interval.end))
    return f"{start:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("asked", "compare", "expected"),
    [
        # Wednesday noon against Wednesday noon, although clocks changed on the Sunday between.
        (Preset.WEEK_TO_DATE, PreviousPeriod(Align.ELAPSED), ("2026-03-23T00:00", "2026-03-25T12:00")),
        (Preset.WEEK_TO_DATE, PreviousPeriod(Align.FULL), ("2026-03-23T00:00", "2026-03-26T00:00")),
        # To date is to the end of today; what is asked with the running month ends with it.
        (Preset.MONTH_TO_DATE, PreviousPeriod(Align.FULL), ("2026-03-01T00:00", "2026-03-02T00:00")),
        (Last(1, Granularity.MONTH, True), PreviousPeriod(Align.FULL), ("2026-03-01T00:00", "2026-04-01T00:00")),
        (Preset.TODAY, PreviousPeriod(Align.ELAPSED), ("2026-03-31T00:00", "2026-03-31T12:00")),
        (Preset.YESTERDAY, PreviousPeriod(Align.ELAPSED), ("2026-03-30T00:00", "2026-03-31T00:00")),
        (Preset.QUARTER_TO_DATE, PreviousPeriod(Align.ELAPSED), ("2026-01-01T00:00", "2026-01-01T12:00")),
        (Last(2, Granularity.MONTH), PreviousPeriod(Align.FULL), ("2025-12-01T00:00", "2026-02-01T00:00")),
        (Last(3, Granularity.HOUR), PreviousPeriod(Align.FULL), ("2026-04-01T06:00", "2026-04-01T09:00")),
        (
            Between(at("2026-03-25T00:00"), at("2026-04-01T00:00")),
            PreviousPeriod(Align.FULL),
            ("2026-03-18T00:00", "2026-03-25T00:00"),
        ),
        # No local midnights: as long, exactly.
        (
            Between(at("2026-03-29T01:00"), at("2026-03-29T04:00")),
            PreviousPeriod(Align.FULL),
            ("2026-03-28T23:00", "2026-03-29T01:00"),
        ),
        (
            Between(at("2024-02-29T00:00"), at("2024-03-01T00:00")),
            PreviousYear(Align.FULL),
            ("2023-02-28T00:00", "2023-03-01T00:00"),
        ),
        (
            Preset.YESTERDAY,
            Between(at("2026-01-01T00:00"), at("2026-01-09T00:00")),
            ("2026-01-01T00:00", "2026-01-09T00:00"),
        ),
    ],
)  # fmt: skip
def test_the_time_before(asked: RangeAsk, compare: CompareAsk, expected: tuple[str, str]) -> None:
    issues: list[QueryIssue] = []
    interval = interval_of(asked, BERLIN, NOW, None, issues)
    assert interval is not None

    found = compared(compare, asked, interval, BERLIN, NOW, issues)

    assert found is not None
    assert issues == []
    assert shown(found.interval) == expected


def test_days_that_the_later_month_has_not_belong_to_none() -> None:
    february = timegrain.edges(Interval(at("2026-02-01T00:00"), at("2026-03-01T00:00")), Granularity.DAY, BERLIN)
    january = timegrain.edges(Interval(at("2026-01-01T00:00"), at("2026-02-01T00:00")), Granularity.DAY, BERLIN)

    found = aligned(tuple(february), tuple(january), Step(months=1), Granularity.DAY, BERLIN)

    assert found == (*range(1, 29), 0, 0, 0)


def test_days_that_the_earlier_month_had_not_have_nothing_before() -> None:
    march = timegrain.edges(Interval(at("2026-03-01T00:00"), at("2026-04-01T00:00")), Granularity.DAY, BERLIN)
    february = timegrain.edges(Interval(at("2026-02-01T00:00"), at("2026-03-01T00:00")), Granularity.DAY, BERLIN)

    found = aligned(tuple(march), tuple(february), Step(months=1), Granularity.DAY, BERLIN)

    # The last of February belongs to one day of March alone, the first that falls on it.
    assert found == tuple(range(1, 29))


def test_buckets_of_another_time_belong_together_by_number() -> None:
    later = timegrain.edges(Interval(at("2026-03-01T00:00"), at("2026-03-03T00:00")), Granularity.DAY, BERLIN)
    earlier = timegrain.edges(Interval(at("2026-01-05T00:00"), at("2026-01-09T00:00")), Granularity.DAY, BERLIN)

    assert aligned(tuple(later), tuple(earlier), None, Granularity.DAY, BERLIN) == (1, 2, 0, 0)
