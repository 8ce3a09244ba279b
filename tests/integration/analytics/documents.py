"""Questions of the oracle as GraphQL documents, and what comes back as plain values.

A document shows less than an answer holds: compared times and shares only of measures without a filter of their own,
and of others of two dimensions not which.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.clock import FixedClock
from tests.client import Client
from tests.integration.analytics.comparing import Answered, Rows
from tests.oracle.ask import (
    Ask,
    Between,
    Both,
    Bound,
    Earlier,
    Either,
    Groups,
    Having,
    Is,
    Isnt,
    Last,
    Of,
    Range,
    Series,
    Sort,
    Top,
    Where,
)
from tests.oracle.grouping import OTHERS

_KEYS = {
    **{name: f"{name} {{ id }}" for name in ("influencer", "campaign", "product")},
    "customer_kind": "customerKind",
    "commission_state": "commissionState",
    "hour_of_day": "hourOfDay",
    "day_of_week": "dayOfWeek",
}


def asked(ask: Ask) -> Ask:
    """The question without what no document can ask: totals, and groups compared, of measures with own filters."""
    groups = ask.groups
    if ask.compare is not None and groups is not None:
        shares = tuple(_plain(groups.shares))
        plain = tuple(_plain(groups.measures))
        groups = replace(groups, measures=plain, shares=shares) if plain else None
    return replace(ask, totals=tuple(_plain(ask.totals)), groups=groups)


async def answered(client: Client, clock: FixedClock, ask: Ask) -> Answered | str:
    """What the API answers at the question's time, of groups the first page; errors as text."""
    clock.at = ask.now
    payload = await client.query(document(ask))
    if "errors" in payload:
        return str(payload["errors"])
    found = payload["data"]["analytics"]
    answer = Answered()
    if ask.totals:
        answer = replace(answer, totals=_figures(ask.totals, (), found, "totals"))
    if ask.series is not None:
        answer = replace(answer, series=tuple(_bucket(ask.series, bucket) for bucket in found["series"]))
    if ask.groups is not None:
        page = found["groups"]
        plain = _plain(ask.groups.measures)
        answer = replace(
            answer,
            groups=tuple(_group(ask.groups, node) for node in page["nodes"]),
            total=page["totalCount"],
            whole=tuple(_number(page["totals"][f"m{ask.groups.measures.index(of)}"]) for of in plain) if plain else (),
            has_next=page["pageInfo"]["hasNextPage"],
        )
    return answer


def shown(ask: Ask, answer: Answered) -> Answered:
    """Of the oracle's answer what a document shows."""
    groups = ask.groups
    if groups is None:
        return replace(
            answer,
            totals=_right(ask.totals, answer.totals) if ask.totals else (),
            series=tuple(_right_bucket(ask.series, bucket) for bucket in answer.series),
        )
    plain = _plain(groups.measures)
    return replace(
        answer,
        totals=_right(ask.totals, answer.totals) if ask.totals else (),
        series=tuple(_right_bucket(ask.series, bucket) for bucket in answer.series),
        groups=tuple(_right_group(groups, row) for row in answer.groups[: groups.first]),
        whole=tuple(answer.whole[groups.measures.index(of)] for of in plain),
        has_next=answer.total > groups.first,
    )


def _plain(measures: Sequence[Of]) -> list[Of]:
    return [of for of in measures if of.where is None]


def _changing(measures: Sequence[Of]) -> list[Of]:
    return [of for of in _plain(measures) if of.at is None]


def _right(measures: Sequence[Of], row: Rows) -> Rows:
    values, previous, changes = row
    return (
        values,
        tuple(previous[measures.index(of)] for of in _plain(measures)) if previous else (),
        tuple(changes[measures.index(of)] for of in _changing(measures)) if changes else (),
    )


def _right_bucket(series: Series | None, bucket: Rows) -> Rows:
    assert series is not None
    start, is_partial, is_filled, _, figures = bucket
    return start, is_partial, is_filled, _right(series.measures, figures)


def _right_group(groups: Groups, row: Rows) -> Rows:
    key, rank, figures, shares, members, nested = row
    keys = tuple(None if each is OTHERS else each for each in key)
    plain = tuple(share for of, share in zip(groups.shares, shares, strict=True) if of.where is None)
    buckets = tuple(_right_bucket(groups.series, bucket) for bucket in nested)
    return keys, OTHERS in key, rank, _right(groups.measures, figures), plain, members, buckets


