"""Ranges and buckets made concrete: zones, presets and `last` at the request's time, edges within their bounds.

Mistakes are added to a list, so that the caller can report them together with all others.
"""

from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from app.analytics.query import Between, Last, Preset, RangeAsk
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.errors import DomainError, QueryIssue

BUCKETS_MAX = 9_000
"""Buckets of one facet: a year of hours."""

LAST_MAX = 10_000
"""Units of a `last` range."""

YEARS = range(1900, 2201)
"""Years that a range may touch: local calendars are not computed outside."""


@lru_cache(maxsize=1)
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def known_zone(name: str, issues: list[QueryIssue]) -> str | None:
    """The zone's name, if there is such a zone."""
    try:
        timegrain.zone(name)
    except DomainError as error:
        near = get_close_matches(name[:64], _zone_names(), n=1)
        suggestion = f"Did you mean {near[0]}?" if near else "Use an IANA name such as Europe/Berlin."
        issues.append(QueryIssue(error.code, error.message, ("timeZone",), suggestion))
        return None
    return name


def interval_of(
    asked: RangeAsk, zone: str, now: datetime, data_from: datetime | None, issues: list[QueryIssue]
) -> Interval | None:
    """The range as instants. data_from: where ALL_TIME begins."""
    match asked:
        case Between():
            path: tuple[str, ...] = ("range", "between")
        case Last():
            path = ("range", "last")
            if not 1 <= asked.n <= LAST_MAX:
                way_out = "`n: 1` is the last one." if asked.n < 1 else "Use a coarser `unit` to look further back."
                issues.append(_range_issue(f"`n` is {asked.n}; it must be 1 to {LAST_MAX}.", (*path, "n"), way_out))
                return None
        case Preset():
            path = ("range", "preset")
    try:
        start, end = _bounds(asked, zone, now, data_from)
        known = start.year in YEARS and end.year in YEARS
    except (ValueError, OverflowError):
        # Python's calendar ends at the years 1 and 9999.
        known = False
    if not known:
        message = f"Only the years {YEARS.start} to {YEARS.stop - 1} can be asked."
        issues.append(_range_issue(message, path, "Ask a shorter range."))
        return None
    if start >= end:
        word = "empty" if start == end else "reversed"
        way_out = "Give a later `until`: it is not in the range." if start == end else "Swap `from` and `until`."
        issues.append(_range_issue(f"The range is {word}: {start.isoformat()} until {end.isoformat()}.", path, way_out))
        return None
    return Interval(start, end)


def _range_issue(message: str, path: tuple[str, ...], suggestion: str) -> QueryIssue:
    return QueryIssue("RANGE_INVALID", message, path, suggestion)


def _bounds(asked: RangeAsk, zone: str, now: datetime, data_from: datetime | None) -> tuple[datetime, datetime]:
    match asked:
        case Between():
            return asked.start.astimezone(UTC), asked.end.astimezone(UTC)
        case Last():
            running = timegrain.floor(now, asked.unit, zone)
            start = timegrain.shift(running, asked.unit, zone, int(asked.include_current) - asked.n)
            return start, timegrain.shift(running, asked.unit, zone, 1) if asked.include_current else running
        case Preset():
            return _preset(asked, zone, now, data_from)


_UNIT_TO_DATE = {
    Preset.TODAY: Granularity.DAY,
    Preset.WEEK_TO_DATE: Granularity.WEEK,
    Preset.MONTH_TO_DATE: Granularity.MONTH,
    Preset.QUARTER_TO_DATE: Granularity.QUARTER,
    Preset.YEAR_TO_DATE: Granularity.YEAR,
}


def _preset(asked: Preset, zone: str, now: datetime, data_from: datetime | None) -> tuple[datetime, datetime]:
    # To date means to the end of today: what a clock slightly ahead of ours wrote is in, the range (and the key of its
    # cached answer) stays the same all day, and whole days come from rollups.
    today = timegrain.floor(now, Granularity.DAY, zone)
    tomorrow = timegrain.shift(today, Granularity.DAY, zone, 1)
    if asked is Preset.YESTERDAY:
        return timegrain.shift(today, Granularity.DAY, zone, -1), today
    if asked is Preset.ALL_TIME:
        begin = timegrain.first_instant(date(YEARS.start, 1, 1), zone)
        # The first local midnight of 1900 lies in 1899 for zones east of Greenwich.
        return max(begin if data_from is None else data_from, datetime(YEARS.start, 1, 1, tzinfo=UTC)), tomorrow
    return timegrain.floor(now, _UNIT_TO_DATE[asked], zone), tomorrow


def edges_of(
    interval: Interval, every: Granularity, zone: str, *, most: int, path: tuple[str, ...], issues: list[QueryIssue]
) -> tuple[datetime, ...]:
    """The edges of the range's buckets; () where there are more than `most`."""
    most = min(most, BUCKETS_MAX)
    try:
        found = tuple(timegrain.edges(interval, every, zone))
    except DomainError:
        found = ()
    if not 1 <= len(found) - 1 <= most:
        shown = f"{len(found) - 1} buckets" if found else "too many buckets"
        message = f"The range has {shown} of {every.value}; at most {most} fit an answer."
        issues.append(_range_issue(message, path, _coarser(interval, every, zone, most)))
        return ()
    return found


def _coarser(interval: Interval, every: Granularity, zone: str, most: int) -> str:
    steps = list(Granularity)
    for step in steps[steps.index(every) + 1 :]:
        try:
            if len(timegrain.edges(interval, step, zone)) - 1 <= most:
                return f"Use {step.value}, or a shorter range."
        except DomainError:
            continue
    return "Use a shorter range."
