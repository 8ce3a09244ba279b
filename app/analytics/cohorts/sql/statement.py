"""The one statement of a cohort table: who is in which cohort, and sums of what they did by period.

Rows are (cohort, period, value, missing): cohorts from 1, periods from 0, -1 for the number of members. Several rows of
one cell are added up. value: members, customers, or sums in 1e-9 of a credit. missing: amounts without a rate.
"""

from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, literal_column, select, union_all

from app.analytics.cohorts.query import CohortBy, CohortMeasure
from app.analytics.cohorts.resolve import MEMBERS, ResolvedCohorts, influencers_of
from app.analytics.cohorts.sql.deeds import CELLS_OF
from app.analytics.cohorts.sql.members import MEMBERS_BY
from app.analytics.cohorts.sql.pieces import Shape
from app.analytics.query import Filter
from app.analytics.sql.filters import Joint, Mask, shape_of
from app.analytics.sql.statement import Bound, Statement, rendered
from app.analytics.sql.tables import NUMERIC
from app.core.money import exponent, odd_exponents


def bound(resolved: ResolvedCohorts, tenant_id: UUID) -> Bound:
    """The statement with its values. There must be a cohort."""
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "edges": list(resolved.edges),
        "first": resolved.edges[0],
        "joined_until": resolved.edges[resolved.cohorts],
        "until": resolved.edges[-1],
        "periods": resolved.periods,
        "currency": resolved.currency,
        "minors": 10 ** exponent(resolved.currency),
        "currencies": list(odd_exponents()),
        "currency_minors": [10**digits for digits in odd_exponents().values()],
    }
    numbers = count()

    def shaped(where: Filter | None) -> Mask | Joint | None:
        return None if where is None else shape_of(where, values, numbers)

    who = influencers_of(resolved.where) if resolved.by is CohortBy.INFLUENCER_JOINED else None
    converts = resolved.converts and resolved.measure is CohortMeasure.CUMULATIVE_REVENUE
    statement = _statement(Shape(resolved.by, resolved.measure, shaped(resolved.where), shaped(who), converts))
    return Bound(statement, tuple(values[name] for name in statement.names))


@lru_cache(maxsize=200)
def _statement(shape: Shape) -> Statement:
    members = MEMBERS_BY[shape.by](shape).cte("member")
    size = select(
        members.c.cohort,
        literal_column(str(MEMBERS)).label("period"),
        cast(func.count(), NUMERIC).label("value"),
        literal_column("0").label("missing"),
    ).group_by(members.c.cohort)
    cells = CELLS_OF[shape.measure](shape, members)
    return rendered(select(union_all(size, *cells).subquery("cell")), "cohorts")
