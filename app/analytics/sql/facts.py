"""How every sum is computed from facts. The definitions are those by which writers contribute (rollups/deltas).

A scan groups one kind of facts into the cells of the answer, and gives 0 for sums of other kinds.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, func, literal_column, select, true
from sqlalchemy.sql.elements import False_
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import Source
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
from app.analytics.sql.cells import Cells, Times
from app.analytics.sql.credited import credits_scan, lines_scan, refunds_scan
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import adjustments, commission_lines, commissions, instances, of_tenant
from app.core.words import CommissionState, InstanceKind


def fact_scan(
    source: Source, sums: tuple[str, ...], cells: Cells, times: Times, *, is_original: bool
) -> Select[Any] | None:
    """The sums over one kind of facts, by cell; None where the filter asks for keys that these facts never have.

    is_original: amounts in the facts' own currency.
    """
    statement = _SCANS[source](sums, cells, times, is_original)
    return None if isinstance(statement.whereclause, False_) else statement


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
    rows = visitor.select_from(fact).where(*conditions, *cells.conditions(keys)).group_by(*grouping)
    by_visitor = rows.subquery("visitor")
    outer = {name: sum_of(by_visitor.c[name]) for name in chosen}
    outer["visitors"] = func.count(by_visitor.c.visitor_id)
    return regrouped(by_visitor, cells, outer)


def _adjustments(sums: tuple[str, ...], cells: Cells, times: Times, is_original: bool) -> Select[Any]:
    fact = adjustments.alias("adjustment")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at)]
    aggregates = {
        "refunds_e9": sum_of(amount_of(fact, is_original)) * WHOLE,
        "missing_rates": count_of(fact.c.amount_base_minor.is_(None)),
    }
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "product": Key(fact.c.product_id),
        "country": Key(fact.c.country),
        "currency": Key(fact.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(fact, conditions, keys, fact.c.occurred_at, cells, chosen)


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
    amount = amount_of(part, is_original)
    aggregates = {
        f"commission_{state.lower()}": sum_of(
            -amount if state is CommissionState.REVERSED else amount, where=commission.c.state == word(state)
        )
        for state in CommissionState
    }
    aggregates["missing_rates"] = count_of(part.c.amount_base_minor.is_(None))
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(commission.c.influencer_id),
        "campaign": Key(commission.c.campaign_id),
        "product": product,
        "code": Key(commission.c.code),
        "currency": Key(commission.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, at, cells, chosen)


def _commission_of(part: FromClause) -> FromClause:
    commission = commissions.alias("of_part")
    return looked_up(
        select(*(column for column in commission.c if column.name not in ("tenant_id", "id", "occurred_at"))).where(
            of_tenant(commission), commission.c.id == part.c.commission_id
        ),
        "commission",
    )


_SCANS: dict[Source, Callable[[tuple[str, ...], Cells, Times, bool], Select[Any]]] = {
    Source.INSTANCES: _instances,
    Source.CREDITS: credits_scan,
    Source.LINES: lines_scan,
    Source.REFUNDS: refunds_scan,
    Source.ADJUSTMENTS: _adjustments,
    Source.COMMISSIONS: _commissions,
}
