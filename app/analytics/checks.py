"""The mistakes of an analytics question, each as a QueryIssue: all are found before anything runs."""

from collections.abc import Iterable, Sequence

from app.analytics.large import values_in
from app.analytics.layout import Layout
from app.analytics.query import (
    AllOf,
    AnyOf,
    Ask,
    ByDimension,
    ByTime,
    DimensionOrder,
    Facet,
    Filter,
    Groups,
    Matches,
    MeasureOrder,
    Not,
    Question,
    Series,
    TimeOrder,
    conditions_of,
    dimensions_of,
)
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.errors import QueryIssue
from app.limits.values import too_many

ELEMENTS_MAX = 4
"""Elements of one grouping."""

ASKS_MAX = 100
"""Different measures of one facet: by name, arguments and filter."""

TOP_MAX = 1_000
"""Keys that a top may keep."""

FILTER_PARTS_MAX = 50
"""Conditions and connectives of one filter."""

FILTER_VALUES_TOTAL_MAX = 5_000
"""Values of all lists of one filter."""

HAVING_MAX = 20
"""Conditions of one `having`."""

Path = tuple[str, ...]


def check_asks(asks: Iterable[Ask], dimensions: Iterable[str], path: Path, issues: list[QueryIssue]) -> None:
    """Whether the measures can be split and filtered so. dimensions: by which, beside their own filters."""
    found = tuple(dict.fromkeys(asks))
    if len(found) > ASKS_MAX:
        message = f"{len(found)} different measures are asked; at most {ASKS_MAX} fit one part of an answer."
        issues.append(QueryIssue("BAD_USER_INPUT", message, path, "Ask them in several parts."))
    known = set(dimensions)
    for ask in found:
        measure = MEASURES[ask.name]
        check_filter(ask.where, (*path, ask.name, "where"), issues)
        for argument, value in (("state", ask.states), ("at", ask.at)):
            if value is not None and measure.takes != argument:
                message = f"{measure.api_name} has no `{argument}`."
                fits = ", ".join(each.api_name for each in MEASURES.values() if each.takes == argument)
                suggestion = f"It is an argument of {fits}."
                issues.append(QueryIssue("BAD_USER_INPUT", message, (*path, ask.name, argument), suggestion))
        if measure.takes == "at" and (ask.at is None or not 0 <= ask.at <= 1):
            message = f"{measure.api_name} needs `at` from 0 to 1" + ("." if ask.at is None else f", not {ask.at}.")
            issues.append(QueryIssue("BAD_USER_INPUT", message, (*path, ask.name, "at"), "0.5 is the median."))
        for dimension in sorted((known | dimensions_of(ask.where)) - set(measure.dimensions)):
            fits = ", ".join(DIMENSIONS[fit].api_name for fit in measure.dimensions if DIMENSIONS[fit].is_group)
            issues.append(
                QueryIssue(
                    "MEASURE_NOT_BY_DIMENSION",
                    f"{measure.api_name} has no {DIMENSIONS[dimension].api_name}: its facts do not know it.",
                    (*path, ask.name),
                    f"It can be split and filtered by {fits}, and by time.",
                )
            )


def check_presence(layout: Layout, needed: Iterable[str], path: Path, issues: list[QueryIssue]) -> None:
    """Whether there is anything by which a cell is there. needed: dimensions by which it is split and filtered."""
    if not any(layout.sums):
        names = ", ".join(DIMENSIONS[name].api_name for name in sorted(needed))
        message = f"No facts know all of {names}."
        issues.append(QueryIssue("MEASURE_NOT_BY_DIMENSION", message, path, "Split or filter by fewer of them."))


