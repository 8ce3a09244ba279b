"""Local buckets, straight from the standard library's zones: a bucket's edges are the first instants of its dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.ask import Between, Compare, Last, Preset, Range


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
    # An hour starts where the local clock shows no minutes, and where it is changed.
    at = start.replace(second=0, microsecond=0)
    while not _starts_hour(at, zone):
        at -= timedelta(minutes=1)
    found = [at]
    while found[-1] < end:
        at = found[-1]
        following = at + timedelta(minutes=60 - at.astimezone(zone).minute)
        if following.astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset():
            following = at + timedelta(minutes=1)
            while not _starts_hour(following, zone):
                following += timedelta(minutes=1)
        found.append(following)
    return found


def _starts_hour(at: datetime, zone: ZoneInfo) -> bool:
    local, before = at.astimezone(zone), (at - timedelta(minutes=1)).astimezone(zone)
    return local.minute == 0 or local.utcoffset() != before.utcoffset()


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


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the local clock first shows the wall time, which has no zone; when it jumped over it, if it never does."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    at = at.replace(second=0, microsecond=0) - timedelta(hours=3)
    while at.astimezone(zone).replace(tzinfo=None) < wall:
        at += timedelta(minutes=1)
    return at


def floor(at: datetime, every: str, zone_name: str) -> datetime:
    """The start of the bucket that the instant lies in."""
    zone = ZoneInfo(zone_name)
    if every == "HOUR":
        return _hours(at, at, zone)[0]
    return midnight(first_day(at.astimezone(zone).date(), every), zone)


MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
DAYS = {"DAY": 1, "WEEK": 7}


@dataclass(frozen=True, slots=True)
class Back:
    """How far back an earlier time lies: on the calendar, or exactly."""

    months: int = 0
    days: int = 0
    exact: timedelta = timedelta()

    @classmethod
    def units(cls, count: int, unit: str) -> "Back":
        """So many units."""
        if unit == "HOUR":
            return cls(exact=timedelta(hours=count))
        return cls(months=count * MONTHS.get(unit, 0), days=count * DAYS.get(unit, 0))

    def day(self, day: date) -> date:
        """The date so much earlier; the month's last where the month is shorter."""
        index = day.year * 12 + day.month - 1 - self.months
        year, month = index // 12, index % 12 + 1
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
        return date(year, month, min(day.day, last)) - timedelta(days=self.days)

    def of(self, at: datetime, zone_name: str) -> datetime:
        """The instant so much earlier: where a day begins a day begins, else what the wall clock shows is the same."""
        if self.exact:
            return at - self.exact
        zone = ZoneInfo(zone_name)
        wall = at.astimezone(zone).replace(tzinfo=None)
        if midnight(wall.date(), zone) == at:
            return midnight(self.day(wall.date()), zone)
        return instant(datetime.combine(self.day(wall.date()), wall.time()), zone)

    def meets_starts(self, every: str) -> bool:
        """Whether it leads from where buckets start to where buckets start."""
        if self.exact:
            return every == "HOUR" and self.exact % timedelta(hours=1) == timedelta()
        if every in MONTHS:
            return self.days == 0 and self.months % MONTHS[every] == 0
        return every != "WEEK" or (self.months == 0 and self.days % DAYS["WEEK"] == 0)


def span(asked: Range, now: datetime, zone_name: str) -> tuple[datetime, datetime]:
    """The range as instants."""
    match asked:
        case Between():
            return asked.start, asked.end
        case Last():
            running = floor(now, asked.unit, zone_name)
            if asked.unit == "HOUR":
                return _last_hours(asked.n, running, zone_name, running=asked.include_current)
            start = Back.units(asked.n - asked.include_current, asked.unit).of(running, zone_name)
            end = Back.units(-1, asked.unit).of(running, zone_name) if asked.include_current else running
            return start, end
        case Preset():
            today = floor(now, "DAY", zone_name)
            tomorrow = Back(days=-1).of(today, zone_name)
            if asked.name == "YESTERDAY":
                return Back(days=1).of(today, zone_name), today
            if asked.name == "ALL_TIME":
                return datetime(1900, 1, 1, tzinfo=UTC), tomorrow
            return floor(now, UNITS[asked.name], zone_name), tomorrow


def _last_hours(count: int, begun: datetime, zone_name: str, *, running: bool) -> tuple[datetime, datetime]:
    # As many as there are: some are shorter, none is longer than a real hour.
    found = edges(begun - timedelta(hours=count), begun + timedelta(hours=2), "HOUR", zone_name)
    end = found.index(begun) + running
    return found[end - count], found[end]


UNITS = {
    "TODAY": "DAY",
    "YESTERDAY": "DAY",
    "WEEK_TO_DATE": "WEEK",
    "MONTH_TO_DATE": "MONTH",
    "QUARTER_TO_DATE": "QUARTER",
    "YEAR_TO_DATE": "YEAR",
}


def earlier(
    compare: Compare, asked: Range, now: datetime, zone_name: str
) -> tuple[tuple[datetime, datetime], Back | None]:
    """The compared time, and how far back it lies; None where it was given."""
    if isinstance(compare, Between):
        return (compare.start, compare.end), None
    start, end = span(asked, now, zone_name)
    back = Back(months=12) if compare.what == "YEAR" else _period(asked, start, end, zone_name)
    first, last = back.of(start, zone_name), back.of(end, zone_name)
    if compare.align == "ELAPSED" and start < now < end:
        if back.exact:
            last = min(last, first + (now - start))
        else:
            zone = ZoneInfo(zone_name)
            begun, running, before = (at.astimezone(zone).replace(tzinfo=None) for at in (start, now, first))
            last = min(last, instant(before + (running - begun), zone))
    return (first, last), back


def _period(asked: Range, start: datetime, end: datetime, zone_name: str) -> Back:
    match asked:
        case Last():
            return Back.units(asked.n, asked.unit)
        case Preset():
            return Back.units(1, UNITS[asked.name])
        case Between():
            if all(floor(at, "DAY", zone_name) == at for at in (start, end)):
                zone = ZoneInfo(zone_name)
                return Back(days=(end.astimezone(zone).date() - start.astimezone(zone).date()).days)
            return Back(exact=end - start)


def belonging(
    later: Sequence[datetime], before: Sequence[datetime], back: Back | None, every: str, zone_name: str
) -> dict[int, int]:
    """By number of a bucket between the earlier edges, the number of the bucket between the later edges it belongs to.

    That whose start, so much earlier, lies in it, if starts lead to starts; else that with the most time in common, so
    much earlier. Without `back` that of the same number.
    """
    if back is None:
        return {number: number for number in range(min(len(later), len(before)) - 1)}
    if not back.meets_starts(every):
        moved = [back.of(edge, zone_name) for edge in later]
        nearest: dict[int, int] = {}
        for bucket in range(len(before) - 1):
            common = {
                number: min(before[bucket + 1], moved[number + 1]) - max(before[bucket], moved[number])
                for number in range(len(moved) - 1)
            }
            most = max(common.values())
            if most > timedelta():
                nearest[bucket] = min(number for number, shared in common.items() if shared == most)
        return nearest
    found: dict[int, int] = {}
    places = {start: number for number, start in enumerate(before[:-1])}
    for number, start in enumerate(later[:-1]):
        place = places.get(floor(back.of(start, zone_name), every, zone_name))
        if place is not None:
            found.setdefault(place, number)
    return found
