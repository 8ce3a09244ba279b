"""The time that a range is compared with, on the local calendar, and which of its buckets belongs to which."""

from datetime import UTC, datetime, timedelta

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


DAY, HOUR, MONTH, WEEK = Granularity.DAY, Granularity.HOUR, Granularity.MONTH, Granularity.WEEK
PERIOD, YEAR = PreviousPeriod(Align.FULL), PreviousYear(Align.FULL)


def pairs(asked: RangeAsk, compare: CompareAsk, every: Granularity) -> list[tuple[str, str | None]]:
    """Of each bucket that the range has on NOW, when it begins, and when those do that it is compared with."""
    issues: list[QueryIssue] = []
    interval = interval_of(asked, BERLIN, NOW, None, issues)
    assert interval is not None
    found = compared(compare, asked, interval, BERLIN, NOW, issues)
    assert found is not None
    later, earlier = (tuple(timegrain.edges(each, every, BERLIN)) for each in (interval, found.interval))

    places = aligned(later, earlier, found.step, every, BERLIN)

    def name(start: datetime) -> str:
        return f"{start.astimezone(timegrain.zone(BERLIN)):{'%d %H:%M' if every is HOUR else '%y-%m-%d'}}"

    belonging: dict[int, list[str]] = {}
    for start, place in zip(earlier, places, strict=False):
        belonging.setdefault(place, []).append(name(start))
    return [
        (name(start), " and ".join(belonging[number]) if number in belonging else None)
        for number, start in enumerate(later[:-1], start=1)
    ]


@pytest.mark.parametrize(
    ("asked", "compare", "every", "expected"),
    [
        # Thirty days are no weeks: those from Thursday 5 March, and those from Tuesday 3 February.
        (Between(at("2026-03-05T00:00"), at("2026-04-04T00:00")), PERIOD, WEEK, [
            ("26-03-02", "26-02-02"), ("26-03-09", "26-02-09"), ("26-03-16", "26-02-16"), ("26-03-23", "26-02-23"),
            ("26-03-30", "26-03-02"),
        ]),
        (Last(1, MONTH), PERIOD, WEEK, [
            ("26-02-23", "26-01-26"), ("26-03-02", "26-02-02"), ("26-03-09", "26-02-09"), ("26-03-16", "26-02-16"),
            ("26-03-23", "26-02-23"), ("26-03-30", None),
        ]),
        (Between(at("2026-01-01T00:00"), at("2026-01-19T00:00")), YEAR, WEEK, [
            ("25-12-29", "24-12-30"), ("26-01-05", "25-01-06"), ("26-01-12", "25-01-13"),
        ]),
        # A year before Monday, 2 March, was a Sunday: each week stands beside the one next to it.
        (Last(4, WEEK), YEAR, WEEK, [
            ("26-03-02", "25-02-24 and 25-03-03"), ("26-03-09", "25-03-10"), ("26-03-16", "25-03-17"),
            ("26-03-23", "25-03-24"),
        ]),
        # What each time has of a bucket is compared, however much that is: 29 to 31 March, 26 to 28 March.
        (Last(3, DAY), PERIOD, MONTH, [("26-03-01", "26-03-01")]),
        (Between(at("2026-02-25T00:00"), at("2026-03-07T00:00")), PERIOD, MONTH, [
            ("26-02-01", "26-02-01"), ("26-03-01", None),
        ]),
        (Between(at("2026-03-05T00:00"), at("2026-03-15T00:00")), PERIOD, MONTH, [
            ("26-03-01", "26-02-01 and 26-03-01"),
        ]),
        (Last(2, MONTH), PERIOD, Granularity.QUARTER, [("26-01-01", "25-10-01 and 26-01-01")]),
        (Last(1, MONTH), PERIOD, Granularity.YEAR, [("26-01-01", "26-01-01")]),
        # 35 hours, for clocks change in the second night: from 27 March, one o'clock.
        (Between(at("2026-03-28T12:00"), at("2026-03-30T00:00")), PERIOD, DAY, [
            ("26-03-28", "26-03-27"), ("26-03-29", "26-03-28"),
        ]),
        (Between(at("2026-03-20T10:30"), at("2026-03-20T12:00")), PERIOD, HOUR, [
            ("20 10:00", "20 09:00"), ("20 11:00", "20 10:00"),
        ]),
    ],
    ids=[
        "weeks of thirty days", "weeks of a month", "weeks and the year before", "weeks from a Monday",
        "the month of three days", "months of ten days", "the month of ten days", "the quarter of two months",
        "the year of a month", "days and as many hours where clocks change", "hours and half an hour",
    ],
)  # fmt: skip
def test_where_starts_do_not_lead_to_starts_buckets_belong_where_most_of_them_lies(
    asked: RangeAsk, compare: CompareAsk, every: Granularity, expected: list[tuple[str, str | None]]
) -> None:
    assert pairs(asked, compare, every) == expected


