"""The answer to an `analytics` field, as it is shown: totals, series, groups, table, and how they were computed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from app.analytics.answer import Answer, Warned, WarningCode
from app.analytics.checks import ELEMENTS_MAX
from app.analytics.figures import Figures
from app.analytics.plan import Plan, SourceKind
from app.analytics.query import Columns, Fill
from app.analytics.resolve import CELLS_MAX
from app.analytics.sql.statement import Bound
from app.core.context import Scope
from app.core.timegrain import Granularity
from graphql_schema.analytics_filters import MeasureFilter, MeasureRef
from graphql_schema.analytics_inputs import GroupBy, GroupOrder
from graphql_schema.analytics_measured import Measured, Row
from graphql_schema.analytics_rows import Bucket, Buckets, Every, Filling, GroupConnection, Selected, selected_of
from graphql_schema.analytics_selection import Asked, Part, Views
from graphql_schema.analytics_table import ColumnTable, column_table
from graphql_schema.analytics_words import Changes, MeasureName, Measures
from graphql_schema.connection import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from graphql_schema.context import Info
from graphql_schema.execution.columns import settled_all
from graphql_schema.execution.together import together
from graphql_schema.permissions import requires
from graphql_schema.scalars import BigInt, CurrencyCode, TimeZone
from graphql_schema.words import vocabulary

vocabulary(
    SourceKind,
    "Where an answer comes from.",
    CACHE="Kept from an equal question; nothing that it depends on has changed since.",
    ROLLUP="Stored sums of whole buckets.",
    DELTAS="What was written since the stored sums were last brought up to date.",
    FACTS="Orders, lines, refunds, commissions and instances themselves.",
)
vocabulary(
    WarningCode,
    "What a reader of an answer should know.",
    PARTIAL_BUCKET="Buckets are cut by the range or still running; their numbers are not whole.",
    MISSING_EXCHANGE_RATE="Amounts have no exchange rate to the answer's currency and are left out.",
    RETENTION_CUT="Instances of a part of the range are no longer kept, and missing.",
    ESTIMATED_VALUES="Distinct counts are estimated; `estimates` tells how far off.",
)

By = Annotated[
    list[GroupBy],
    strawberry.argument(description=f"What to group by: 1 to {ELEMENTS_MAX} elements, time once at most."),
]
InOrder = Annotated[
    list[GroupOrder] | None,
    strawberry.argument(
        description=f"At most {2 * ELEMENTS_MAX} parts, the first deciding. Equal groups stand by their keys, "
        "ascending; so do all when not given."
    ),
]
Having = Annotated[
    MeasureFilter | None,
    strawberry.argument(description="Which groups come, by their measures; `totals` and `totalCount` are of these."),
]
AfterGroup = Annotated[
    str | None,
    strawberry.argument(
        description="The page begins after the group with this cursor, of the same question with the same `by`, "
        "`having` and `orderBy`. Each page is of its own moment: a group that a write moved across the place of the "
        "cursor comes twice, or not at all. With `freshness.asOf` all pages are of one."
    ),
]


# ------------------------------------------------------------------ how it is computed


@strawberry.type(description="Something that is read for an answer.")
class PlanSource:
    """Something that is read for an answer."""

    name: str = strawberry.field(description="Of the rollup set or the kind of facts.")
    kind: SourceKind = strawberry.field(description="What it is.")
    granularity: Granularity | None = strawberry.field(description="Length of a rollup's buckets; null for others.")


@strawberry.type(
    name="Plan",
    description="How the question is answered when nothing of it is cached and every rollup is stored. Computed from "
    "the question alone: selecting only this runs nothing. Selected alone it is of a question that asks nothing, and "
    "costs 0. What a question would cost is told without running it by asking it with `maxCost: 0`.",
)
class PlanShown:
    """How the question is answered."""

    cost: int = strawberry.field(description="Points: what is read and what is answered, weighed. Comparable only.")
    sources: list[PlanSource] = strawberry.field(description="What is read, each once.")
    estimated_rows: BigInt = strawberry.field(description="Rows that would be read in a busy tenant.")
    cacheable: bool = strawberry.field(
        description="Whether a kept answer may be served: not with a `maxAge` of PT0S, which asks for a fresh one."
    )
    statements: strawberry.Private[Callable[[], Sequence[Bound]]]

    @strawberry.field(
        description="The statements, one for each part that is asked; values are parameters.",
        extensions=[requires(Scope.OPERATE)],
    )
    def sql(self) -> list[str] | None:
        """The statements."""
        return [each.statement.text for each in self.statements()]

    @staticmethod
    def of(plan: Plan, statements: Callable[[], Sequence[Bound]], *, is_cacheable: bool) -> "PlanShown":
        """The plan as it is shown."""
        return PlanShown(
            cost=plan.cost,
            sources=[PlanSource(name=each.name, kind=each.kind, granularity=each.granularity) for each in plan.sources],
            estimated_rows=BigInt(plan.estimated_rows),
            cacheable=is_cacheable,
            statements=statements,
        )


@strawberry.type(name="Warning", description="Something that a reader of an answer should know.")
class WarningShown:
    """Something that a reader of an answer should know."""

    code: WarningCode = strawberry.field(description="What it is.")
    message: str = strawberry.field(description="The same in words.")
    count: BigInt | None = strawberry.field(description="Of what it is about; null where nothing is counted.")

    @staticmethod
    def of(warned: Warned) -> "WarningShown":
        """A warning as it is shown."""
        count = None if warned.count is None else BigInt(warned.count)
        return WarningShown(code=warned.code, message=warned.message, count=count)


@strawberry.type(description="A measure that was estimated.")
class Estimate:
    """A measure that was estimated."""

    measure: MeasureName = strawberry.field(description="Which.")
    relative_error: Decimal = strawberry.field(
        description="997 of 1,000 such estimates are off by at most this part of the value; the largest of all shown."
    )


@strawberry.type(description="About an answer.")
class Meta:
    """About an answer."""

    as_of: datetime = strawberry.field(
        description="The instant of `freshness.asOf`, or when it was computed: what it depends on is unchanged since."
    )
    served_from: list[SourceKind] = strawberry.field(
        description="Where it came from: CACHE alone for a cached answer; empty when no number was asked."
    )
    time_zone: TimeZone = strawberry.field(description="The zone in which buckets are cut.")
    currency: CurrencyCode = strawberry.field(description="Of all money, but for groups by currency.")
    truncated: bool = strawberry.field(description="Whether any groups or table go on beyond what is shown.")
    cost: int = strawberry.field(description="Points of the plan, as `plan.cost`.")
    estimates: list[Estimate] = strawberry.field(description="What was not counted exactly; often empty.")
    warnings: list[WarningShown] = strawberry.field(description="What a reader should know; often empty.")

    @staticmethod
    def of(answer: Answer, plan: Plan) -> "Meta":
        """What is said about the answer. plan: as it is shown."""
        kinds = [SourceKind.CACHE] if answer.plan is None else [source.kind for source in answer.plan.sources]
        return Meta(
            as_of=answer.resolved.as_of or answer.computed_at,
            served_from=list(dict.fromkeys(kinds)),
            time_zone=TimeZone(answer.resolved.zone),
            currency=CurrencyCode(answer.resolved.currency),
            truncated=answer.is_truncated,
            cost=plan.cost,
            estimates=[
                Estimate(measure=MeasureName(each.measure), relative_error=each.error) for each in answer.estimates
            ],
            warnings=list(map(WarningShown.of, answer.warnings)),
        )


# ------------------------------------------------------------------ all of it


# What these fields are asked with was read with the question: nothing is left to be done with their arguments, and they
# are told apart by what they answer under.


def _totals_of(roots: "Sequence[Analytics]", key: str) -> Sequence[Row]:
    rows = [Row(figures, Figures.value, selected.measures[key]) for figures, selected in (root.whole for root in roots)]
    return Measured.of(rows[0]) if len(rows) == 1 else rows


def _series_of(roots: "Sequence[Analytics]", key: str) -> list[Buckets]:
    return [root.buckets(key) for root in roots]


def _groups_of(roots: "Sequence[Analytics]", key: str) -> list[GroupConnection]:
    return [root.grouped(key) for root in roots]


async def _table(root: "Analytics", info: Info) -> ColumnTable:
    part = root.part(str(info.path.key))
    return await column_table(info, root.known, root.known.groups[part.place], part.columns)


async def _tables_of(roots: "Sequence[Analytics]", info: Info) -> Sequence[Any]:
    return await settled_all(_table(root, info) for root in roots)


@strawberry.type(
    description="An answer. Its parts are computed together, in one snapshot, and only as far as they are selected."
)
class Analytics:
    """An answer."""

    asked: strawberry.Private[Asked]
    answer: strawberry.Private[Answer | None]
    make_plan: strawberry.Private[Callable[[], Plan]]
    bind: strawberry.Private[Callable[[Plan], Sequence[Bound]]]

    @strawberry.field(description="How it is computed. Selecting only this runs nothing.")
    def plan(self) -> PlanShown:
        """How it is computed."""
        plan = self.make_plan()
        is_cacheable = self.asked.question.max_age != timedelta()
        return PlanShown.of(plan, lambda: self.bind(plan), is_cacheable=is_cacheable)

    @strawberry.field(description="About the answer.")
    def meta(self) -> Meta:
        """About the answer."""
        return Meta.of(self.known, self.make_plan())

    @strawberry.field(description="Measures over the whole range, from the facts: never a sum of rounded rows.")
    @together(_totals_of, takes_key=True)
    def totals(self, info: Info) -> Measures:
        """Measures over the whole range."""
        return _totals_of([self], str(info.path.key))[0]

    @strawberry.field(description="The same of the compared time; null without one.")
    def previous(self) -> Measures | None:
        """Measures over the compared time."""
        if self.known.resolved.compared is None:
            return None
        figures, selected = self.whole
        return Row(figures, Figures.before, selected.previous)

    @strawberry.field(description="By which part they changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part they changed."""
        if self.known.resolved.compared is None:
            return None
        figures, selected = self.whole
        return Row(figures, Figures.change, selected.change)

    @strawberry.field(
        description="Measures of every bucket of the range, in order, also of those that nothing lies in. Buckets that "
        "have not begun are left out."
    )
    @together(_series_of, takes_key=True)
    def series(
        self,
        info: Info,
        every: Every,
        fill: Filling = Fill.AUTO,
        cumulative: Annotated[
            bool | None, strawberry.argument(description="Whether measures run on from the range's start.")
        ] = False,
    ) -> list[Bucket]:
        """Measures of every bucket of the range."""
        return self.buckets(str(info.path.key))  # type: ignore[return-value]  # the same, by column

    @strawberry.field(
        description="Measures of every group of keys of which any sum that the asked measures are made of is not 0, "
        "also in the compared time alone: a ratio of 0 ÷ 5 is shown. Ordered as asked, then by the keys."
    )
    @together(_groups_of, takes_key=True)
    def groups(
        self,
        info: Info,
        by: By,
        having: Having = None,
        order_by: InOrder = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description=f"Groups of the page: 0 to {PAGE_ITEMS_MAX:,}; {PAGE_ITEMS_DEFAULT} when not given."
            ),
        ] = PAGE_ITEMS_DEFAULT,
        after: AfterGroup = None,
    ) -> GroupConnection:
        """Measures of every group."""
        return self.grouped(str(info.path.key))

    @strawberry.field(description="Groups as columns.")
    @together(_tables_of, takes_arguments=False)
    async def table(
        self,
        info: Info,
        by: By,
        measures: Annotated[
            list[MeasureRef],
            strawberry.argument(description="The columns behind those of the keys, in this order."),
        ],
        having: Having = None,
        order_by: InOrder = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description=f"Rows of the page: 0 to as many as {CELLS_MAX:,} cells have room for, and that many when "
                "not given. An element of `by` counts as two cells of a row, a measure as one."
            ),
        ] = None,
        after: AfterGroup = None,
    ) -> ColumnTable:
        """Groups as columns."""
        return await _table(self, info)

    @property
    def known(self) -> Answer:
        """The answer, where anything needs one."""
        assert self.answer is not None, "whoever selects a number has the question run"
        return self.answer

    @property
    def whole(self) -> tuple[Figures, Selected]:
        """The figures of the whole range, and what is selected of them."""
        return self.known.totals, self._selected(self.asked.totals, self.known.resolved.totals)

    def part(self, key: str) -> Part:
        """The series, grouping or table that answers under this name."""
        return self.asked.parts[key]

    def buckets(self, key: str) -> Buckets:
        """The series that answers under this name."""
        part = self.part(key)
        asked = self.known.resolved.series[part.place]
        return Buckets(self.known.series[part.place], self._selected(part.views, asked.columns))

    def _selected(self, views: Views, columns: Columns) -> Selected:
        return selected_of(views, columns, is_compared=self.known.resolved.compared is not None)

    def grouped(self, key: str) -> GroupConnection:
        """The groups that answer under this name."""
        part = self.part(key)
        return GroupConnection.of(self.known, self.known.groups[part.place], part)
