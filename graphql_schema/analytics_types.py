"""The answer to an `analytics` field, as it is shown: totals, series, groups, table, and how they were computed."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry

from app.analytics import answer as answers
from app.analytics.answer import Answer, GroupPage, WarningCode
from app.analytics.plan import Plan, SourceKind
from app.analytics.ranges import BUCKETS_MAX
from app.analytics.resolve import CELLS_MAX, ELEMENTS_MAX
from app.analytics.sql.statement import Bound
from app.core.context import Scope
from app.core.timegrain import Granularity
from graphql_schema.analytics_inputs import GroupBy, GroupOrder, MeasureRef
from graphql_schema.analytics_selection import Asked
from graphql_schema.analytics_table import ColumnTable, column_table, page_info
from graphql_schema.analytics_words import GroupKey, Measures, TimeKey, group_key, measures
from graphql_schema.connection import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PageInfo
from graphql_schema.context import Info
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
AfterGroup = Annotated[
    str | None,
    strawberry.argument(
        description="The page begins after the group with this cursor, of the same question with the same `by` and "
        "`orderBy`."
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
    "the question alone: selecting only this runs nothing.",
)
class PlanShown:
    """How the question is answered."""

    cost: int = strawberry.field(description="Points: what is read and what is answered, weighed. Comparable only.")
    sources: list[PlanSource] = strawberry.field(description="What is read, each once.")
    estimated_rows: BigInt = strawberry.field(description="Rows that would be read in a busy tenant.")
    statements: strawberry.Private[Callable[[], Sequence[Bound]]]

    @strawberry.field(
        description="The statements, one for each part that is asked; values are parameters.",
        extensions=[requires(Scope.OPERATE)],
    )
    def sql(self) -> list[str] | None:
        """The statements."""
        return [each.statement.text for each in self.statements()]

    @staticmethod
    def of(plan: Plan, statements: Callable[[], Sequence[Bound]]) -> "PlanShown":
        """The plan as it is shown."""
        return PlanShown(
            cost=plan.cost,
            sources=[PlanSource(name=each.name, kind=each.kind, granularity=each.granularity) for each in plan.sources],
            estimated_rows=BigInt(plan.estimated_rows),
            statements=statements,
        )


@strawberry.type(name="Warning", description="Something that a reader of an answer should know.")
class WarningShown:
    """Something that a reader of an answer should know."""

    code: WarningCode = strawberry.field(description="What it is.")
    message: str = strawberry.field(description="The same in words.")
    count: BigInt | None = strawberry.field(description="Of what it is about; null where nothing is counted.")


@strawberry.type(description="About an answer.")
class Meta:
    """About an answer."""

    as_of: datetime = strawberry.field(
        description="When it was computed. Nothing that it depends on has changed since."
    )
    served_from: list[SourceKind] = strawberry.field(
        description="Where it came from: CACHE alone for a cached answer; empty when no number was asked."
    )
    time_zone: TimeZone = strawberry.field(description="The zone in which buckets are cut.")
    currency: CurrencyCode = strawberry.field(description="Of all money, but for groups by currency.")
    truncated: bool = strawberry.field(description="Whether any groups or table go on beyond what is shown.")
    cost: int = strawberry.field(description="Points of the plan, as `plan.cost`.")
    warnings: list[WarningShown] = strawberry.field(description="What a reader should know; often empty.")

    @staticmethod
    def of(answer: Answer, plan: Plan) -> "Meta":
        """What is said about the answer. plan: as it is shown."""
        kinds = [SourceKind.CACHE] if answer.plan is None else [source.kind for source in answer.plan.sources]
        return Meta(
            as_of=answer.computed_at,
            served_from=list(dict.fromkeys(kinds)),
            time_zone=TimeZone(answer.resolved.zone),
            currency=CurrencyCode(answer.resolved.currency),
            truncated=answer.is_truncated,
            cost=plan.cost,
            warnings=[
                WarningShown(
                    code=warned.code,
                    message=warned.message,
                    count=None if warned.count is None else BigInt(warned.count),
                )
                for warned in answer.warnings
            ],
        )


# ------------------------------------------------------------------ rows


@strawberry.type(description="A time bucket and its measures.")
class Bucket:
    """A time bucket and its measures."""

    start: datetime = strawberry.field(description="Its first instant; the first bucket's may lie before the range.")
    end: datetime = strawberry.field(description="The first instant after it.")
    local_date: date = strawberry.field(description="The local date of its start, in `meta.timeZone`.")
    is_partial: bool = strawberry.field(
        name="partial", description="Whether the range cuts it, or it is still running: its numbers are not final."
    )
    is_filled: bool = strawberry.field(
        name="filled", description="Whether nothing lies in it: sums and counts are 0, ratios null."
    )
    measures: Measures = strawberry.field(description="Its measures.")


@strawberry.type(description="A group and its measures.")
class Group:
    """A group and its measures."""

    key: GroupKey = strawberry.field(description="What it stands for.")
    rank: int = strawberry.field(description="Its place in the whole order, from 1.")
    measures: Measures = strawberry.field(description="Its measures.")


@strawberry.type(description="A group and its place in the list.")
class GroupEdge:
    """A group and its place in the list."""

    node: Group = strawberry.field(description="The group.")
    row: strawberry.Private[answers.Group]
    page: strawberry.Private[GroupPage]

    @strawberry.field(description="Opaque place of the group, for `after`.")
    def cursor(self) -> str:
        """Opaque place of the group."""
        return self.page.cursor(self.row)


@strawberry.type(description="One page of groups.")
class GroupConnection:
    """One page of groups."""

    nodes: list[Group] = strawberry.field(description="The groups of this page, in order.")
    totals: Measures = strawberry.field(
        description="Measures of everything that is grouped, from the facts: not the sum of the groups shown."
    )
    page: strawberry.Private[GroupPage]

    @strawberry.field(description="The groups of this page with their cursors, in order.")
    def edges(self) -> list[GroupEdge]:
        """The groups of this page with their cursors."""
        return [
            GroupEdge(node=node, row=row, page=self.page)
            for node, row in zip(self.nodes, self.page.groups, strict=True)
        ]

    @strawberry.field(description="Number of all groups, counted only when asked.")
    def total_count(self) -> int:
        """Number of all groups."""
        return self.page.total

    @strawberry.field(description="Where this page lies in the list.")
    def page_info(self) -> PageInfo:
        """Where this page lies in the list."""
        return page_info(self.page)

    @staticmethod
    def of(answer: Answer, page: GroupPage) -> "GroupConnection":
        """The page as it is shown."""
        asked = page.asked
        nodes = [
            Group(
                key=group_key(asked.dimensions, group.keys, _time(group)),
                rank=group.rank,
                measures=measures(asked.measures, group.values),
            )
            for group in page.groups
        ]
        return GroupConnection(nodes=nodes, totals=measures(answer.resolved.totals, answer.totals), page=page)


def _time(group: answers.Group) -> TimeKey | None:
    time = group.time
    return None if time is None else TimeKey(start=time.start, end=time.end, local_date=time.local_date)


# ------------------------------------------------------------------ all of it


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
        return PlanShown.of(plan, lambda: self.bind(plan))

    @strawberry.field(description="About the answer.")
    def meta(self) -> Meta:
        """About the answer."""
        return Meta.of(self._known, self.make_plan())

    @strawberry.field(description="Measures over the whole range, from the facts: never a sum of rounded rows.")
    def totals(self) -> Measures:
        """Measures over the whole range."""
        return measures(self._known.resolved.totals, self._known.totals)

    @strawberry.field(
        description="Measures of every bucket of the range, in order, also of those that nothing lies in. Buckets that "
        "have not begun are left out."
    )
    def series(
        self,
        info: Info,
        every: Annotated[
            Granularity,
            strawberry.argument(
                description=f"Length of a bucket. At most {BUCKETS_MAX:,} buckets, and {CELLS_MAX:,} over all entities "
                "of a list."
            ),
        ],
    ) -> list[Bucket]:
        """Measures of every bucket of the range."""
        place = self._place(info)
        asked = self._known.resolved.series[place]
        return [
            Bucket(
                start=bucket.start,
                end=bucket.end,
                local_date=bucket.local_date,
                is_partial=bucket.is_partial,
                is_filled=bucket.is_filled,
                measures=measures(asked.measures, bucket.values),
            )
            for bucket in self._known.series[place]
        ]

    @strawberry.field(
        description="Measures of every group of keys of which any sum that the selected measures are made of is not "
        "0: a ratio of 0 ÷ 5 is shown. Ordered as asked, then by the keys; without `orderBy` by the keys."
    )
    def groups(
        self,
        info: Info,
        by: By,
        order_by: InOrder = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description=f"Groups of the page: 0 to {PAGE_ITEMS_MAX:,}; {PAGE_ITEMS_DEFAULT} when not given."
            ),
        ] = None,
        after: AfterGroup = None,
    ) -> GroupConnection:
        """Measures of every group."""
        return GroupConnection.of(self._known, self._known.groups[self._place(info)])

    @strawberry.field(description="Groups as columns.")
    async def table(
        self,
        info: Info,
        by: By,
        measures: Annotated[
            list[MeasureRef],
            strawberry.argument(description="The columns behind those of the keys, in this order."),
        ],
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
        page = self._known.groups[self._place(info)]
        return await column_table(info, self._known, page, self.asked.columns[str(info.path.key)])

    @property
    def _known(self) -> Answer:
        assert self.answer is not None, "whoever selects a number has the question run"
        return self.answer

    def _place(self, info: Info) -> int:
        return self.asked.places[str(info.path.key)]