def check_shares(asks: Iterable[Ask], split: Iterable[str], path: Path, issues: list[QueryIssue]) -> None:
    """Whether the measures add up, so that a group has a share of the total. split: what groups are by."""
    by_currency = "currency" in split
    for name in dict.fromkeys(ask.name for ask in asks):
        if by_currency and MEASURES[name].is_money:
            message = f"{MEASURES[name].api_name} of several currencies does not add up, so that it has no share."
            issues.append(QueryIssue("NOT_ADDITIVE", message, (*path, name), "Leave CURRENCY out of `by`."))
            continue
        if not MEASURES[name].is_additive:
            message = f"{MEASURES[name].api_name} does not add up, so that it has no share."
            fits = ", ".join(each.api_name for each in MEASURES.values() if each.is_additive)
            issues.append(QueryIssue("NOT_ADDITIVE", message, (*path, name), f"These have: {fits}."))


def check_series(series: Series, split: Iterable[str], issues: list[QueryIssue]) -> None:
    """A series' own mistakes."""
    check_asks(series.columns.every, split, series.path, issues)
    for name in dict.fromkeys(ask.name for ask in series.columns.every if series.cumulative):
        # A ratio of sums can run on: its sums do.
        if not MEASURES[name].has_additive_sums:
            message = f"{MEASURES[name].api_name} does not add up over time, so that it has no running total."
            issues.append(QueryIssue("NOT_ADDITIVE", message, (*series.path, name), "Ask it without `cumulative`."))


def check_groups(groups: Groups, question: Question, filtered: frozenset[str], issues: list[QueryIssue]) -> None:
    """A grouping's own mistakes, but those of its series."""
    _check_by(groups, filtered, issues)
    split = filtered | set(groups.dimensions)
    check_asks((*groups.columns.every, *(ask for ask, _ in groups.sought)), split, groups.path, issues)
    check_asks(groups.totals, filtered, (*groups.path, "totals"), issues)
    check_shares(groups.columns.shares, groups.dimensions, groups.path, issues)
    _check_order(groups, question, issues)
    having = conditions_of(groups.having)
    if len(having) > HAVING_MAX:
        message = f"`having` has {len(having)} conditions; at most {HAVING_MAX} are allowed."
        issues.append(QueryIssue("BAD_USER_INPUT", message, (*groups.path, "having"), "Use fewer."))
    for condition in having:
        _check_facet(condition.measure, condition.of, question, groups, (*groups.path, "having"), issues)


def _check_by(groups: Groups, filtered: frozenset[str], issues: list[QueryIssue]) -> None:
    by = (*groups.path, "by")
    if not groups.by:
        issues.append(QueryIssue("BAD_USER_INPUT", "`by` is empty.", by, "Name a dimension or a granularity."))
    if len(groups.by) > ELEMENTS_MAX:
        message = f"`by` has {len(groups.by)} elements; at most {ELEMENTS_MAX} are grouped."
        issues.append(QueryIssue("TOO_MANY_GROUPS", message, by, "Group by fewer, or filter by some of them."))
    names: set[str] = set()
    steps: set[str] = set()
    for index, element in enumerate(groups.by):
        path = (*by, str(index))
        if isinstance(element, ByTime):
            if element.every in steps:
                issues.append(QueryIssue("BAD_USER_INPUT", "`by` names this twice.", path, "Name it once."))
            elif steps:
                message = "`by` has two granularities; groups have one time."
                issues.append(QueryIssue("NOT_SUPPORTED", message, path, "Keep the finer one."))
            steps.add(element.every)
            continue
        if element.name in names:
            issues.append(QueryIssue("BAD_USER_INPUT", "`by` names this twice.", path, "Name it once."))
        names.add(element.name)
        _check_top(element, groups, filtered, (*path, "top"), issues)


