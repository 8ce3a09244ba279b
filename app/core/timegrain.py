"""Time buckets: the one place where local calendars meet instants. The database never does zone arithmetic.

Edges are aware UTC instants, increasing; bucket i is [edges[i], edges[i+1]). SQL finds an instant's bucket by
`width_bucket(occurred_at, edges)`, which agrees with `bisect_right` here. IANA data come from the `tzdata` package.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

from app.errors import DomainError

# The machine's own zone files are left out, so that two servers never disagree about an edge.
reset_tzpath(to=())

BUCKETS_MAX = 20_000
"""Most buckets of one question: two years of hours."""

DAYS_KEPT_MAX = 10_000
"""Local days whose first instants are remembered: ranges are new every time, their days are mostly the same."""


class Granularity(StrEnum):
    """A time step."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open [start, end), aware UTC instants."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        assert self.start.tzinfo is UTC
        assert self.end.tzinfo is UTC
        assert self.start <= self.end

    @property
    def is_empty(self) -> bool:
        """Whether no instant lies in it."""
        return self.start == self.end


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises INVALID_TIME_ZONE, without the search paths that zoneinfo would tell."""
    if name not in _zone_names():
        raise DomainError(
            "INVALID_TIME_ZONE", f"{name[:64]!r} is not an IANA time zone. Use one such as Europe/Berlin."
        )
    return ZoneInfo(name)


def to_utc(local: datetime) -> datetime:
    """The instant of a wall time in its zone; of a skipped wall time, the instant at which the clock jumped over it.

    A wall time that occurs twice is its first occurrence (fold = 0).
    """
    instant = local.replace(fold=0).astimezone(UTC)
    back = instant.astimezone(local.tzinfo)
    if back.replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # The wall time does not exist (clocks sprang forward): the day starts at the jump itself. Both readings (fold 0 and
    # 1) lie within the gap's width of the jump, so it is found by halving between them.
    low, high = sorted((instant, local.replace(fold=1).astimezone(UTC)))
    low -= timedelta(hours=3)
    high += timedelta(hours=3)
    wall = local.replace(tzinfo=None)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(local.tzinfo).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=DAYS_KEPT_MAX)
def first_instant(day: date, zone_name: str) -> datetime:
    """The first instant of a local day."""
    return to_utc(datetime.combine(day, time(), tzinfo=zone(zone_name)))


def local_date(at: datetime, zone_name: str) -> date:
    """The local date of an instant."""
    return at.astimezone(zone(zone_name)).date()


def _floor_day(day: date, every: Granularity) -> date:
    match every:
        case Granularity.WEEK:
            return day - timedelta(days=day.weekday())
        case Granularity.MONTH:
            return day.replace(day=1)
        case Granularity.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Granularity.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def _next_day(day: date, every: Granularity, count: int) -> date:
    match every:
        case Granularity.DAY:
            return day + timedelta(days=count)
        case Granularity.WEEK:
            return day + timedelta(days=7 * count)
        case _:
            months = {Granularity.MONTH: 1, Granularity.QUARTER: 3, Granularity.YEAR: 12}[every] * count
            index = day.year * 12 + day.month - 1 + months
            return date(index // 12, index % 12 + 1, 1)


def floor(at: datetime, every: Granularity, zone_name: str) -> datetime:
    """The start of the bucket that holds the instant."""
    if every is Granularity.HOUR:
        return _floor_hour(at, zone_name)
    return first_instant(_floor_day(local_date(at, zone_name), every), zone_name)


def _floor_hour(at: datetime, zone_name: str) -> datetime:
    # An hour begins where the local clock shows no minutes, or where it is changed in between. Its start is told from
    # the instant, not from the wall clock, so that the two hours of a repeated wall hour stay two buckets.
    local = at.astimezone(zone(zone_name))
    start = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    if start.astimezone(local.tzinfo).utcoffset() == local.utcoffset():
        return start
    return clock_change(start, at, zone_name)


def _next_hour(start: datetime, zone_name: str) -> datetime:
    local = start.astimezone(zone(zone_name))
    end = start + timedelta(hours=1) - timedelta(minutes=local.minute, seconds=local.second)
    if end.astimezone(local.tzinfo).utcoffset() == local.utcoffset():
        return end
    return clock_change(start, end, zone_name)


def clock_change(before: datetime, after: datetime, zone_name: str) -> datetime:
    """When the zone's clocks were changed, between two instants of different offsets: the first with the new one."""
    local = zone(zone_name)
    low, high = before, after
    offset = low.astimezone(local).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(local).utcoffset() == offset else (low, middle)
    # Clocks change on whole seconds.
    return high.replace(microsecond=0)