def _figures(measures: Sequence[Of], shares: Sequence[Of], found: Any, name: str = "") -> Rows:
    values = []
    for place, of in enumerate(measures):
        row = found[name or _part(measures, of)]
        values.append(None if row is None else _number(row[f"m{place}"]))
    before = found.get("previous") or {}
    changes = found.get("change") or {}
    return (
        tuple(values),
        tuple(_number(before[f"m{measures.index(of)}"]) for of in _plain(measures)) if before else (),
        tuple(_number(changes[f"m{measures.index(of)}"]) for of in _changing(measures)) if changes else (),
    )


def _bucket(series: Series, found: Any) -> Rows:
    start = datetime.fromisoformat(found["start"])
    return start, found["partial"], found["filled"], _figures(series.measures, (), found)


def _group(groups: Groups, node: Any) -> Rows:
    keys: list[Any] = []
    for name in groups.by:
        key = node["key"][_KEYS.get(name, name).split()[0]]
        keys.append(key["id"] if isinstance(key, dict) else key)
    if groups.every:
        keys.append(datetime.fromisoformat(node["key"]["time"]["start"]))
    shares = tuple(_number(node["share"][f"m{groups.measures.index(of)}"]) for of in _plain(groups.shares))
    figures = _figures(groups.measures, groups.shares, node)
    nested = tuple(_bucket(groups.series, bucket) for bucket in node["series"]) if groups.series else ()
    return tuple(keys), node["isOthers"], node["rank"], figures, shares, node["memberCount"], nested


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def document(ask: Ask) -> str:
    """The question as a document."""
    arguments = [f"range: {_range(ask.range)}", f'timeZone: "{ask.zone}"', f"attribution: {ask.attribution}"]
    if ask.where is not None:
        arguments.append(f"where: {_filter(ask.where)}")
    if ask.currency is not None:
        arguments.append(f'currency: "{ask.currency}"')
    match ask.compare:
        case Between():
            arguments.append(f"compare: {_range(ask.compare)}")
        case Earlier():
            name = "previousPeriod" if ask.compare.what == "PERIOD" else "previousYear"
            arguments.append(f"compare: {{{name}: {ask.compare.align}}}")
    if ask.as_of is not None:
        arguments.append(f'freshness: {{asOf: "{ask.as_of.isoformat()}"}}')
    compare = ask.compare is not None
    parts = ["meta { asOf }"]
    if ask.totals:
        parts.append(_views(ask.totals, compare=compare, name="totals"))
    if ask.series is not None:
        parts.append(_series(ask.series, compare=compare))
    if ask.groups is not None:
        parts.append(_groups(ask.groups, compare=compare))
    return f"{{ analytics({', '.join(arguments)}) {{ {' '.join(parts)} }} }}"


def _range(range_: Range) -> str:
    match range_:
        case Between():
            return f'{{between: {{from: "{range_.start.isoformat()}", until: "{range_.end.isoformat()}"}}}}'
        case Last():
            current = str(range_.include_current).lower()
            return f"{{last: {{n: {range_.n}, unit: {range_.unit}, includeCurrent: {current}}}}}"
        case _:
            return f"{{preset: {range_.name}}}"


def _part(measures: Sequence[Of], of: Of) -> str:
    # Measures of one filter stand together.
    wheres = list(dict.fromkeys(each.where for each in measures))
    return f"w{wheres.index(of.where)}"


def _views(measures: Sequence[Of], *, compare: bool, shares: Sequence[Of] = (), name: str = "") -> str:
    parts = []
    for where in dict.fromkeys(of.where for of in measures):
        fields = " ".join(_field(place, of) for place, of in enumerate(measures) if of.where == where)
        given = "" if where is None else f"(where: {_filter(where)})"
        alias = name or f"{_part(measures, next(of for of in measures if of.where == where))}: measures"
        parts.append(f"{alias}{given} {{ {fields} }}")
    blocks = [("share", _plain(shares))]
    if compare:
        blocks += [("previous", _plain(measures)), ("change", _changing(measures))]
    for block, chosen in blocks:
        if chosen:
            parts.append(f"{block} {{ {' '.join(_field(measures.index(of), of) for of in chosen)} }}")
    return " ".join(parts)


def _field(place: int, of: Of) -> str:
    given = [f"at: {of.at}"] if of.at is not None else []
    if of.states is not None:
        given.append(f"state: [{', '.join(of.states)}]")
    return f"m{place}: {of.name}" + (f"({', '.join(given)})" if given else "")


