"""Scans of what counts by credit: orders, their lines, and what was taken back of them."""

from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, func, literal_column, select, true
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.aggregates import (
    UNKNOWN,
    WHOLE,
    amount_of,
    count_of,
    grouped,
    looked_up,
    regrouped,
    sum_of,
    word,
)
from app.analytics.sql.cells import BUCKET, Cells, Times
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import INSTANT, NUMERIC, credits_, element, of_tenant, one, order_lines, refund_lines
from app.core.words import REVENUE_KINDS, LineKind

_COLUMNS = {
    "influencer": "influencer_id",
    "campaign": "campaign_id",
    "code": "code",
    "platform": "platform",
    "channel": "channel",
    "country": "country",
    "currency": "currency",
}
"""Where credits have each dimension; products are the lines'."""


def _credit_keys(credit: FromClause, cells: Cells, product: Key) -> dict[str, Key]:
    keys = {name: Key(credit.c[column]) for name, column in _COLUMNS.items() if name in cells.used}
    return keys | {"product": product}


def _is_by_credit(sums: tuple[str, ...], cells: Cells) -> bool:
    # Where nothing asks who is credited an order counts whole: its first credit stands for all of them, because their
    # weights sum to one. Missing rates are counted once for each credit, as the writers do.
    return "missing_rates" in sums or any(DIMENSIONS[name].is_credited for name in cells.used)


def _weight(credit: FromClause, *, by_credit: bool) -> ColumnElement[Any]:
    return credit.c.weight_booked if by_credit else WHOLE


def _counts(credit: FromClause, *, by_credit: bool) -> ColumnElement[bool]:
    return credit.c.weight_booked > literal_column("0") if by_credit else credit.c.position == literal_column("0")


def _credit_of(fact: FromClause, cells: Cells, *columns: str, by_credit: bool) -> FromClause:
    # The credits of a fact's order. Index: credits_order.
    credit = credits_.alias("of_order")
    keys = (column for name, column in _COLUMNS.items() if name in cells.used)
    return looked_up(
        select(*(credit.c[name] for name in ("weight_booked", *columns, *keys))).where(
            of_tenant(credit), credit.c.order_id == fact.c.order_id, _counts(credit, by_credit=by_credit)
        ),
        "credit",
    )


def _weighted(
    value: ColumnElement[Any], weight: ColumnElement[Any], *, where: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    if weight is WHOLE:
        return sum_of(value, where=where) * weight
    return sum_of(cast(value, NUMERIC) * weight, where=where)


def credits_scan(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    """Orders and their customers."""
    credit: FromClause = credits_.alias("credit")
    by_credit = _is_by_credit(sums, cells)
    source = credit
    conditions = [of_tenant(credit), times.hold(credit.c.occurred_at), _counts(credit, by_credit=by_credit)]
    product = UNKNOWN
    if cells.requires("product"):
        item = _live_items(times)
        credit = _credit_of(item, cells, "id", "occurred_at", "customer_id", by_credit=by_credit)
        source = item.join(credit, true())
        conditions = []
        product = Key(item.c.product_id)
    elif "product" in cells.used:
        item = _live_items_of(credit)
        source = credit.join(item, true())
        product = Key(item.c.product_id)
    weight = _weight(credit, by_credit=by_credit)
    keys = _credit_keys(credit, cells, product)
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
        orders = {"orders_e9": sum_of(weight)}
        return grouped(source, conditions, keys, credit.c.occurred_at, cells, orders)
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
        "orders_e9": sum_of(by_customer.c.weight),
        "customers": func.count(by_customer.c.customer_id),
        "new_customers": func.count(by_customer.c.customer_id).filter(~_ordered_before(cells, by_customer)),
    }
    return regrouped(by_customer, cells, {name: aggregates[name] for name in sums})


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
        .where(of_tenant(line), times.hold(line.c.occurred_at), line.c.kind == word(LineKind.ITEM))
        .group_by(line.c.order_id, line.c.product_id)
        .having(_is_live(line))
        .subquery("item")
    )


def _live_items_of(credit: FromClause) -> FromClause:
    # The same of a credit's order. Index: order_lines_order.
    line = order_lines.alias("line")
    return (
        select(line.c.product_id)
        .where(of_tenant(line), line.c.order_id == credit.c.order_id, line.c.kind == word(LineKind.ITEM))
        .group_by(line.c.product_id)
        .having(_is_live(line))
        .lateral("item")
    )


def _is_live(line: FromClause) -> ColumnElement[bool]:
    return func.count().filter(~line.c.is_reversal) > func.count().filter(line.c.is_reversal)


def _is_revenue(fact: FromClause) -> ColumnElement[bool]:
    return fact.c.kind.in_([word(kind) for kind in sorted(REVENUE_KINDS)])


def lines_scan(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    """Units and gross revenue."""
    line = order_lines.alias("line")
    by_credit = _is_by_credit(sums, cells)
    only_items = sums == ("units_e9",)
    is_item = line.c.kind == word(LineKind.ITEM)
    conditions = [of_tenant(line), is_item if only_items else _is_revenue(line)]
    if cells.requires("product"):
        credit = _credit_of(line, cells, by_credit=by_credit)
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
        "gross_e9": _weighted(amount_of(line, is_original), weight),
        "missing_rates": count_of(line.c.amount_base_minor.is_(None)),
    }
    keys = _credit_keys(credit, cells, Key(line.c.product_id))
    return grouped(source, conditions, keys, line.c.occurred_at, cells, {name: aggregates[name] for name in sums})


def refunds_scan(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    """What refunds took back."""
    line = refund_lines.alias("refund_line")
    by_credit = _is_by_credit(sums, cells)
    credit = _credit_of(line, cells, by_credit=by_credit)
    weight = _weight(credit, by_credit=by_credit)
    conditions = [of_tenant(line), times.hold(line.c.occurred_at), _is_revenue(line)]
    aggregates = {
        "refunds_e9": _weighted(amount_of(line, is_original), weight),
        "missing_rates": count_of(line.c.amount_base_minor.is_(None)),
    }
    keys = _credit_keys(credit, cells, Key(line.c.product_id))
    chosen = {name: aggregates[name] for name in sums}
    return grouped(line.join(credit, true()), conditions, keys, line.c.occurred_at, cells, chosen)
