"""What is read off the local clock: hours and weekdays, from offsets that the server was told, never the database's."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, cast, extract, func, literal_column

from app.analytics.sql.tables import BIG, INSTANT, SMALL, element, many
from app.core.timegrain import Interval, clock_change, zone

_LONG_AGO = literal_column("60480000000::bigint", BIG)
"""Seconds of 100,000 weeks: added so that no instant that can be asked is negative."""


def local_key(dimension: str, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The hour of the day, 0 to 23, or the day of the week, 1 for Monday, of an instant in the answer's zone."""
    offset = element("offsets", BIG, func.width_bucket(at, many("offset_starts", INSTANT)))
    seconds = cast(func.floor(extract("epoch", at)), BIG) + offset + _LONG_AGO
    if dimension == "hour_of_day":
        return cast(func.mod(seconds // literal_column("3600", BIG), literal_column("24")), SMALL)
    assert dimension == "day_of_week", "each dimension off the local clock is computed here"
    # The first of January 1970 was a Thursday.
    days = seconds // literal_column("86400", BIG) + literal_column("3")
    return cast(func.mod(days, literal_column("7")) + literal_column("1"), SMALL)


@lru_cache(maxsize=64)
def offsets(interval: Interval, zone_name: str) -> tuple[tuple[datetime, ...], tuple[int, ...]]:
    """From when on the zone had which offset from UTC, in seconds: over the interval, the first from its start."""
    local = zone(zone_name)

    def offset(at: datetime) -> int:
        found = at.astimezone(local).utcoffset()
        assert found is not None, "a zone has offsets"
        return int(found.total_seconds())

    starts, values = [interval.start], [offset(interval.start)]
    at = interval.start
    while at < interval.end:
        following = min(at + timedelta(days=1), interval.end)
        if offset(following) != values[-1]:
            change = clock_change(at, following, zone_name)
            starts.append(change)
            values.append(offset(change))
        at = following
    return tuple(starts), tuple(values)
