"""How every sum is computed from facts. The definitions are those by which writers contribute (rollups/deltas).

A scan groups one kind of facts into the cells of the answer, and gives 0 for sums of other kinds.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, func, literal_column, select
from sqlalchemy.sql.elements import False_
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import Source
from app.analytics.sql.cells import BUCKET, Cells, Times
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import (
    BIG,
    INSTANT,
    NUMERIC,
    adjustments,
    commission_lines,
    commissions,
    credits_,
    element,
    instances,
    of_tenant,
    one,
    order_lines,
    refund_lines,
)
from app.core.words import REVENUE_KINDS, CommissionState, InstanceKind, LineKind

UNKNOWN = Key(None)

WHOLE: ColumnElement[int] = literal_column("1000000000::bigint", BIG)
"""A whole credit."""


def fact_scan(
    source: Source, sums: tuple[str, ...], cells: Cells, times: Times, *, is_original: bool
) -> Select[Any] | None:
    """The sums over one kind of facts, by cell; None where the filter asks for keys that these facts never have.

    is_original: amounts in the facts' own currency.
    """
    statement = _SCANS[source](sums, cells, times, is_original)
    return None if isinstance(statement.whereclause, False_) else statement


def _aggregate(
    source: FromClause,
    conditions: list[ColumnElement[bool]],
    keys: Mapping[str, Key],
    at: ColumnElement[Any],
    cells: Cells,
    sums: Mapping[str, ColumnElement[Any]],
) -> Select[Any]:
    columns = [*cells.keys(keys, at), *cells.summed(sums)]
    statement = select(*columns).select_from(source).where(*conditions, *cells.conditions(keys))
    return statement.group_by(*cells.grouping) if cells.columns else statement


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'")


def _total(value: ColumnElement[Any], *, where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    total = func.sum(value)
    return func.coalesce(total if where is None else total.filter(where), literal_column("0"))


def _count(where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    count = func.count()
    return count if where is None else count.filter(where)


# ------------------------------------------------------------------ instances


def _instances(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    fact = instances.alias("instance")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at)]
    keys = {
        "influencer": Key(fact.c.influencer_id),
        "campaign": Key(fact.c.campaign_id),
        "code": Key(fact.c.code),
        "platform": Key(fact.c.platform),
        "channel": Key(fact.c.channel),
        "country": Key(fact.c.country),
    }
    counts = {
        "instances": _count(),
        "clicks": _count(fact.c.kind == _text(InstanceKind.CLICK)),
        "purchases": _count(fact.c.kind == _text(InstanceKind.PURCHASE)),
    }
    chosen = {name: counts[name] for name in sums if name in counts}
    if "visitors" not in sums:
        return _aggregate(fact, conditions, keys, fact.c.occurred_at, cells, chosen)
    # One pass gives both: rows of one visitor are added up first, then visitors are counted.
    visitor = select(
        *cells.keys(keys, fact.c.occurred_at),
        fact.c.visitor_id.label("visitor_id"),
        *(value.label(name) for name, value in chosen.items()),
    )
    grouping = [*cells.grouping, literal_column(str(len(cells.columns) + 1))]
    rows = visitor.select_from(fact).where(*conditions, *cells.conditions(keys)).group_by(*grouping)
    by_visitor = rows.subquery("visitor")
    outer = {name: _total(by_visitor.c[name]) for name in chosen}
    outer["visitors"] = func.count(by_visitor.c.visitor_id)
    return _regroup(by_visitor, cells, outer)


def _regroup(rows: FromClause, cells: Cells, sums: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    statement = select(*(rows.c[name] for name in cells.columns), *cells.summed(sums)).select_from(rows)
    return statement.group_by(*cells.grouping) if cells.columns else statement


# ------------------------------------------------------------------ credits, and what is counted by credit


def _credit_keys(credit: FromClause, product: Key) -> dict[str, Key]:
    return {
        "influencer": Key(credit.c.influencer_id),
        "campaign": Key(credit.c.campaign_id),
        "product": product,
        "code": Key(credit.c.code),
        "platform": Key(credit.c.platform),
        "channel": Key(credit.c.channel),
        "country": Key(credit.c.country),
        "currency": Key(credit.c.currency),
    }


def _is_credited(cells: Cells) -> bool:
    return any(DIMENSIONS[name].is_credited for name in cells.used)


def _weight(cells: Cells, credit: FromClause) -> tuple[ColumnElement[Any], list[ColumnElement[bool]]]:
    # Where nothing asks who is credited an order counts whole: its first credit stands for all of them, because their
    # weights sum to one.
    if _is_credited(cells):
        return credit.c.weight_booked, [credit.c.weight_booked > literal_column("0")]
    return WHOLE, [credit.c.position == literal_column("0")]


def _weighted(
    value: ColumnElement[Any], weight: ColumnElement[Any], *, where: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    if weight is WHOLE:
        return _total(value, where=where) * weight
    return _total(cast(value, NUMERIC) * weight, where=where)


def _credits(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    credit = credits_.alias("credit")
    weight, counted = _weight(cells, credit)
    source: FromClause = credit
    conditions = [of_tenant(credit), times.hold(credit.c.occurred_at), *counted]
    product = UNKNOWN
    if "product" in cells.used:
        item = _live_items(times)
        source = source.join(item, item.c.order_id == credit.c.order_id)
        product = Key(item.c.product_id)
    keys = _credit_keys(credit, product)
    if "product" in cells.used and "product" not in cells.dimensions:
        # Filtered by product alone, an order with two of the products would come twice.
        rows = (
            select(
                *cells.keys(keys, credit.c.occurred_at),
                credit.c.id,
                weight.label("weight"),
                credit.c.customer_id.label("customer_id"),
            )
            .select_from(source)
            .where(*conditions, *cells.conditions(keys))
            .distinct()
            .subquery("chosen")
        )
        return _customers(sums, cells, rows)
    if "customers" not in sums and "new_customers" not in sums:
        orders = {"orders_e9": _total(weight)}
        return _aggregate(source, conditions, keys, credit.c.occurred_at, cells, orders)
    rows = (
        select(
            *cells.keys(keys, credit.c.occurred_at),
            weight.label("weight"),
            credit.c.customer_id.label("customer_id"),
        )
        .select_from(source)
        .where(*conditions, *cells.conditions(keys))
        .subquery("chosen")
    )
    return _customers(sums, cells, rows)


def _customers(sums: tuple[str, ...], cells: Cells, chosen: FromClause) -> Select[Any]:
    # Rows of one customer are added up first, then customers are counted.
    names = (*cells.columns, "customer_id")
    rows = select(*(chosen.c[name] for name in names), func.sum(chosen.c.weight).label("weight")).group_by(
        *(literal_column(str(number)) for number, _ in enumerate(names, start=1))
    )
    by_customer = rows.subquery("customer")
    aggregates = {
        "orders_e9": _total(by_customer.c.weight),
        "customers": func.count(by_customer.c.customer_id),
        "new_customers": func.count(by_customer.c.customer_id).filter(~_ordered_before(cells, by_customer)),
    }
    return _regroup(by_customer, cells, {name: aggregates[name] for name in sums})


def _ordered_before(cells: Cells, customer: FromClause) -> ColumnElement[bool]:
    # Whether the customer has an order before the cell's time, of anyone's credit. Index: credits_customer.
    earlier = credits_.alias("earlier")
    start = one("range_start", INSTANT)
    if cells.has_time:
        start = element("edges", INSTANT, customer.c[BUCKET])
    return exists(
        select(literal_column("1"))
        .select_from(earlier)
        .where(of_tenant(earlier), earlier.c.customer_id == customer.c.customer_id, earlier.c.occurred_at < start)
        .correlate(customer)
    )


def _live_items(times: Times) -> FromClause:
    # The products of each order: those with an ITEM line that no edit reversed.
    line = order_lines.alias("line")
    live = func.count().filter(~line.c.is_reversal) > func.count().filter(line.c.is_reversal)
    return (
        select(line.c.order_id, line.c.product_id)
        .where(of_tenant(line), times.hold(line.c.occurred_at), line.c.kind == _text(LineKind.ITEM))
        .group_by(line.c.order_id, line.c.product_id)
        .having(live)
        .subquery("item")
    )


# ------------------------------------------------------------------ lines, refunds, adjustments, commissions


def _amount(fact: FromClause, is_original: bool) -> ColumnElement[Any]:
    found: ColumnElement[Any] = fact.c.amount_minor if is_original else fact.c.amount_base_minor
    return found


def _is_revenue(fact: FromClause) -> ColumnElement[bool]:
    return fact.c.kind.in_([_text(kind) for kind in sorted(REVENUE_KINDS)])


def _joined_weight(
    sums: tuple[str, ...], cells: Cells, credit: FromClause
) -> tuple[ColumnElement[Any], list[ColumnElement[bool]]]:
    if "missing_rates" in sums:
        # Counted once for each credit, as the writers do.
        return credit.c.weight_booked, [credit.c.weight_booked > literal_column("0")]
    return _weight(cells, credit)


def _lines(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    line = order_lines.alias("line")
    credit = credits_.alias("credit")
    weight, counted = _joined_weight(sums, cells, credit)
    is_item = line.c.kind == _text(LineKind.ITEM)
    only_items = sums == ("units_e9",)
    aggregates = {
        "units_e9": _weighted(line.c.quantity, weight, where=None if only_items else is_item),
        "gross_e9": _weighted(_amount(line, is_original), weight),
        "missing_rates": _count(line.c.amount_base_minor.is_(None)),
    }
    conditions = [
        of_tenant(line),
        times.hold(line.c.occurred_at),
        is_item if only_items else _is_revenue(line),
        of_tenant(credit),
        # The same times: it narrows what is joined.
        times.hold(credit.c.occurred_at),
        *counted,
    ]
    # Index: credits_order.
    source = line.join(credit, credit.c.order_id == line.c.order_id)
    keys = _credit_keys(credit, Key(line.c.product_id))
    return _aggregate(source, conditions, keys, line.c.occurred_at, cells, {name: aggregates[name] for name in sums})


def _refunds(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    line = refund_lines.alias("refund_line")
    credit = credits_.alias("credit")
    weight, counted = _joined_weight(sums, cells, credit)
    conditions = [
        of_tenant(line),
        times.hold(line.c.occurred_at),
        _is_revenue(line),
        of_tenant(credit),
        *counted,
    ]
    source = line.join(credit, credit.c.order_id == line.c.order_id)
    aggregates = {
        "refunds_e9": _weighted(_amount(line, is_original), weight),
        "missing_rates": _count(line.c.amount_base_minor.is_(None)),
    }
    keys = _credit_keys(credit, Key(line.c.product_id))
    return _aggregate(source, conditions, keys, line.c.occurred_at, cells, {name: aggregates[name] for name in sums})


def _adjustments(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    fact = adjustments.alias("adjustment")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at)]
    aggregates = {
        "refunds_e9": _total(_amount(fact, is_original)) * WHOLE,
        "missing_rates": _count(fact.c.amount_base_minor.is_(None)),
    }
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "product": Key(fact.c.product_id),
        "country": Key(fact.c.country),
        "currency": Key(fact.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return _aggregate(fact, conditions, keys, fact.c.occurred_at, cells, chosen)


def _commissions(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    commission = commissions.alias("commission")
    source: FromClause = commission
    part: FromClause = commission
    product = UNKNOWN
    conditions = [of_tenant(commission)]
    if "product" in cells.used:
        part = commission_lines.alias("part")
        product = Key(part.c.product_id)
        source = part.join(commission, commission.c.id == part.c.commission_id)
        conditions.append(of_tenant(part))
    at = part.c.occurred_at
    conditions.append(times.hold(at))
    amount = _amount(part, is_original)
    aggregates = {
        f"commission_{state.lower()}": _total(
            -amount if state is CommissionState.REVERSED else amount, where=commission.c.state == _text(state)
        )
        for state in CommissionState
    }
    aggregates["missing_rates"] = _count(part.c.amount_base_minor.is_(None))
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(commission.c.influencer_id),
        "campaign": Key(commission.c.campaign_id),
        "product": product,
        "code": Key(commission.c.code),
        "currency": Key(commission.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return _aggregate(source, conditions, keys, at, cells, chosen)


_SCANS: dict[Source, Callable[[tuple[str, ...], Cells, Times, bool], Select[Any]]] = {
    Source.INSTANCES: _instances,
    Source.CREDITS: _credits,
    Source.LINES: _lines,
    Source.REFUNDS: _refunds,
    Source.ADJUSTMENTS: _adjustments,
    Source.COMMISSIONS: _commissions,
}
