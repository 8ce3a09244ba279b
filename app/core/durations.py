"""Lengths of time in ISO 8601: `PT2S`, `P1DT12H`, `P2W`."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,4})W"
    r"|(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,8})M)?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?)"
)


def parse_duration(text: str) -> timedelta:
    """The length; weeks, days, hours, minutes and seconds only, for months and years have none. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    parts = {} if found is None else {name: value for name, value in found.groupdict().items() if value is not None}
    if not parts:
        raise ValueError(f"no duration: {text!r}")
    whole, _, fraction = parts.pop("seconds", "0").partition(".")
    exact = timedelta(seconds=int(whole), microseconds=int(fraction.ljust(6, "0")))
    return exact + timedelta(**{name: int(value) for name, value in parts.items()})


def format_duration(length: timedelta) -> str:
    """The shortest form in days, hours, minutes and seconds. Raises AssertionError for a negative length."""
    assert length >= timedelta(0), "a duration is not negative"
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06d}".rstrip("0").rstrip(".")
    day = f"{length.days}D" if length.days else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or length.microseconds, f"{seconds}{fraction}S"))
    time = "".join(text for value, text in parts if value)
    return f"P{day}T{time}" if time else f"P{day}" if day else "PT0S"
