"""Sums read from rollups and from the deltas that are not folded into them yet: their rows as they are, in the cells
that they lie in. Whoever reads several scans adds them up, once.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, select, table, true
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.cells import Cells
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import INSTANT, NO_TEXT, NUMERIC, TEXT, UID, ZERO_UID, many, of_tenant, one


def rollup_scan(sums: tuple[str, ...], cells: Cells) -> Select[Any]:
    """The bound set's buckets in the bound parts. Index: rollups_bucket, or the primary key."""
    rollup = _stored("rollups", "bucket", sums).alias("rollup")
    names = ("grain", "span_start", "span_end")
    part = (
        func.unnest(
            many(cells.bind("part_grains"), TEXT),
            many(cells.bind("part_starts"), INSTANT),
            many(cells.bind("part_ends"), INSTANT),
        )
        .table_valued(*names)
        .render_derived(name="part")
    )
    conditions = [
        of_tenant(rollup),
        rollup.c.rollup_set == one(cells.bind("rollup_set"), TEXT),
        rollup.c.grain == part.c.grain,
        rollup.c.bucket >= part.c.span_start,
        rollup.c.bucket < part.c.span_end,
    ]
    return _rows(part.join(rollup, true()), rollup, rollup.c.bucket, conditions, sums, cells)


def delta_scan(sums: tuple[str, ...], cells: Cells) -> Select[Any]:
    """What is not folded yet, over the times that the parts cover. Index: rollup_delta_occurred."""
    delta = _stored("rollup_delta", "occurred_at", sums).alias("delta")
    span = (
        func.unnest(many(cells.bind("delta_starts"), INSTANT), many(cells.bind("delta_ends"), INSTANT))
        .table_valued("span_start", "span_end")
        .render_derived(name="span")
    )
    at = delta.c.occurred_at
    conditions = [of_tenant(delta), at >= span.c.span_start, at < span.c.span_end]
    return _rows(span.join(delta, true()), delta, at, conditions, sums, cells)


def _stored(name: str, at: str, sums: tuple[str, ...]) -> FromClause:
    return table(
        name,
        column("tenant_id", UID),
        column("rollup_set", TEXT),
        column("grain", TEXT),
        column("campaign_id", UID),
        column("influencer_id", UID),
        column("platform", TEXT),
        column(at, INSTANT),
        *(column(item, NUMERIC) for item in sums),
    )


def _rows(
    source: FromClause,
    stored: FromClause,
    at: ColumnElement[Any],
    conditions: list[ColumnElement[bool]],
    sums: tuple[str, ...],
    cells: Cells,
) -> Select[Any]:
    keys = dict.fromkeys(DIMENSIONS, Key(None)) | {
        "campaign": Key(stored.c.campaign_id, ZERO_UID),
        "influencer": Key(stored.c.influencer_id, ZERO_UID),
        "platform": Key(stored.c.platform, NO_TEXT),
    }
    columns = [*cells.keys(keys, at), *cells.summed({item: stored.c[item] for item in sums})]
    return select(*columns).select_from(source).where(*conditions, *cells.conditions(keys, at))