def shift(start: datetime, every: Granularity, zone_name: str, count: int) -> datetime:
    """The bucket edge `count` steps after (or before) the bucket edge `start`."""
    if every is Granularity.HOUR:
        return _shift_hours(start, zone_name, count)
    day = _floor_day(local_date(start, zone_name), every)
    return first_instant(_next_day(day, every, count), zone_name)


@lru_cache(maxsize=512)
def _shift_hours(start: datetime, zone_name: str, count: int) -> datetime:
    # One by one: where clocks change by half an hour, hours are shorter.
    for _ in range(count):
        start = _next_hour(start, zone_name)
    for _ in range(-count):
        start = _floor_hour(start - timedelta(microseconds=1), zone_name)
    return start


def months_later(at: datetime, months: int, zone_name: str) -> datetime:
    """The same wall time so many months later; the month's last day where the month is shorter."""
    local = at.astimezone(zone(zone_name))
    index = local.year * 12 + local.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return to_utc(local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1])))


def edges(interval: Interval, every: Granularity, zone_name: str) -> list[datetime]:
    """All bucket edges from the bucket of interval.start to the first edge at or after interval.end.

    At least two edges unless the interval is empty (then []). Raises RANGE_INVALID beyond BUCKETS_MAX buckets.
    """
    return list(_edges(interval.start, interval.end, every, zone_name))


@lru_cache(maxsize=512)
def _edges(start: datetime, end: datetime, every: Granularity, zone_name: str) -> tuple[datetime, ...]:
    if start >= end:
        return ()
    shortest = {
        Granularity.HOUR: timedelta(hours=1),
        Granularity.DAY: timedelta(hours=23),
        Granularity.WEEK: timedelta(days=6, hours=23),
        Granularity.MONTH: timedelta(days=27, hours=23),
        Granularity.QUARTER: timedelta(days=89),
        Granularity.YEAR: timedelta(days=364),
    }[every]
    if (end - start) / shortest > BUCKETS_MAX:
        raise DomainError(
            "RANGE_INVALID",
            f"The range has more than {BUCKETS_MAX} buckets of {every.value}. Use a coarser granularity.",
        )
    at = floor(start, every, zone_name)
    found = [at]
    if every is Granularity.HOUR:
        while at < end:
            at = _next_hour(at, zone_name)
            found.append(at)
        return tuple(found)
    day = _floor_day(local_date(at, zone_name), every)
    while at < end:
        day = _next_day(day, every, 1)
        following = first_instant(day, zone_name)
        # A zone that skips a whole local day (Apia, 2011) makes an empty bucket; it is left out.
        if following > at:
            at = following
            found.append(at)
    return tuple(found)


def bucket_of(at: datetime, bucket_edges: Sequence[datetime]) -> int:
    """Index of the bucket that holds the instant, 0-based; -1 before the first edge. Agrees with width_bucket() - 1."""
    return bisect_right(bucket_edges, at) - 1


def utc_days(interval: Interval) -> tuple[date, date]:
    """First and last UTC day that the (not empty) interval touches: what a cached answer depends on."""
    return interval.start.date(), (interval.end - timedelta(microseconds=1)).date()
