"""Local buckets, straight from the standard library's zones: a bucket's edges are the first instants of its dates."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def edges(start: datetime, end: datetime, every: str, zone_name: str) -> list[datetime]:
    """Bucket edges from that of the start's bucket to the first at or after the end."""
    zone = ZoneInfo(zone_name)
    if every == "HOUR":
        return _hours(start, end, zone)
    day = first_day(start.astimezone(zone).date(), every)
    found = [midnight(day, zone)]
    while found[-1] < end:
        day = next_first_day(day, every)
        found.append(midnight(day, zone))
    return found


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    # An hour starts where the local clock shows no minutes.
    local = start.astimezone(zone)
    found = [start - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)]
    while found[-1] < end:
        found.append(found[-1] + timedelta(hours=1))
    return found


def first_day(day: date, every: str) -> date:
    """The first date of the date's bucket."""
    if every == "WEEK":
        return day - timedelta(days=day.isoweekday() - 1)
    if every == "MONTH":
        return date(day.year, day.month, 1)
    if every == "QUARTER":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    if every == "YEAR":
        return date(day.year, 1, 1)
    assert every == "DAY"
    return day


def next_first_day(day: date, every: str) -> date:
    """The first date of the next bucket, for the first date of one."""
    longest = {"DAY": 1, "WEEK": 7, "MONTH": 31, "QUARTER": 92, "YEAR": 366}[every]
    return first_day(day + timedelta(days=longest), every)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant whose local date is that day."""
    at = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).date() == day:
        # Where midnight comes twice, the first one counts: fold 0 is the first.
        return at
    # Midnight is skipped: the day begins when the clock has jumped. Gaps are whole minutes.
    at -= timedelta(hours=3)
    while at.astimezone(zone).date() < day:
        at += timedelta(minutes=1)
    return at