@pytest.mark.parametrize(
    ("asked", "compare", "every", "expected"),
    [
        (Last(1, MONTH), PERIOD, DAY, [
            (f"26-03-{day:02}", f"26-02-{day:02}" if day < 29 else None) for day in range(1, 32)
        ]),
        (Last(28, DAY), PERIOD, WEEK, [
            ("26-03-02", "26-02-02"), ("26-03-09", "26-02-09"), ("26-03-16", "26-02-16"), ("26-03-23", "26-02-23"),
            ("26-03-30", "26-03-02"),
        ]),
        (Last(3, MONTH), YEAR, MONTH, [
            ("26-01-01", "25-01-01"), ("26-02-01", "25-02-01"), ("26-03-01", "25-03-01"),
        ]),
        # The 29th falls on the 28th too, which the 28th has.
        (Between(at("2024-02-28T00:00"), at("2024-03-03T00:00")), YEAR, DAY, [
            ("24-02-28", "23-02-28"), ("24-02-29", None), ("24-03-01", "23-03-01"), ("24-03-02", "23-03-02"),
        ]),
        (Between(at("2024-02-29T00:00"), at("2024-03-02T00:00")), YEAR, DAY, [
            ("24-02-29", "23-02-28"), ("24-03-01", "23-03-01"),
        ]),
        # An hour that there is not, and one that there is twice.
        (Between(at("2026-03-29T00:00"), at("2026-03-30T00:00")), PERIOD, HOUR, [
            (f"29 {hour:02}:00", f"28 {hour:02}:00") for hour in range(24) if hour != 2
        ]),
        (Between(at("2025-10-26T00:00"), at("2025-10-26T05:00")), YEAR, HOUR, [
            ("26 00:00", "26 00:00"), ("26 01:00", "26 01:00"), ("26 02:00", "26 02:00"), ("26 02:00", None),
            ("26 03:00", "26 03:00"), ("26 04:00", "26 04:00"),
        ]),
    ],
    ids=[
        "days of a month", "weeks of 28 days", "months and the year before", "a leap day behind its eve",
        "a leap day alone", "hours of a short day", "hours of a long day",
    ],
)  # fmt: skip
def test_where_starts_lead_to_starts_buckets_are_told_by_them(
    asked: RangeAsk, compare: CompareAsk, every: Granularity, expected: list[tuple[str, str | None]]
) -> None:
    assert pairs(asked, compare, every) == expected


STEPS = [
    *(Step(months=months) for months in (1, 2, 3, 6, 12, 15, 24)),
    *(Step(days=days) for days in (1, 7, 10, 28, 30, 365)),
    *(Step(exact=timedelta(minutes=minutes)) for minutes in (30, 60, 90, 24 * 60, 35 * 60, 7 * 24 * 60)),
]


@pytest.mark.parametrize("every", Granularity)
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_keeps_starts_that_all_lead_to_starts(step: Step, every: Granularity) -> None:
    days = timedelta(days=20 if every is HOUR else 1_500)
    starts = timegrain.edges(Interval(at("2026-04-01T00:00") - days, at("2026-04-01T00:00")), every, BERLIN)

    before = [step.back(start, BERLIN) for start in starts]

    assert step.keeps_starts(every) == all(timegrain.floor(each, every, BERLIN) == each for each in before)


@pytest.mark.parametrize(
    ("step", "every"),
    [(step, every) for step in STEPS for every in Granularity if not step.keeps_starts(every)],
    ids=str,
)
@pytest.mark.parametrize("days", [1, 3, 31, 100, 400])
def test_no_earlier_bucket_is_lost_where_starts_do_not_lead_to_starts(
    step: Step, every: Granularity, days: int
) -> None:
    end = at("2026-04-03T00:00")
    start = end - timedelta(days=days)
    later = timegrain.edges(Interval(start, end), every, BERLIN)
    earlier = timegrain.edges(Interval(step.back(start, BERLIN), step.back(end, BERLIN)), every, BERLIN)

    found = aligned(tuple(later), tuple(earlier), step, every, BERLIN)

    assert min(found) > 0
    assert list(found) == sorted(found)
    assert max(found) < len(later)


@pytest.mark.parametrize("asked", [PreviousPeriod, PreviousYear])
@pytest.mark.parametrize("align", Align)
def test_before_all_time_there_is_none(asked: type[PreviousPeriod | PreviousYear], align: Align) -> None:
    issues: list[QueryIssue] = []
    interval = interval_of(Preset.ALL_TIME, BERLIN, NOW, None, issues)
    assert interval is not None

    assert compared(asked(align), Preset.ALL_TIME, interval, BERLIN, NOW, issues) is None

    (issue,) = issues
    assert issue.message == "There is no time before all time to compare with."
    assert issue.suggestion == "Give a range with a beginning."
    assert issue.path == ("compare", "previousPeriod" if asked is PreviousPeriod else "previousYear")


def test_all_time_that_begins_with_the_first_fact_has_a_year_before() -> None:
    issues: list[QueryIssue] = []
    interval = interval_of(Preset.ALL_TIME, BERLIN, NOW, at("2024-01-01T00:00"), issues)
    assert interval is not None

    found = compared(YEAR, Preset.ALL_TIME, interval, BERLIN, NOW, issues)

    assert found is not None
    assert shown(found.interval) == ("2023-01-01T00:00", "2025-04-02T00:00")


@pytest.mark.parametrize(
    ("align", "suggestion"),
    [(Align.FULL, "Ask a later range."), (Align.ELAPSED, "Ask a later range, or align FULL.")],
)  # fmt: skip
def test_full_is_suggested_where_it_was_not_asked(align: Align, suggestion: str) -> None:
    issues: list[QueryIssue] = []
    early = Between(datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 2, 1, tzinfo=UTC))

    assert compared(PreviousYear(align), early, Interval(early.start, early.end), BERLIN, NOW, issues) is None

    (issue,) = issues
    assert issue.message == "The time before the range cannot be computed, or nothing of it has passed."
    assert issue.suggestion == suggestion
