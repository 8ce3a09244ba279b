"""Scans of what counts by credit: orders, their lines, and what was taken back of them."""

from typing import Any

from sqlalchemy import ColumnElement, Interval, Select, and_, case, cast, exists, func, literal_column, select, true
from sqlalchemy.sql.expression import FromClause

from app.analytics.query import Attribution
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.aggregates import (
    UNKNOWN,
    WHOLE,
    count_of,
    grouped,
    looked_up,
    regrouped,
    sum_of,
    word,
)
from app.analytics.sql.cells import BUCKET, WEIGHTS, Cells, Money, Times
from app.analytics.sql.filters import Key
from app.analytics.sql.local import local_key
from app.analytics.sql.money import priced
from app.analytics.sql.tables import (
    BIG,
    DOUBLE,
    NUMERIC,
    TEXT,
    credits_,
    of_tenant,
    one,
    order_lines,
    refund_lines,
)
from app.core.words import REVENUE_KINDS, CustomerKind, LineKind

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

KIND = "customer_kind"
"""The dimension that is told from a customer's other orders."""


def _credit_keys(credit: FromClause, cells: Cells, product: Key) -> dict[str, Key]:
    # Amounts without a rate are counted of all kinds of facts, also by what orders do not know.
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN)
    keys |= {name: Key(credit.c[column]) for name, column in _COLUMNS.items() if name in cells.used}
    if KIND in cells.used:
        # Looked up with the credit, or told here.
        keys[KIND] = Key(credit.c[KIND] if KIND in credit.c else _kind_of(credit, cells))
    return keys | {"product": product}


def _kind_of(credit: FromClause, cells: Cells) -> ColumnElement[Any]:
    # Index: credits_customer. A difference of times, for which there is no index: a database that does not know how
    # many credits there are would as soon look through all that are older.
    earlier = credits_.alias("before")
    has_ordered = exists(
        select(literal_column("1"))
        .select_from(earlier)
        .where(
            of_tenant(earlier),
            earlier.c.customer_id == credit.c.customer_id,
            earlier.c.occurred_at - credit.c.occurred_at < literal_column("interval '0'", Interval()),
            *cells.recorded(earlier),
        )
        .correlate(credit)
    )
    return case(
        (credit.c.customer_id.is_(None), literal_column("NULL::text", TEXT)),
        (has_ordered, word(CustomerKind.RETURNING)),
        else_=word(CustomerKind.NEW),
    )


def _is_by_credit(sums: tuple[str, ...], cells: Cells) -> bool:
    # Where nothing asks who is credited an order counts whole: its first credit stands for all of them, because their
    # weights sum to one. Missing rates are counted once for each credit, as the writers do.
    return "missing_rates" in sums or _asks_credit(cells)


def _asks_credit(cells: Cells) -> bool:
    return any(DIMENSIONS[name].is_credited for name in cells.used)


def _model(cells: Cells) -> str:
    # Of an order that counts whole, credits without a rate are those of the booked model, as rollups have them.
    return cells.weight if _asks_credit(cells) else WEIGHTS[Attribution.BOOKED]


def _weight(credit: FromClause, cells: Cells, *, by_credit: bool) -> ColumnElement[Any]:
    return credit.c[_model(cells)] if by_credit else WHOLE


def _counts(credit: FromClause, cells: Cells, *, by_credit: bool) -> ColumnElement[bool]:
    return credit.c[_model(cells)] > literal_column("0") if by_credit else credit.c.position == literal_column("0")


def _credit_of(fact: FromClause, cells: Cells, *columns: str, by_credit: bool) -> FromClause:
    # The credits of a fact's order. Index: credits_order.
    credit = credits_.alias("of_order")
    keys = (column for name, column in _COLUMNS.items() if name in cells.used)
    kind = [_kind_of(credit, cells).label(KIND)] if KIND in cells.used else []
    return looked_up(
        select(*(credit.c[name] for name in (_model(cells), *columns, *keys)), *kind).where(
            of_tenant(credit),
            credit.c.order_id == fact.c.order_id,
            _counts(credit, cells, by_credit=by_credit),
            *cells.holding(credit),
        ),
        "credit",
    )


