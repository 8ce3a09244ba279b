"""How every sum is computed from facts. The definitions are those by which writers contribute (rollups/deltas).

A scan groups one kind of facts into the cells of the answer, and gives 0 for sums of other kinds.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, func, literal_column, select, true
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


def _is_by_credit(sums: tuple[str, ...], cells: Cells) -> bool:
    # Where nothing asks who is credited an order counts whole: its first credit stands for all of them, because their
    # weights sum to one. Missing rates are counted once for each credit, as the writers do.
    return "missing_rates" in sums or any(DIMENSIONS[name].is_credited for name in cells.used)


def _weight(credit: FromClause, *, by_credit: bool) -> ColumnElement[Any]:
    return credit.c.weight_booked if by_credit else WHOLE


def _counts(credit: FromClause, *, by_credit: bool) -> ColumnElement[bool]:
    return credit.c.weight_booked > literal_column("0") if by_credit else credit.c.position == literal_column("0")


def _credit_of(fact: FromClause, *, by_credit: bool) -> FromClause:
    # The credits of a fact's order, for few facts among many. OFFSET 0 has them looked up one by one, whatever the
    # database's statistics make it expect. Index: credits_order.
    credit = credits_.alias("of_order")
    return (
        select(*(column for column in credit.c if column.name not in ("tenant_id", "order_id", "position")))
        .where(of_tenant(credit), credit.c.order_id == fact.c.order_id, _counts(credit, by_credit=by_credit))
        .offset(literal_column("0"))
        .lateral("credit")
    )


def _weighted(
    value: ColumnElement[Any], weight: ColumnElement[Any], *, where: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    if weight is WHOLE:
        return _total(value, where=where) * weight
    return _total(cast(value, NUMERIC) * weight, where=where)


def _credits(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    credit: FromClause = credits_.alias("credit")
    by_credit = _is_by_credit(sums, cells)
    source = credit
    conditions = [of_tenant(credit), times.hold(credit.c.occurred_at), _counts(credit, by_credit=by_credit)]
    product = UNKNOWN
    if cells.requires("product"):
        item = _live_items(times)
        credit = _credit_of(item, by_credit=by_credit)
        source = item.join(credit, true())
        conditions = []
        product = Key(item.c.product_id)
    elif "product" in cells.used:
        item = _live_items_of(credit)
        source = credit.join(item, true())
        product = Key(item.c.product_id)
    weight = _weight(credit, by_credit=by_credit)
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
    # Orders and their products: those with an ITEM line that no edit reversed. Index: order_lines_product.
    line = order_lines.alias("line")
    return (
        select(line.c.order_id, line.c.product_id)
        .where(of_tenant(line), times.hold(line.c.occurred_at), line.c.kind == _text(LineKind.ITEM))
        .group_by(line.c.order_id, line.c.product_id)
        .having(_is_live(line))
        .subquery("item")
    )


def _live_items_of(credit: FromClause) -> FromClause:
    # The same of a credit's order. Index: order_lines_order.
    line = order_lines.alias("line")
    return (
        select(line.c.product_id)
        .where(of_tenant(line), line.c.order_id == credit.c.order_id, line.c.kind == _text(LineKind.ITEM))
        .group_by(line.c.product_id)
        .having(_is_live(line))
        .lateral("item")
    )


def _is_live(line: FromClause) -> ColumnElement[bool]:
    return func.count().filter(~line.c.is_reversal) > func.count().filter(line.c.is_reversal)


# ------------------------------------------------------------------ lines, refunds, adjustments, commissions


def _amount(fact: FromClause, is_original: bool) -> ColumnElement[Any]:
    found: ColumnElement[Any] = fact.c.amount_minor if is_original else fact.c.amount_base_minor
    return found


def _is_revenue(fact: FromClause) -> ColumnElement[bool]:
    return fact.c.kind.in_([_text(kind) for kind in sorted(REVENUE_KINDS)])


def _lines(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    line = order_lines.alias("line")
    by_credit = _is_by_credit(sums, cells)
    only_items = sums == ("units_e9",)
    is_item = line.c.kind == _text(LineKind.ITEM)
    conditions = [of_tenant(line), is_item if only_items else _is_revenue(line)]
    if cells.requires("product"):
        credit = _credit_of(line, by_credit=by_credit)
        # Index: order_lines_product.
        source = line.join(credit, true())
        conditions.append(times.hold(line.c.occurred_at))
    else:
        credit = credits_.alias("credit")
        # Index: order_lines_order.
        source = credit.join(line, line.c.order_id == credit.c.order_id)
        # The times of the credit alone, although the line has the same. With both narrowed, a database whose statistics
        # do not know these times yet expects a row on either side, and joins all with all.
        conditions += [of_tenant(credit), times.hold(credit.c.occurred_at), _counts(credit, by_credit=by_credit)]
    weight = _weight(credit, by_credit=by_credit)
    aggregates = {
        "units_e9": _weighted(line.c.quantity, weight, where=None if only_items else is_item),
        "gross_e9": _weighted(_amount(line, is_original), weight),
        "missing_rates": _count(line.c.amount_base_minor.is_(None)),
    }
    keys = _credit_keys(credit, Key(line.c.product_id))
    return _aggregate(source, conditions, keys, line.c.occurred_at, cells, {name: aggregates[name] for name in sums})


def _refunds(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    line = refund_lines.alias("refund_line")
    by_credit = _is_by_credit(sums, cells)
    credit = _credit_of(line, by_credit=by_credit)
    weight = _weight(credit, by_credit=by_credit)
    conditions = [of_tenant(line), times.hold(line.c.occurred_at), _is_revenue(line)]
    aggregates = {
        "refunds_e9": _weighted(_amount(line, is_original), weight),
        "missing_rates": _count(line.c.amount_base_minor.is_(None)),
    }
    keys = _credit_keys(credit, Key(line.c.product_id))
    chosen = {name: aggregates[name] for name in sums}
    return _aggregate(line.join(credit, true()), conditions, keys, line.c.occurred_at, cells, chosen)


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
    commission: FromClause = commissions.alias("commission")
    source = part = commission
    product = UNKNOWN
    conditions = [of_tenant(commission), times.hold(commission.c.occurred_at)]
    if "product" in cells.used:
        part = commission_lines.alias("part")
        product = Key(part.c.product_id)
        if cells.requires("product"):
            commission = _commission_of(part)
            # Index: commission_lines_product.
            source = part.join(commission, true())
            conditions = [of_tenant(part), times.hold(part.c.occurred_at)]
        else:
            # Index: commission_lines_commission. The times of one side alone, as with order lines.
            source = commission.join(part, part.c.commission_id == commission.c.id)
            conditions.append(of_tenant(part))
    at = part.c.occurred_at
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


def _commission_of(part: FromClause) -> FromClause:
    # Looked up one by one, as credits are.
    commission = commissions.alias("of_part")
    return (
        select(*(column for column in commission.c if column.name not in ("tenant_id", "id", "occurred_at")))
        .where(of_tenant(commission), commission.c.id == part.c.commission_id)
        .offset(literal_column("0"))
        .lateral("commission")
    )


_SCANS: dict[Source, Callable[[tuple[str, ...], Cells, Times, bool], Select[Any]]] = {
    Source.INSTANCES: _instances,
    Source.CREDITS: _credits,
    Source.LINES: _lines,
    Source.REFUNDS: _refunds,
    Source.ADJUSTMENTS: _adjustments,
    Source.COMMISSIONS: _commissions,
}
