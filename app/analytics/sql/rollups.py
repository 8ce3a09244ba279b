"""Sums read from rollups and from the deltas that are not folded into them yet: their rows as they are, in the cells
that they lie in. Whoever reads several scans adds them up, once.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select, table, true, values
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.cells import Cells
from app.analytics.sql.filters import Key
from app.analytics.sql.shapes import RollupShape
from app.analytics.sql.tables import INSTANT, NO_TEXT, NUMERIC, TEXT, UID, ZERO_UID, element, many, of_tenant, one


def rollup_scan(shape: RollupShape, cells: Cells) -> Select[Any]:
    """The bound set's buckets in the bound parts. Index: the primary key where keys are looked for, which has the
    buckets of each in a row if all that stands before them is told; rollups_bucket where all keys are read."""
    rollup = _stored("rollups", "bucket", shape.sums).alias("rollup")
    part = _listed("part", {"grain": TEXT, "span_start": INSTANT, "span_end": INSTANT}, "part_", cells, shape.parts)
    keys = _keys(rollup)
    conditions = [
        of_tenant(rollup),
        rollup.c.rollup_set == one(cells.bind("rollup_set"), TEXT),
        rollup.c.grain == part.c.grain,
        *(keys[name].is_null for name in shape.told_empty),
        rollup.c.bucket >= part.c.span_start,
        rollup.c.bucket < part.c.span_end,
    ]
    return _rows(part.join(rollup, true()), rollup, rollup.c.bucket, conditions, shape.sums, cells)


def delta_scan(shape: RollupShape, cells: Cells) -> Select[Any]:
    """What is not folded yet, over the times that the parts cover. Index: its key, which begins with the time."""
    delta = _stored("rollup_delta", "occurred_at", shape.sums).alias("delta")
    span = _listed("span", {"span_start": INSTANT, "span_end": INSTANT}, "delta_", cells, shape.spans)
    at = delta.c.occurred_at
    conditions = [of_tenant(delta), at >= span.c.span_start, at < span.c.span_end]
    return _rows(span.join(delta, true()), delta, at, conditions, shape.sums, cells)


def _listed(name: str, kinds: dict[str, Any], prefix: str, cells: Cells, count: int) -> FromClause:
    # Rows of parameters that are arrays. Written out one by one, the database's planner knows how many there are, and
    # keeps one plan for all values instead of making one each time.
    bound = {each: cells.bind(prefix + _PARAMETERS[each]) for each in kinds}
    if not count:
        arrays = (many(bound[each], kind) for each, kind in kinds.items())
        return func.unnest(*arrays).table_valued(*kinds).render_derived(name=name)
    rows = [
        tuple(element(bound[each], kind, literal_column(str(number))) for each, kind in kinds.items())
        for number in range(1, count + 1)
    ]
    return values(*(column(each, kind) for each, kind in kinds.items()), name=name).data(rows)


_PARAMETERS = {"grain": "grains", "span_start": "starts", "span_end": "ends"}


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
    keys = _keys(stored)
    columns = [*cells.keys(keys, at), *cells.summed({item: stored.c[item] for item in sums})]
    return select(*columns).select_from(source).where(*conditions, *cells.conditions(keys, at, tells_one=True))


def _keys(stored: FromClause) -> dict[str, Key]:
    return dict.fromkeys(DIMENSIONS, Key(None)) | {
        "campaign": Key(stored.c.campaign_id, ZERO_UID),
        "influencer": Key(stored.c.influencer_id, ZERO_UID),
        "platform": Key(stored.c.platform, NO_TEXT),
    }