def _series(series: Series, *, compare: bool, nested: bool = False) -> str:
    cumulative = "" if nested else f", cumulative: {str(series.cumulative).lower()}"
    views = _views(series.measures, compare=compare)
    return f"series(every: {series.every}, fill: {series.fill}{cumulative}) {{ start partial filled {views} }}"


def _groups(groups: Groups, *, compare: bool) -> str:
    tops = dict(groups.tops)
    by = [f"{{dimension: {{name: {name.upper()}{_top(tops.get(name))}}}}}" for name in groups.by]
    if groups.every:
        by.append(f"{{time: {{every: {groups.every}}}}}")
    arguments = [f"by: [{', '.join(by)}]", f"first: {groups.first}"]
    if groups.having is not None:
        arguments.append(f"having: {_having(groups.having)}")
    if groups.order:
        arguments.append(f"orderBy: [{', '.join(map(_sort, groups.order))}]")
    keys = [_KEYS.get(name, name) for name in groups.by] + (["time { start }"] if groups.every else [])
    plain = " ".join(_field(groups.measures.index(of), of) for of in _plain(groups.measures))
    totals = f"totals {{ {plain} }}" if plain else ""
    series = _series(groups.series, compare=compare, nested=True) if groups.series else ""
    views = _views(groups.measures, compare=compare, shares=groups.shares)
    node = f"key {{ {' '.join(keys)} }} isOthers rank memberCount {views} {series}"
    return f"groups({', '.join(arguments)}) {{ totalCount pageInfo {{ hasNextPage }} {totals} nodes {{ {node} }} }}"


def _top(top: Top | None) -> str:
    if top is None:
        return ""
    flags = f"others: {str(top.others).lower()}, perBucket: {str(top.per_bucket).lower()}"
    return f", top: {{n: {top.n}, by: {_reference(top.by)}, {flags}}}"


def _reference(of: Of) -> str:
    name = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in of.name)
    parts = [f"name: {name}"]
    if of.states is not None:
        parts.append(f"state: [{', '.join(of.states)}]")
    if of.at is not None:
        parts.append(f"at: {of.at}")
    if of.where is not None:
        parts.append(f"where: {_filter(of.where)}")
    return f"{{{', '.join(parts)}}}"


def _sort(sort: Sort) -> str:
    direction = "DESC" if sort.descending else "ASC"
    if isinstance(sort.by, Of):
        nulls = "FIRST" if sort.nulls_first else "LAST"
        measure = _reference(sort.by)
        return f"{{measure: {{measure: {measure}, of: {sort.of}, direction: {direction}, nulls: {nulls}}}}}"
    if sort.by == "time":
        return f"{{time: {direction}}}"
    return f"{{dimension: {{name: {sort.by.upper()}, direction: {direction}}}}}"


def _having(having: Having) -> str:
    if isinstance(having, Bound):
        bounds = [f'{word}: "{value}"' for word, value in having.bounds]
        if having.is_null is not None:
            bounds.append(f"isNull: {str(having.is_null).lower()}")
        return f"{{measure: {{{', '.join([f'measure: {_reference(having.measure)}', f'of: {having.of}', *bounds])}}}}}"
    parts = [_having(part) for part in having.parts]
    return f"{{{having.word}: {parts[0] if having.word == 'not' else '[' + ', '.join(parts) + ']'}}}"


def _filter(where: Where) -> str:
    match where:
        case Both():
            return f"{{and: [{', '.join(map(_filter, where.parts))}]}}"
        case Either():
            return f"{{or: [{', '.join(map(_filter, where.parts))}]}}"
        case Isnt():
            return f"{{not: {_filter(where.part)}}}"
        case Is():
            return _condition(where)


def _condition(where: Is) -> str:
    name = where.dimension
    match name:
        case "is_purchase" | "customer_kind":
            assert where.isin is not None
            return f"{{{'isPurchase' if name == 'is_purchase' else 'customerKind'}: {where.isin[0]}}}"
        case "commission_state":
            return f"{{commissionState: [{', '.join(where.isin or ())}]}}"
    parts = []
    for word, keys in (("in", where.isin), ("notIn", where.not_in)):
        if keys is not None:
            listed = keys if name == "platform" else [f'"{key}"' for key in keys]
            parts.append(f"{word}: [{', '.join(listed)}]")
    if where.starts_with is not None:
        parts.append(f'startsWith: "{where.starts_with}"')
    if where.is_null is not None:
        parts.append(f"isNull: {str(where.is_null).lower()}")
    return f"{{{name}: {{{', '.join(parts)}}}}}"
