"""Scalars of the API: strict on the way in, exact on the way out.

Every refusal is a GraphQLError in our own words: any other exception's text would reach the client as it is. One with
a code is of the value's content; without, a value of another kind was sent (see unreadable.py). Python
types `datetime`, `date` and `Decimal` map by themselves; `BigInt`, `CurrencyCode`, `TimeZone` and `Duration` (a
`timedelta`) are annotations from this file.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from app.core import durations, money
from app.errors import DomainError
from graphql_schema.unreadable import Unreadable

BigInt = NewType("BigInt", int)
CurrencyCode = NewType("CurrencyCode", str)
TimeZone = NewType("TimeZone", str)
Duration = NewType("Duration", timedelta)

BIG_INT_MAX = 2**53 - 1
"""The largest integer every JSON reader keeps exact."""

DECIMAL_DIGITS_MAX = 38
"""Digits of a decimal, before and after the point together: far beyond any amount, short enough to echo."""

YEAR_MIN, YEAR_MAX = 1900, 2200
"""Years of dates and times: room for every zone's arithmetic, none for year 1 in the wrong zone."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")

ZONE_LENGTH_MAX = 64
"""Characters of a zone's name."""

IDS_MAX = 10_000
"""Ids whose texts a process remembers: campaigns and influencers are asked for again and again."""

SHOWN_LENGTH_MAX = 40
"""Characters of a refused value that its message repeats."""


def _text(value: object, rule: str) -> str:
    if not isinstance(value, str):
        raise GraphQLError(f"{rule} Found {type(value).__name__}.")
    return value


def _refusal(rule: str, value: object, *, code: str = "BAD_USER_INPUT") -> GraphQLError:
    shown = repr(value[:SHOWN_LENGTH_MAX] if isinstance(value, str) else value)
    return GraphQLError(f"{rule} Found {shown}.", extensions={"code": code})


def parse_decimal(value: object) -> Decimal:
    """An exact decimal from a plain decimal string, or from an integer."""
    rule = f'Decimal must be a string such as "12.50": at most {DECIMAL_DIGITS_MAX} digits and one point, no exponent.'
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) <= BIG_INT_MAX:
            return Decimal(value)
        raise _refusal(rule, value, code="INVALID_AMOUNT")
    text = _text(value, rule)
    if len(text) > DECIMAL_DIGITS_MAX + 2 or _DECIMAL.fullmatch(text) is None:
        raise _refusal(rule, text, code="INVALID_AMOUNT")
    return Decimal(text)


def serialize_decimal(value: object) -> str:
    """Plain digits, never an exponent."""
    assert isinstance(value, Decimal), f"a Decimal field got {type(value).__name__}"
    assert value.is_finite(), "a Decimal field got NaN or infinity"
    return format(value, "f")


def parse_big_int(value: object) -> int:
    """An integer from a JSON integer or a string of digits."""
    rule = f"BigInt must be an integer between -{BIG_INT_MAX} and {BIG_INT_MAX}, or a string of its digits."
    found = int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) is not None else value
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        raise GraphQLError(f"{rule} Found {type(value).__name__}.")
    if not isinstance(found, int) or abs(found) > BIG_INT_MAX:
        raise _refusal(rule, value)
    return found


def serialize_big_int(value: object) -> int:
    """A JSON integer."""
    assert type(value) is int, f"a BigInt field got {type(value).__name__}"
    assert abs(value) <= BIG_INT_MAX, "a BigInt field got an integer beyond 2^53 - 1"
    return value


def parse_date_time(value: object) -> datetime:
    """The instant, in UTC, of an RFC 3339 time with an offset. Digits beyond microseconds are dropped."""
    rule = 'DateTime must be RFC 3339 with an offset, such as "2026-01-31T08:00:00Z" or "…+02:00".'
    text = _text(value, rule)
    if _DATE_TIME.fullmatch(text) is None:
        raise _refusal(rule, text)
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal(rule, text) from None
    if not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise _refusal(f"DateTime must lie between the years {YEAR_MIN} and {YEAR_MAX}.", text)
    return instant


