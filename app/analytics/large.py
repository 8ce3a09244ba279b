"""Questions that are too large for what is made of them to be remembered, which is bounded by number. Pure."""

from collections.abc import Iterable, Iterator

from app.analytics.query import AllOf, AnyOf, Ask, Filter, Matches, Not, Question

KEPT_VALUES_MAX = 100
"""Values in the filters of measures of what is remembered."""


def values_in(where: Filter | None) -> int:
    """How many values the lists of a filter hold."""
    match where:
        case None:
            return 0
        case Matches():
            return len(where.isin or ()) + len(where.not_in or ())
        case Not():
            return values_in(where.part)
        case AllOf() | AnyOf():
            return sum(map(values_in, where.parts))


def are_large(asks: Iterable[Ask]) -> bool:
    """Whether the measures' own filters hold too many values."""
    return sum([values_in(ask.where) for ask in asks if ask.where is not None]) > KEPT_VALUES_MAX


def asks_of(question: Question) -> Iterator[Ask]:
    """Every measure that is asked or looked at; some more than once."""
    yield from question.totals.every
    for series in question.series:
        yield from series.columns.every
    for groups in question.groups:
        yield from groups.columns.every
        yield from groups.totals
        yield from (ask for ask, _ in groups.sought)
        yield from (top.by for top in groups.tops.values())
        for nested in groups.series:
            yield from nested.columns.every
