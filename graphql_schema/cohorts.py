"""`cohorts`: customers by when they began, influencers by when they joined, and what became of them since."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from app.analytics.answer import Warned
from app.analytics.cohorts.answer import CohortAnswer
from app.analytics.cohorts.query import CohortAsk, CohortBy, CohortMeasure
from app.analytics.cohorts.resolve import CELLS_MAX, PERIODS_MAX
from app.analytics.cohorts.runner import CohortRunner, cost_of
from app.analytics.plan import SourceKind
from app.core.context import Scope
from app.core.timegrain import Granularity
from graphql_schema.analytics import Where, Zone
from graphql_schema.analytics_inputs import RangeInput
from graphql_schema.analytics_types import Meta, WarningShown
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, TimeZone
from graphql_schema.words import vocabulary

vocabulary(
    CohortBy,
    "What makes a cohort.",
    FIRST_ORDER="Customers, by their first order ever.",
    FIRST_TOUCH="Customers, by the first instance that named them, or a visitor whom an order of theirs named.",
    INFLUENCER_JOINED="Influencers, by when they were entered, or their first instance or credited order if that is "
    "dated earlier.",
)
vocabulary(
    CohortMeasure,
    "What is told of a cohort in each period.",
    RETAINED_CUSTOMERS="Customers with a credited order in the period.",
    CUMULATIVE_REVENUE="Net revenue from the cohort's start to the end of the period.",
    ORDERS_PER_CUSTOMER="Orders, by credit, from the cohort's start to the end of the period ÷ size, six digits. Null "
    "for a cohort without members.",
)


@strawberry.type(description="One period of a cohort.")
class CohortCell:
    """One period of a cohort."""

    index: int = strawberry.field(description="Whole buckets of `every` after the cohort's own, which is 0.")
    value: Decimal | None = strawberry.field(
        description="The measure: so far, when the period has not ended; null when it has not begun."
    )
    is_complete: bool = strawberry.field(name="complete", description="Whether the period has ended.")


@strawberry.type(description="A cohort: all who began in one bucket.")
class CohortRow:
    """A cohort."""

    start: date = strawberry.field(description="The local date on which its bucket starts, in `meta.timeZone`.")
    size: int = strawberry.field(
        description="Its members: customers of whom an order (an instance) in the bucket passes the filter; "
        "influencers of whom a fact may."
    )
    cells: list[CohortCell] = strawberry.field(description="Its periods, in order.")


@strawberry.type(description="Cohorts and what became of them.")
class CohortTable:
    """Cohorts and what became of them."""

    meta: Meta = strawberry.field(description="About the answer.")
    rows: list[CohortRow] = strawberry.field(
        description="A row for each bucket that starts in the range and has begun, also for those without members."
    )

    @staticmethod
    def of(answer: CohortAnswer) -> "CohortTable":
        """The table as it is shown."""
        return CohortTable(
            meta=_meta(answer),
            rows=[
                CohortRow(
                    start=row.start,
                    size=row.size,
                    cells=[
                        CohortCell(index=cell.index, value=cell.value, is_complete=cell.is_complete)
                        for cell in row.cells
                    ],
                )
                for row in answer.rows
            ],
        )


def _meta(answer: CohortAnswer) -> Meta:
    resolved = answer.resolved
    warned = [Warned.of_missing_rates(answer.missing_rates, resolved.currency)] if answer.missing_rates else []
    source = SourceKind.CACHE if answer.is_cached else SourceKind.FACTS
    return Meta(
        as_of=answer.computed_at,
        served_from=[source] if answer.rows else [],
        time_zone=TimeZone(resolved.zone),
        currency=CurrencyCode(resolved.currency),
        truncated=False,
        cost=cost_of(resolved),
        estimates=[],
        warnings=list(map(WarningShown.of, warned)),
    )


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description=f"What became of those who began together. At most {PERIODS_MAX} periods, and {CELLS_MAX:,} cells. "
        "A key of role influencer sees its own numbers.",
        extensions=[requires(Scope.ANALYTICS_READ)],
    )
    async def cohorts(
        self,
        info: Info,
        by: Annotated[CohortBy, strawberry.argument(description="What makes a cohort.")],
        every: Annotated[Granularity, strawberry.argument(description="Length of cohorts and periods: DAY or longer.")],
        periods: Annotated[
            int, strawberry.argument(description="How many are told of each cohort; the first is its own bucket.")
        ],
        measure: Annotated[CohortMeasure, strawberry.argument(description="What is told.")],
        range: Annotated[
            RangeInput, strawberry.argument(description="Which cohorts: those that start in it. Periods reach beyond.")
        ],
        where: Where = None,
        time_zone: Zone = None,
        currency: Annotated[
            CurrencyCode | None, strawberry.argument(description="Of money; the tenant's when not given.")
        ] = None,
    ) -> CohortTable | None:
        """What became of those who began together."""
        runtime = info.context.runtime
        asked = CohortAsk(
            by=by,
            every=every,
            periods=periods,
            measure=measure,
            range=range.value(),
            where=None if where is None else where.value(),
            zone=time_zone,
            currency=currency,
        )
        runner = CohortRunner(runtime.db, runtime.answers)
        return CohortTable.of(await runner.run(info.context.ctx, asked))