def _check_top(
    element: ByDimension, groups: Groups, filtered: frozenset[str], path: Path, issues: list[QueryIssue]
) -> None:
    top = element.top
    if top is None:
        return
    if not 1 <= top.n <= TOP_MAX:
        message = f"`n` is {top.n}; it must be 1 to {TOP_MAX}."
        issues.append(QueryIssue("BAD_USER_INPUT", message, (*path, "n"), "Without `top` all keys are groups."))
    if top.per_bucket and groups.every is None:
        message = "`perBucket` ranks in each time bucket, and `by` has no time."
        issues.append(QueryIssue("BAD_USER_INPUT", message, (*path, "perBucket"), "Add a time element to `by`."))
    asked = (*groups.columns.every, *(ask for ask, _ in groups.sought), *_of_series(groups))
    if element.name == "currency" and top.others and any(MEASURES[ask.name].is_money for ask in asked):
        message = "Amounts of several currencies do not add up to one of others."
        issues.append(QueryIssue("NOT_ADDITIVE", message, (*path, "others"), "Leave them out: `others: false`."))
    check_asks((top.by,), filtered | {element.name}, (*path, "by"), issues)


def _of_series(groups: Groups) -> Iterable[Ask]:
    return (ask for series in groups.series for ask in series.columns.every)


def _check_order(groups: Groups, question: Question, issues: list[QueryIssue]) -> None:
    for index, order in enumerate(groups.order):
        path = (*groups.path, "orderBy", str(index))
        if isinstance(order, DimensionOrder) and order.name not in groups.dimensions:
            message = f"{DIMENSIONS[order.name].api_name} is not in `by`, so groups have no order by it."
            issues.append(QueryIssue("BAD_USER_INPUT", message, path, "Add it to `by`, or order by another."))
        if isinstance(order, TimeOrder) and groups.every is None:
            message = "`by` has no time, so groups have no order by it."
            issues.append(QueryIssue("BAD_USER_INPUT", message, path, "Add a time element to `by`."))
        if isinstance(order, MeasureOrder):
            _check_facet(order.measure, order.of, question, groups, path, issues)
    if len(groups.order) > 2 * ELEMENTS_MAX:
        message = f"`orderBy` has {len(groups.order)} elements; at most {2 * ELEMENTS_MAX} are used."
        issues.append(QueryIssue("TOO_MANY_GROUPS", message, (*groups.path, "orderBy"), "Order by fewer."))


def _check_facet(ask: Ask, of: Facet, question: Question, groups: Groups, path: Path, issues: list[QueryIssue]) -> None:
    if of in (Facet.PREVIOUS, Facet.CHANGE) and question.compare is None:
        message = f"There is no {of.value} without a compared time."
        issues.append(QueryIssue("COMPARE_MISSING", message, (*path, "of"), "Give `compare` to `analytics`."))
    if of is Facet.SHARE:
        check_shares((ask,), groups.dimensions, path, issues)


def check_filter(where: Filter | None, path: Sequence[str], issues: list[QueryIssue]) -> None:
    """Whether a filter is within its bounds."""
    if where is None:
        return
    parts = list(_conditions(where))
    if len(parts) > FILTER_PARTS_MAX:
        message = f"The filter has {len(parts)} parts; at most {FILTER_PARTS_MAX} are allowed."
        issues.append(QueryIssue("BAD_USER_INPUT", message, tuple(path), "Use lists (`in`) instead of `or`."))
    values = values_in(where)
    if values > FILTER_VALUES_TOTAL_MAX:
        message = (
            f"The lists of the filter hold {values} values together; at most {FILTER_VALUES_TOTAL_MAX} are allowed."
        )
        issues.append(QueryIssue("BAD_USER_INPUT", message, tuple(path), "Split the question."))
    for part in parts:
        if not isinstance(part, Matches):
            continue
        beyond = too_many(max(len(part.isin or ()), len(part.not_in or ())))
        if beyond is not None:
            issues.append(QueryIssue("BAD_USER_INPUT", beyond, (*path, part.dimension), "Split the question."))


def _conditions(where: Filter) -> Iterable[Filter]:
    yield where
    match where:
        case Not():
            yield from _conditions(where.part)
        case AllOf() | AnyOf():
            for part in where.parts:
                yield from _conditions(part)
        case Matches():
            return