def _weighted(
    value: ColumnElement[Any], weight: ColumnElement[Any], *, where: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    if weight is WHOLE:
        return sum_of(value, where=where) * weight
    return sum_of(cast(value, NUMERIC) * weight, where=where)


def credits_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """Orders and their customers."""
    credit, source, conditions, product, weight = _credits(sums, cells, times, "id", "customer_id")
    keys = _credit_keys(credit, cells, product)
    at = credit.c.occurred_at
    if "product" in cells.used and not cells.stands_apart("product"):
        # Filtered by product alone, or among others, an order with two of the products would come twice.
        rows = (
            select(
                *cells.keys(keys, at),
                credit.c.id,
                weight.label("weight"),
                credit.c.customer_id.label("customer_id"),
            )
            .select_from(source)
            .where(*conditions, *cells.conditions(keys, at))
            .distinct()
            .subquery("chosen")
        )
        return _customers(sums, cells, rows)
    if "customers" not in sums and "new_customers" not in sums:
        return grouped(source, conditions, keys, at, cells, {"orders_e9": sum_of(weight)})
    rows = (
        select(*cells.keys(keys, at), weight.label("weight"), credit.c.customer_id.label("customer_id"))
        .select_from(source)
        .where(*conditions, *cells.conditions(keys, at))
        .subquery("chosen")
    )
    return _customers(sums, cells, rows)


def _credits(
    sums: tuple[str, ...], cells: Cells, times: Times, *columns: str
) -> tuple[FromClause, FromClause, list[ColumnElement[bool]], Key, ColumnElement[Any]]:
    # Credits of the time, one row for each product of the order where products are asked: the credit, what it is joined
    # with, conditions, the product's key, the weight. columns: of the credit, that are needed besides.
    credit: FromClause = credits_.alias("credit")
    by_credit = _is_by_credit(sums, cells)
    source = credit
    conditions = [
        of_tenant(credit),
        times.hold(credit.c.occurred_at),
        _counts(credit, cells, by_credit=by_credit),
        *cells.holding(credit),
    ]
    product = UNKNOWN
    if cells.requires("product"):
        item = _live_items(cells, times)
        credit = _credit_of(item, cells, "occurred_at", *columns, by_credit=by_credit)
        source = item.join(credit, true())
        conditions = []
        product = Key(item.c.product_id)
    elif "product" in cells.used:
        item = _live_items_of(credit, cells)
        source = credit.join(item, true())
        product = Key(item.c.product_id)
    return credit, source, conditions, product, _weight(credit, cells, by_credit=by_credit)


def _customers(sums: tuple[str, ...], cells: Cells, chosen: FromClause) -> Select[Any]:
    # Rows of one customer are added up first, then customers are counted.
    names = (*cells.columns, "customer_id")
    rows = select(*(chosen.c[name] for name in names), func.sum(chosen.c.weight).label("weight")).group_by(
        *(literal_column(str(number)) for number, _ in enumerate(names, start=1))
    )
    scale: ColumnElement[Any] | None = None
    if cells.is_sampled:
        mask = one(cells.bind("sample"), BIG)
        scale = mask + literal_column("1")
        hashed = func.uuid_hash_extended(chosen.c.customer_id, literal_column("0"))
        rows = rows.where(hashed.op("&")(mask) == literal_column("0"))
    by_customer = rows.subquery("customer")
    customers: ColumnElement[Any] = func.count(by_customer.c.customer_id)
    aggregates = {
        "orders_e9": sum_of(by_customer.c.weight),
        "customers": customers if scale is None else customers * scale,
        "new_customers": func.count(by_customer.c.customer_id).filter(_is_new(cells, by_customer)),
    }
    return regrouped(by_customer, cells, {name: aggregates[name] for name in sums})


def _is_new(cells: Cells, customer: FromClause) -> ColumnElement[bool]:
    # Whether the customer's first order, of anyone's credit, lies in the cell's time. They have one in the cell: so it
    # does unless an earlier one lies before the cell. Index: credits_customer.
    earlier = credits_.alias("earlier")
    start = cells.start_of(customer.c[BUCKET] if cells.has_time else None)
    of_customer = and_(of_tenant(earlier), earlier.c.customer_id == customer.c.customer_id, *cells.recorded(earlier))
    clocks = [name for name in cells.dimensions if DIMENSIONS[name].is_local]
    if clocks:
        first = select(func.min(earlier.c.occurred_at)).where(of_customer).correlate(customer).scalar_subquery()
        return and_(first >= start, *(cells.is_same(name, local_key(name, first), customer) for name in clocks))
    before: Select[Any] = (
        select(literal_column("1")).select_from(earlier).where(of_customer, earlier.c.occurred_at < start)
    )
    return ~exists(before.correlate(customer))


def orders_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """A quantile of the gross revenue of whole orders."""
    credit, source, conditions, product, _ = _credits(sums, cells, times, "order_id", "currency")
    keys = _credit_keys(credit, cells, product)
    at = credit.c.occurred_at
    # An order may come by several credits, and by several products that are filtered.
    columns = [*cells.keys(keys, at), credit.c.order_id.label("order_id")]
    order = select(*columns).select_from(source).where(*conditions, *cells.conditions(keys, at)).distinct()
    chosen = order.subquery("chosen")
    line = order_lines.alias("line")
    priced_lines, amount = priced(line, line, cells, line.c.occurred_at)
    # Without a rate for one of its lines an order has no value.
    gross = case((count_of(amount.is_(None)) == literal_column("0"), sum_of(amount)))
    value = (
        select(gross.label("gross"))
        .select_from(priced_lines)
        .where(of_tenant(line), line.c.order_id == chosen.c.order_id, _is_revenue(line), *cells.recorded(line))
        .lateral("value")
    )
    rows = chosen.join(value, true())
    share = one(cells.bind("at"), DOUBLE)
    aggregates = {
        "order_value": func.percentile_disc(share).within_group(value.c.gross),
        "valued_orders": func.count(value.c.gross),
    }
    statement = select(
        *(chosen.c[name] for name in cells.columns), *cells.summed({name: aggregates[name] for name in sums})
    ).select_from(rows)
    return statement.group_by(*cells.grouping) if cells.columns else statement


def _live_items(cells: Cells, times: Times) -> FromClause:
    # Orders and their products: those with an ITEM line that no edit reversed. Index: order_lines_product.
    line = order_lines.alias("line")
    return (
        select(line.c.order_id, line.c.product_id)
        .where(
            of_tenant(line),
            times.hold(line.c.occurred_at),
            line.c.kind == word(LineKind.ITEM),
            *cells.recorded(line),
        )
        .group_by(line.c.order_id, line.c.product_id)
        .having(_is_live(line))
        .subquery("item")
    )


def _live_items_of(credit: FromClause, cells: Cells) -> FromClause:
    # The same of a credit's order. Index: order_lines_order.
    line = order_lines.alias("line")
    return (
        select(line.c.product_id)
        .where(
            of_tenant(line),
            line.c.order_id == credit.c.order_id,
            line.c.kind == word(LineKind.ITEM),
            *cells.recorded(line),
        )
        .group_by(line.c.product_id)
        .having(_is_live(line))
        .lateral("item")
    )


def _is_live(line: FromClause) -> ColumnElement[bool]:
    return func.count().filter(~line.c.is_reversal) > func.count().filter(line.c.is_reversal)


def _is_revenue(fact: FromClause) -> ColumnElement[bool]:
    return fact.c.kind.in_([word(kind) for kind in sorted(REVENUE_KINDS)])


def lines_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """Units and gross revenue."""
    line = order_lines.alias("line")
    by_credit = _is_by_credit(sums, cells)
    only_items = sums == ("units_e9",)
    is_item = line.c.kind == word(LineKind.ITEM)
    conditions = [of_tenant(line), is_item if only_items else _is_revenue(line), *cells.recorded(line)]
    if cells.requires("product"):
        credit = _credit_of(line, cells, by_credit=by_credit)
        # Index: order_lines_product.
        source: FromClause = line.join(credit, true())
        conditions.append(times.hold(line.c.occurred_at))
    else:
        credit = credits_.alias("credit")
        # Index: order_lines_order.
        source = credit.join(line, line.c.order_id == credit.c.order_id)
        # The times of the credit alone, although the line has the same. With both narrowed, a database whose statistics
        # do not know these times yet expects a row on either side, and joins all with all.
        conditions += [
            of_tenant(credit),
            times.hold(credit.c.occurred_at),
            _counts(credit, cells, by_credit=by_credit),
            *cells.holding(credit),
        ]
    weight = _weight(credit, cells, by_credit=by_credit)
    if not only_items:
        source, amount = priced(source, line, cells, line.c.occurred_at)
    else:
        amount = line.c.amount_minor
    aggregates = {
        "units_e9": _weighted(line.c.quantity, weight, where=None if only_items else is_item),
        "gross_e9": _weighted(amount, weight),
        "missing_rates": count_of(amount.is_(None)),
    }
    keys = _credit_keys(credit, cells, Key(line.c.product_id))
    return grouped(source, conditions, keys, line.c.occurred_at, cells, {name: aggregates[name] for name in sums})


def refunds_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """What refunds took back."""
    line = refund_lines.alias("refund_line")
    by_credit = _is_by_credit(sums, cells)
    # A refund has its order's rate.
    ordered = ("occurred_at",) if cells.money is Money.CONVERTED else ()
    credit = _credit_of(line, cells, *ordered, by_credit=by_credit)
    weight = _weight(credit, cells, by_credit=by_credit)
    conditions = [of_tenant(line), times.hold(line.c.occurred_at), _is_revenue(line), *cells.recorded(line)]
    at = credit.c.occurred_at if ordered else line.c.occurred_at
    source, amount = priced(line.join(credit, true()), line, cells, at)
    aggregates = {
        "refunds_e9": _weighted(amount, weight),
        "missing_rates": count_of(amount.is_(None)),
    }
    keys = _credit_keys(credit, cells, Key(line.c.product_id))
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, line.c.occurred_at, cells, chosen)
