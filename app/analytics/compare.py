"""The time that a range is compared with, and which of its buckets belongs to which of the range's. Pure.

Everything is shifted on the local calendar: a Wednesday's noon is compared with a Wednesday's noon, also where clocks
changed in between. Where that takes the beginnings of buckets to beginnings, buckets are told by them: the 1st belongs
to the 1st, also where months differ in length. Elsewhere a beginning says nothing, for weeks of a month begin on other
days than those of the month before: there buckets are told by the time they share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from app.analytics.query import Align, Between, CompareAsk, Last, Preset, PreviousPeriod, RangeAsk
from app.analytics.ranges import YEARS
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.errors import QueryIssue

_UNITS = {
    Preset.TODAY: Granularity.DAY,
    Preset.YESTERDAY: Granularity.DAY,
    Preset.WEEK_TO_DATE: Granularity.WEEK,
    Preset.MONTH_TO_DATE: Granularity.MONTH,
    Preset.QUARTER_TO_DATE: Granularity.QUARTER,
    Preset.YEAR_TO_DATE: Granularity.YEAR,
}

_MONTHS = {Granularity.MONTH: 1, Granularity.QUARTER: 3, Granularity.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Step:
    """How far back the compared time lies: calendar months, calendar days, or an exact duration."""

    months: int = 0
    days: int = 0
    exact: timedelta = timedelta()

    def back(self, at: datetime, zone: str) -> datetime:
        """The instant so much earlier, by the wall clock; where a local day begins, so does one.

        A day that its month does not have is the month's last.
        """
        if self.exact:
            return at - self.exact
        wall = at.astimezone(timegrain.zone(zone))
        day = self._day(wall.date())
        if timegrain.floor(at, Granularity.DAY, zone) == at:
            # Not always at midnight: some zones skip one.
            return timegrain.first_instant(day, zone)
        return timegrain.to_utc(wall.replace(year=day.year, month=day.month, day=day.day))

    def keeps_starts(self, every: Granularity) -> bool:
        """Whether, so much before a bucket begins, always one begins too."""
        match every:
            case Granularity.HOUR:
                return not self.exact % timedelta(hours=1)
            case Granularity.DAY:
                # Exact days are no local days where clocks change.
                return not self.exact
            case Granularity.WEEK:
                return not self.exact and not self.months and self.days % 7 == 0
            case _:
                return not self.exact and not self.days and self.months % _MONTHS[every] == 0

    def _day(self, day: date) -> date:
        if self.months:
            index = day.year * 12 + day.month - 1 - self.months
            first = date(index // 12, index % 12 + 1, 1)
            following = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
            day = first + timedelta(days=min(day.day, (following - first).days) - 1)
        return day - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Compared:
    """The compared time. step: how far back; None where the time was given."""

    interval: Interval
    step: Step | None


def compared(
    asked: CompareAsk, range_asked: RangeAsk, interval: Interval, zone: str, now: datetime, issues: list[QueryIssue]
) -> Compared | None:
    """The time compared with the interval; None, and an issue, where there is none."""
    if isinstance(asked, Between):
        start, end = asked.start.astimezone(UTC), asked.end.astimezone(UTC)
        if start >= end or not (start.year in YEARS and end.year in YEARS):
            message = f"The compared range is empty, reversed or too far: {start.isoformat()} until {end.isoformat()}."
            issues.append(QueryIssue("RANGE_INVALID", message, ("compare", "between"), "Give `from` before `until`."))
            return None
        return Compared(Interval(start, end), None)
    is_period = isinstance(asked, PreviousPeriod)
    path = ("compare", "previousPeriod" if is_period else "previousYear")
    step = _step(range_asked, interval, zone) if is_period else Step(months=12)
    is_elapsed = asked.align is Align.ELAPSED
    before = None if step is None else _before(interval, step, zone, now if is_elapsed else interval.end)
    if before is not None:
        return Compared(before, step)
    if range_asked is Preset.ALL_TIME:
        # Without buckets it begins with the calendar; with them, with the first fact, and has a year before.
        message, way_out = "There is no time before all time to compare with.", "Give a range with a beginning."
    else:
        message = "The time before the range cannot be computed, or nothing of it has passed."
        way_out = "Ask a later range, or align FULL." if is_elapsed else "Ask a later range."
    issues.append(QueryIssue("RANGE_INVALID", message, path, way_out))
    return None


def _before(interval: Interval, step: Step, zone: str, until: datetime) -> Interval | None:
    # until: what the range has come to, its end where all of it is compared. None where nothing is left.
    try:
        start, end = step.back(interval.start, zone), step.back(interval.end, zone)
        if interval.start < until < interval.end:
            end = min(end, _elapsed(interval.start, until.replace(microsecond=0), start, zone, step))
    except (ValueError, OverflowError):
        return None
    return Interval(start, end) if start.year in YEARS and start < end else None


def _elapsed(begun: datetime, now: datetime, before: datetime, zone: str, step: Step) -> datetime:
    # As long after `before` as now is after the beginning: on the wall clock, so that Wednesday's noon stays one.
    if step.exact:
        return before + (now - begun)
    local = timegrain.zone(zone)
    start, running = begun.astimezone(local).replace(tzinfo=None), now.astimezone(local).replace(tzinfo=None)
    return timegrain.to_utc(before.astimezone(local) + (running - start))


def _step(asked: RangeAsk, interval: Interval, zone: str) -> Step | None:
    match asked:
        case Last():
            return _steps(asked.unit, asked.n)
        case Preset():
            return None if asked is Preset.ALL_TIME else _steps(_UNITS[asked], 1)
        case Between():
            local = timegrain.zone(zone)
            if _is_midnight(interval.start, zone) and _is_midnight(interval.end, zone):
                start, end = interval.start.astimezone(local), interval.end.astimezone(local)
                return Step(days=(end.date() - start.date()).days)
            return Step(exact=interval.end - interval.start)


def _steps(unit: Granularity, count: int) -> Step:
    if unit is Granularity.HOUR:
        return Step(exact=timedelta(hours=count))
    if unit in _MONTHS:
        return Step(months=_MONTHS[unit] * count)
    return Step(days=count * (7 if unit is Granularity.WEEK else 1))


def _is_midnight(at: datetime, zone: str) -> bool:
    return timegrain.floor(at, Granularity.DAY, zone) == at


@lru_cache(maxsize=256)
def aligned(
    edges: tuple[datetime, ...], earlier: tuple[datetime, ...], step: Step | None, every: Granularity, zone: str
) -> tuple[int, ...]:
    """For each bucket between the earlier edges the number, from 1, of the bucket that it belongs to; 0: to none.

    step: how far back the earlier ones lie; None where their time was given.
    """
    count = len(earlier) - 1
    if step is None:
        return tuple(number if number < len(edges) else 0 for number in range(1, count + 1))
    if not step.keeps_starts(every):
        return _by_time_in_common([step.back(edge, zone) for edge in edges], earlier)
    places = {start: index for index, start in enumerate(earlier[:-1])}
    found = [0] * count
    for number, start in enumerate(edges[:-1], start=1):
        place = places.get(timegrain.floor(step.back(start, zone), every, zone))
        if place is not None and not found[place]:
            found[place] = number
    return tuple(found)


def _by_time_in_common(shifted: Sequence[datetime], earlier: Sequence[datetime]) -> tuple[int, ...]:
    # For each bucket between the earlier edges the one between the shifted edges, from 1, that shares most of its time;
    # the first of equals. Whole buckets are weighed, so that those in the middle all fall the same way.
    found = []
    first = 0
    for start, end in pairwise(earlier):
        best, most = 0, timedelta()
        for number in range(first, len(shifted) - 1):
            if shifted[number] >= end:
                break
            shared = min(end, shifted[number + 1]) - max(start, shifted[number])
            if shared > most:
                best, most = number + 1, shared
            if shifted[number + 1] <= end:
                first = number
        found.append(best)
    return tuple(found)