def serialize_date_time(value: object) -> str:
    """RFC 3339 with the offset the value carries; UTC as Z."""
    assert isinstance(value, datetime), f"a DateTime field got {type(value).__name__}"
    assert value.tzinfo is not None, "a DateTime field got a time without offset"
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def parse_date(value: object) -> date:
    """A calendar day from YYYY-MM-DD."""
    rule = 'Date must be a calendar day such as "2026-01-31".'
    text = _text(value, rule)
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise _refusal(rule, text)
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise _refusal(f"Date must lie between the years {YEAR_MIN} and {YEAR_MAX}.", text)
    return day


def serialize_date(value: object) -> str:
    """YYYY-MM-DD."""
    assert isinstance(value, date), f"a Date field got {type(value).__name__}"
    assert not isinstance(value, datetime), "a Date field got a datetime"
    return value.isoformat()


def _checked(name: str, check: Callable[[str], object]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value, f"{name} must be a string.")
        try:
            check(text)
        except DomainError as error:
            raise GraphQLError(error.message, extensions={"code": error.code}) from None
        return text

    return parse


parse_currency_code = _checked("CurrencyCode", money.exponent)


def parse_time_zone(value: object) -> str:
    """A text in the form of an IANA name. Whether there is such a zone is told where it is used, with all mistakes."""
    rule = "TimeZone must be an IANA name such as Europe/Berlin."
    text = _text(value, rule)
    if len(text) > ZONE_LENGTH_MAX or _ZONE.fullmatch(text) is None:
        raise _refusal(rule, text, code="INVALID_TIME_ZONE")
    return text


def parse_duration(value: object) -> timedelta:
    """A length of time from ISO 8601, without years and months."""
    rule = 'Duration must be ISO 8601 in weeks, or in days, hours, minutes and seconds, such as "PT2S" or "P1DT12H".'
    text = _text(value, rule)
    try:
        return durations.parse_duration(text)
    except ValueError:
        raise _refusal(rule, text) from None


def serialize_duration(value: object) -> str:
    """ISO 8601, in days, hours, minutes and seconds."""
    assert isinstance(value, timedelta), f"a Duration field got {type(value).__name__}"
    return durations.format_duration(value)


def serialize_text(value: object) -> str:
    """Scalars that are texts of some form, as they are."""
    assert isinstance(value, str), f"a text scalar got {type(value).__name__}"
    return value


def uuid_of(value: strawberry.ID) -> UUID | None:
    """The id as a UUID, or None for what cannot be the id of anything."""
    text = str(value)
    return _uuid(text) if len(text) == 36 else None


@lru_cache(maxsize=IDS_MAX)
def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def required_uuid(value: strawberry.ID, *, path: tuple[str | int, ...]) -> UUID:
    """The id as a UUID. Raises BAD_USER_INPUT for what cannot be one."""
    found = uuid_of(value)
    if found is None:
        raise DomainError("BAD_USER_INPUT", f"`{path[-1]}` is not an id. Use one that the API gave.", path=path)
    return found


def _reading(parse: Callable[[object], Any]) -> Callable[[object], Any]:
    # What is marked was refused before: its item tells.
    return lambda value: value if isinstance(value, Unreadable) else parse(value)


SCALARS: dict[Any, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: RFC 3339, always with an offset, to the microsecond. A time without one is refused.",
        serialize=serialize_date_time,
        parse_value=_reading(parse_date_time),
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day, YYYY-MM-DD.",
        serialize=serialize_date,
        parse_value=_reading(parse_date),
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal as a string, such as "12.50". NaN, infinities and exponents are refused.',
        serialize=serialize_decimal,
        parse_value=_reading(parse_decimal),
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer of at most 2^53 - 1 either way. Accepted as an integer or as a string of digits.",
        serialize=serialize_big_int,
        parse_value=_reading(parse_big_int),
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="An ISO 4217 code of a currency with minor units, such as EUR.",
        serialize=serialize_text,
        parse_value=_reading(parse_currency_code),
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description="The IANA name of a time zone, such as Europe/London.",
        serialize=serialize_text,
        parse_value=_reading(parse_time_zone),
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="A length of time in ISO 8601, without years and months, such as PT2S or P1DT12H.",
        serialize=serialize_duration,
        parse_value=_reading(parse_duration),
    ),
}
"""Python type → scalar: given to the schema as its scalar_map."""
