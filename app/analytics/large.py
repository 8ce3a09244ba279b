"""Questions that are too large for what is made of them to be remembered, which is bounded by number. Pure."""

from collections.abc import Iterable

from app.analytics.query import AllOf, AnyOf, Ask, Columns, Filter, Groups, Matches, Not, Question

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


def is_large(columns: Columns) -> bool:
    """The same of what is asked of rows. Found once: they are kept with their selection."""
    known: dict[str, bool] = columns.__dict__
    if "_is_large" not in known:  # see hashed_once
        known["_is_large"] = are_large(columns.every)
    return known["_is_large"]


def is_any_large(question: Question) -> bool:
    """Whether anything that a question asks, or looks at, is."""
    series = [question.totals, *(facet.columns for facet in question.series)]
    return any(map(is_large, series)) or any(map(_looks_at_many, question.groups))


def _looks_at_many(groups: Groups) -> bool:
    looked_at = [*groups.totals, *(ask for ask, _ in groups.sought), *(top.by for top in groups.tops.values())]
    columns = [groups.columns, *(nested.columns for nested in groups.series)]
    return are_large(looked_at) or any(map(is_large, columns))
