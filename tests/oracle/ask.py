"""Questions to the oracle, as plain values: one `analytics` field, in the words of the API."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
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
class Between:
    """Half-open."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Last:
    """The last n units; with the running one as the last of them, or before it."""

    n: int
    unit: str
    include_current: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """A range by its name."""

    name: str


Range: TypeAlias = Between | Last | Preset


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is compared with: PERIOD or YEAR before, ELAPSED or FULL."""

    what: str
    align: str


Compare: TypeAlias = Earlier | Between


@dataclass(frozen=True, slots=True)
class Of:
    """A measure with its arguments. where: of this measure alone."""

    name: str
    states: tuple[str, ...] | None = None
    at: float | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Top:
    """The n keys with the most of a measure."""

    n: int
    by: Of
    others: bool = True
    per_bucket: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Measures by local time steps."""

    every: str
    measures: tuple[Of, ...]
    fill: str = "AUTO"
    cumulative: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """One part of an order: a facet of a measure, or a key (a dimension's name, or `time`)."""

    by: Of | str
    of: str = "VALUE"
    descending: bool = True
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on a facet of a measure. bounds: pairs of gt, gte, lt, lte or eq and a value."""

    measure: Of
    of: str
    bounds: tuple[tuple[str, Decimal], ...] = ()
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """and, or, not (of one part)."""

    word: str
    parts: tuple["Having", ...]


Having: TypeAlias = Bound | Joint


def bounds_of(having: Having | None) -> tuple[Bound, ...]:
    """Every condition of a tree."""
    if having is None:
        return ()
    if isinstance(having, Bound):
        return (having,)
    return tuple(found for part in having.parts for found in bounds_of(part))


@dataclass(frozen=True, slots=True)
class Groups:
    """Measures by keys. every: the step of the time among them. tops: by dimension. shares: of the measures, which."""

    by: tuple[str, ...]
    measures: tuple[Of, ...]
    every: str | None = None
    tops: tuple[tuple[str, Top], ...] = ()
    shares: tuple[Of, ...] = ()
    having: Having | None = None
    order: tuple[Sort, ...] = ()
    first: int = 50
    series: Series | None = None

    @property
    def sought(self) -> tuple[tuple[Of, str], ...]:
        """Measures and facets that groups are ordered or chosen by."""
        sorts = [(sort.by, sort.of) for sort in self.order if isinstance(sort.by, Of)]
        return tuple(dict.fromkeys((*sorts, *((bound.measure, bound.of) for bound in bounds_of(self.having)))))


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, asked at `now`. With a compared time, every measure is asked of that time too."""

    now: datetime
    range: Range
    zone: str
    where: Where | None = None
    attribution: str = "BOOKED"
    currency: str | None = None
    compare: Compare | None = None
    as_of: datetime | None = None
    totals: tuple[Of, ...] = ()
    series: Series | None = None
    groups: Groups | None = None
