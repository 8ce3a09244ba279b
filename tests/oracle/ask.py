"""Questions to the oracle, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Is:
    """A condition on one dimension. None: that part is absent. Keys are texts; ids are texts too."""

    dimension: str
    isin: tuple[str, ...] | None = None
    not_in: tuple[str, ...] | None = None
    starts_with: str | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Some part holds."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Isnt:
    """The part does not hold."""

    part: "Where"


Where: TypeAlias = Is | Both | Either | Isnt


@dataclass(frozen=True, slots=True)
class Ask:
    """Measures of a half-open range, by dimensions and, with `every`, by local time steps of the zone."""

    start: datetime
    end: datetime
    zone: str
    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    every: str | None = None
    where: Where | None = None
