"""How every sum is computed from facts. The definitions are those by which writers contribute (rollups/deltas).

A scan groups one kind of facts into the cells of the answer, and gives 0 for sums of other kinds.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select, true
from sqlalchemy.sql.elements import False_
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import Source
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
from app.analytics.sql.cells import Cells, Money, Times
from app.analytics.sql.credited import credits_scan, lines_scan, orders_scan, refunds_scan
from app.analytics.sql.filters import Key
from app.analytics.sql.money import converted, priced
from app.analytics.sql.reach import engagement_scan, payout_scan, spend_scan
from app.analytics.sql.tables import (
    BIG,
    INSTANT,
    adjustments,
    commission_events,
    commission_lines,
    commissions,
    instances,
    of_tenant,
    one,
    orders,
)
from app.core.words import CommissionState, InstanceKind


def fact_scan(source: Source, sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any] | None:
    """The sums over one kind of facts, by cell; None where the filter asks for keys that these facts never have."""
    statement = _SCANS[source](sums, cells, times)
    return None if isinstance(statement.whereclause, False_) else statement


def _instances(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    fact = instances.alias("instance")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at), *cells.holding(fact)]
    keys = {
        "influencer": Key(fact.c.influencer_id),
        "campaign": Key(fact.c.campaign_id),
        "code": Key(fact.c.code),
        "platform": Key(fact.c.platform),
        "channel": Key(fact.c.channel),
        "country": Key(fact.c.country),
        "is_purchase": Key(_truth(fact.c.kind == word(InstanceKind.PURCHASE))),
    }
    counts = {
        "instances": count_of(),
        "clicks": count_of(fact.c.kind == word(InstanceKind.CLICK)),
        "purchases": count_of(fact.c.kind == word(InstanceKind.PURCHASE)),
    }
    chosen = {name: counts[name] for name in sums if name in counts}
    if "visitors" not in sums:
        return grouped(fact, conditions, keys, fact.c.occurred_at, cells, chosen)
    # One pass gives both: rows of one visitor are added up first, then visitors are counted.
    visitor = select(
        *cells.keys(keys, fact.c.occurred_at),
        fact.c.visitor_id.label("visitor_id"),
        *(value.label(name) for name, value in chosen.items()),
    )
    grouping = [*cells.grouping, literal_column(str(len(cells.columns) + 1))]
    rows = visitor.select_from(fact).where(*conditions, *cells.conditions(keys, fact.c.occurred_at))
    scale: ColumnElement[Any] | None = None
    if cells.is_sampled:
        mask = one(cells.bind("sample"), BIG)
        scale = mask + literal_column("1")
        hashed = func.hashtextextended(fact.c.visitor_id, literal_column("0"))
        rows = rows.where(hashed.op("&")(mask) == literal_column("0"))
    by_visitor = rows.group_by(*grouping).subquery("visitor")
    outer = {name: sum_of(by_visitor.c[name]) for name in chosen}
    visitors: ColumnElement[Any] = func.count(by_visitor.c.visitor_id)
    outer["visitors"] = visitors if scale is None else visitors * scale
    return regrouped(by_visitor, cells, outer)


def _truth(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, word("true")), else_=word("false"))


def _adjustments(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    fact = adjustments.alias("adjustment")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at), *cells.recorded(fact)]
    source, amount = priced(fact, fact, cells, fact.c.occurred_at)
    aggregates = {
        "refunds_e9": sum_of(amount) * WHOLE,
        "missing_rates": count_of(amount.is_(None)),
    }
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "product": Key(fact.c.product_id),
        "country": Key(fact.c.country),
        "currency": Key(fact.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, fact.c.occurred_at, cells, chosen)


def _commissions(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    commission: FromClause = commissions.alias("commission")
    source = part = commission
    product = UNKNOWN
    conditions = [of_tenant(commission), times.hold(commission.c.occurred_at), *cells.recorded(commission)]
    is_converted = cells.money is Money.CONVERTED
    before: ColumnElement[Any] | None = None
    if "product" in cells.used:
        part = commission_lines.alias("part")
        if cells.requires("product"):
            commission = _commission_of(part)
            # Index: commission_lines_product.
            source = part.join(commission, true())
            conditions = [of_tenant(part), times.hold(part.c.occurred_at), *cells.recorded(part)]
            if is_converted:
                sibling = _before(part)
                source, before = source.join(sibling, true()), sibling.c.before_minor
        elif is_converted:
            part = _parts_of(commission)
            source, before = commission.join(part, true()), part.c.before_minor
        else:
            # Index: commission_lines_commission. The times of one side alone, as with order lines.
            source = commission.join(part, part.c.commission_id == commission.c.id)
            conditions += [of_tenant(part), *cells.recorded(part)]
        product = Key(part.c.product_id)
    at = part.c.occurred_at
    if is_converted:
        # A commission has its order's rate, also where it was reversed later.
        order = _order_of(commission)
        rated_at = func.coalesce(order.c.occurred_at, at)
        joined = source.outerjoin(order, true())
        source, amount = converted(joined, part.c.amount_minor, commission.c.currency, rated_at, before)
    else:
        source, amount = priced(source, part, cells, at)
    state: ColumnElement[Any] = commission.c.state
    if cells.has_as_of:
        then = _state_then(commission)
        source = source.outerjoin(then, true())
        state = func.coalesce(then.c.to_state, state)
    aggregates = {
        f"commission_{each.lower()}": sum_of(
            -amount if each is CommissionState.REVERSED else amount, where=state == word(each)
        )
        for each in CommissionState
    }
    aggregates["missing_rates"] = count_of(amount.is_(None))
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(commission.c.influencer_id),
        "campaign": Key(commission.c.campaign_id),
        "product": product,
        "code": Key(commission.c.code),
        "currency": Key(commission.c.currency),
        "commission_state": Key(state),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, at, cells, chosen)


def _commission_of(part: FromClause) -> FromClause:
    commission = commissions.alias("of_part")
    apart = ("tenant_id", "occurred_at", "recorded_at")
    return looked_up(
        select(*(column for column in commission.c if column.name not in apart)).where(
            of_tenant(commission), commission.c.id == part.c.commission_id
        ),
        "commission",
    )


def _parts_of(commission: FromClause) -> FromClause:
    # A commission's lines, each with the sum of those before it. Index: commission_lines_commission.
    line = commission_lines.alias("of_whole")
    up_to = func.sum(line.c.amount_minor).over(order_by=line.c.id)
    columns = (line.c.product_id, line.c.amount_minor, line.c.occurred_at)
    return looked_up(
        select(*columns, (up_to - line.c.amount_minor).label("before_minor")).where(
            of_tenant(line), line.c.commission_id == commission.c.id
        ),
        "part",
    )


def _before(part: FromClause) -> FromClause:
    # The sum of a commission's lines before one of them. Index: commission_lines_commission.
    line = commission_lines.alias("sibling")
    return looked_up(
        select(sum_of(line.c.amount_minor).label("before_minor")).where(
            of_tenant(line), line.c.commission_id == part.c.commission_id, line.c.id < part.c.id
        ),
        "before",
    )


def _order_of(commission: FromClause) -> FromClause:
    order = orders.alias("ordered")
    return looked_up(
        select(order.c.occurred_at).where(of_tenant(order), order.c.id == commission.c.order_id), "commissioned"
    )


def _state_then(commission: FromClause) -> FromClause:
    # The state that a commission had at the instant asked; the one it has where no event tells.
    event = commission_events.alias("event")
    known = (
        select(event.c.to_state)
        .where(
            of_tenant(event),
            event.c.commission_id == commission.c.id,
            event.c.recorded_at <= one("as_of", INSTANT),
        )
        .order_by(event.c.recorded_at.desc(), event.c.id.desc())
        .limit(literal_column("1"))
    )
    return looked_up(known, "passed")


_SCANS: dict[Source, Callable[[tuple[str, ...], Cells, Times], Select[Any]]] = {
    Source.INSTANCES: _instances,
    Source.CREDITS: credits_scan,
    Source.LINES: lines_scan,
    Source.REFUNDS: refunds_scan,
    Source.ADJUSTMENTS: _adjustments,
    Source.COMMISSIONS: _commissions,
    Source.ORDERS: orders_scan,
    Source.ENGAGEMENT: engagement_scan,
    Source.SPEND: spend_scan,
    Source.PAYOUTS: payout_scan,
}
