"""The answer to an `analytics` field, as it is shown: totals, series, groups, table, and how they were computed."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated

import strawberry

from app.analytics import pages
from app.analytics import series as answers
from app.analytics.answer import Answer, WarningCode
from app.analytics.checks import ELEMENTS_MAX
from app.analytics.figures import Figures
from app.analytics.pages import GroupPage
from app.analytics.plan import Plan, SourceKind
from app.analytics.query import Asks, Fill
from app.analytics.ranges import BUCKETS_MAX
from app.analytics.resolve import CELLS_MAX
from app.analytics.sql.statement import Bound
from app.core.context import Scope
from app.core.timegrain import Granularity
from graphql_schema.analytics_inputs import FactFilter, GroupBy, GroupOrder, MeasureFilter, MeasureRef
from graphql_schema.analytics_selection import Asked, Part, Views
from graphql_schema.analytics_table import ColumnTable, column_table, page_info
from graphql_schema.analytics_words import (
    Changes,
    GroupKey,
    MeasureName,
    Measures,
    Row,
    Shares,
    TimeKey,
    ask_key,
    group_key,
)
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
        "`having` and `orderBy`."
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
        description="When it was computed. Nothing that it depends on has changed since."
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
            as_of=answer.computed_at,
            served_from=list(dict.fromkeys(kinds)),
            time_zone=TimeZone(answer.resolved.zone),
            currency=CurrencyCode(answer.resolved.currency),
            truncated=answer.is_truncated,
            cost=plan.cost,
            estimates=[
                Estimate(measure=MeasureName(each.measure), relative_error=each.error) for each in answer.estimates
            ],
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

OwnFilter = Annotated[
    FactFilter | None,
    strawberry.argument(description="Which facts count for these measures, of those that count at all."),
]
Every = Annotated[
    Granularity,
    strawberry.argument(
        description=f"Length of a bucket. At most {BUCKETS_MAX:,} buckets, and {CELLS_MAX:,} over all entities or "
        "groups of a list."
    ),
]
Filling = Annotated[Fill, strawberry.argument(description="What stands in buckets that nothing lies in.")]


class Selected:
    """What is selected of the rows of one facet, and where it stands among their figures."""

    __slots__ = ("change", "measures", "previous", "share")

    def __init__(self, views: Views, asks: Asks) -> None:
        places = {ask: place for place, ask in enumerate(asks)}

        def found(selected: Asks) -> dict[Hashable, int]:
            return {ask_key(ask): places[ask] for ask in selected}

        self.measures = {key: found(selected) for key, selected in views.measures.items()}
        self.previous, self.change, self.share = found(views.previous), found(views.change), found(views.share)


@strawberry.type(description="A time bucket and its measures.")
class Bucket:
    """A time bucket and its measures."""

    start: datetime = strawberry.field(description="Its first instant; the first bucket's may lie before the range.")
    end: datetime = strawberry.field(description="The first instant after it.")
    local_date: date = strawberry.field(description="The local date of its start, in `meta.timeZone`.")
    is_partial: bool = strawberry.field(
        name="partial",
        description="Whether the range (or the group's time) cuts it, or it is still running: its numbers are not "
        "final.",
    )
    is_filled: bool = strawberry.field(
        name="filled", description="Whether nothing lies in it: what it shows then, `fill` says."
    )
    is_null: strawberry.Private[bool]
    figures: strawberry.Private[Figures]
    selected: strawberry.Private[Selected]

    @strawberry.field(description="Its measures; null where nothing lies in it and `fill` says so.")
    def measures(self, info: Info, where: OwnFilter = None) -> Measures | None:
        """Its measures."""
        return None if self.is_null else Row(self.figures.value, self.selected.measures[str(info.path.key)])

    @strawberry.field(description="Measures of the bucket of the compared time that belongs to it; null without.")
    def previous(self) -> Measures | None:
        """Measures of the compared time."""
        return Row(self.figures.before, self.selected.previous) if self.figures.reader.is_compared else None

    @strawberry.field(description="By which part its measures changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part its measures changed."""
        return Row(self.figures.change, self.selected.change) if self.figures.reader.is_compared else None

    @staticmethod
    def all_of(found: Iterable[answers.Bucket], selected: Selected) -> "list[Bucket]":
        """The buckets as they are shown."""
        return [
            Bucket(
                start=bucket.start,
                end=bucket.end,
                local_date=bucket.local_date,
                is_partial=bucket.is_partial,
                is_filled=bucket.is_filled,
                is_null=bucket.is_null,
                figures=bucket.figures,
                selected=selected,
            )
            for bucket in found
        ]


@strawberry.type(description="A group and its measures.")
class Group:
    """A group and its measures."""

    key: GroupKey = strawberry.field(description="What it stands for.")
    rank: int = strawberry.field(description="Its place in the whole order, from 1.")
    is_others: bool = strawberry.field(
        description="Whether it is the rest of a `top`: its key is null there, and not because nobody is credited."
    )
    member_count: int = strawberry.field(description="Number of keys in it: 1 but for others.")
    figures: strawberry.Private[Figures]
    selected: strawberry.Private[Selected]
    buckets: strawberry.Private[Mapping[str, Callable[[], list[Bucket]]]]

    @strawberry.field(description="Its measures.")
    def measures(self, info: Info, where: OwnFilter = None) -> Measures:
        """Its measures."""
        return Row(self.figures.value, self.selected.measures[str(info.path.key)])

    @strawberry.field(description="Its measures in the compared time; null without one.")
    def previous(self) -> Measures | None:
        """Its measures in the compared time."""
        return Row(self.figures.before, self.selected.previous) if self.figures.reader.is_compared else None

    @strawberry.field(description="By which part its measures changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part its measures changed."""
        return Row(self.figures.change, self.selected.change) if self.figures.reader.is_compared else None

    @strawberry.field(description="Which part of the connection's totals its measures are.")
    def share(self) -> Shares | None:
        """Which part of the connection's totals its measures are."""
        return Row(self.figures.share, self.selected.share)

    @strawberry.field(
        description="Its measures in every bucket of the range; grouped by time, of the group's own time. Of all "
        "groups of the page together in one statement."
    )
    def series(self, info: Info, every: Every, fill: Filling = Fill.AUTO) -> list[Bucket]:
        """Its measures in every bucket."""
        return self.buckets[str(info.path.key)]()


@strawberry.type(description="A group and its place in the list.")
class GroupEdge:
    """A group and its place in the list."""

    node: Group = strawberry.field(description="The group.")
    row: strawberry.Private[pages.Group]
    page: strawberry.Private[GroupPage]

    @strawberry.field(description="Opaque place of the group, for `after`.")
    def cursor(self) -> str:
        """Opaque place of the group."""
        return self.page.cursor(self.row)


@strawberry.type(description="One page of groups.")
class GroupConnection:
    """One page of groups."""

    nodes: list[Group] = strawberry.field(description="The groups of this page, in order.")
    page: strawberry.Private[GroupPage]
    asks: strawberry.Private[Asks]
    part: strawberry.Private[Part]

    @strawberry.field(
        description="Measures of everything that is grouped and fits `having`, from the facts: not the sum of the "
        "groups shown."
    )
    def totals(self) -> Measures:
        """Measures of everything that is grouped."""
        places = {ask_key(ask): self.asks.index(ask) for ask in self.part.totals}
        figures = self.page.totals
        assert figures is not None, "whoever selects totals has them computed"
        return Row(figures.value, places)

    @strawberry.field(description="The groups of this page with their cursors, in order.")
    def edges(self) -> list[GroupEdge]:
        """The groups of this page with their cursors."""
        return [
            GroupEdge(node=node, row=row, page=self.page)
            for node, row in zip(self.nodes, self.page.groups, strict=True)
        ]

    @strawberry.field(description="Number of all groups that fit `having`, counted only when asked.")
    def total_count(self) -> int:
        """Number of all groups."""
        return self.page.total

    @strawberry.field(description="Where this page lies in the list.")
    def page_info(self) -> PageInfo:
        """Where this page lies in the list."""
        return page_info(self.page)

    @staticmethod
    def of(answer: Answer, page: GroupPage, part: Part) -> "GroupConnection":
        """The page as it is shown."""
        asked = page.asked
        selected = Selected(part.views, asked.columns.values)
        series = {
            key: (nested.place, Selected(nested.views, asked.series[nested.place].columns.values))
            for key, nested in part.series.items()
        }
        nodes = [
            Group(
                key=group_key(asked.dimensions, group.keys, _time(group)),
                rank=group.rank,
                is_others=group.is_others,
                member_count=group.members,
                figures=group.figures,
                selected=selected,
                buckets={
                    key: partial(Bucket.all_of, group.series[place], of_series)
                    for key, (place, of_series) in series.items()
                },
            )
            for group in page.groups
        ]
        asks = answer.resolved.totals.values if asked.having is None else asked.totals
        return GroupConnection(nodes=nodes, page=page, asks=asks, part=part)


def _time(group: pages.Group) -> TimeKey | None:
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
    def totals(self, info: Info) -> Measures:
        """Measures over the whole range."""
        figures, selected = self._whole
        return Row(figures.value, selected.measures[str(info.path.key)])

    @strawberry.field(description="The same of the compared time; null without one.")
    def previous(self) -> Measures | None:
        """Measures over the compared time."""
        if self._known.resolved.compared is None:
            return None
        figures, selected = self._whole
        return Row(figures.before, selected.previous)

    @strawberry.field(description="By which part they changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part they changed."""
        if self._known.resolved.compared is None:
            return None
        figures, selected = self._whole
        return Row(figures.change, selected.change)

    @strawberry.field(
        description="Measures of every bucket of the range, in order, also of those that nothing lies in. Buckets that "
        "have not begun are left out."
    )
    def series(
        self,
        info: Info,
        every: Every,
        fill: Filling = Fill.AUTO,
        cumulative: Annotated[
            bool, strawberry.argument(description="Whether measures run on from the range's start.")
        ] = False,
    ) -> list[Bucket]:
        """Measures of every bucket of the range."""
        part = self._part(info)
        asked = self._known.resolved.series[part.place]
        return Bucket.all_of(self._known.series[part.place], Selected(part.views, asked.columns.values))

    @strawberry.field(
        description="Measures of every group of keys of which any sum that the asked measures are made of is not 0, "
        "also in the compared time alone: a ratio of 0 ÷ 5 is shown. Ordered as asked, then by the keys."
    )
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
        ] = None,
        after: AfterGroup = None,
    ) -> GroupConnection:
        """Measures of every group."""
        part = self._part(info)
        return GroupConnection.of(self._known, self._known.groups[part.place], part)

    @strawberry.field(description="Groups as columns.")
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
        part = self._part(info)
        return await column_table(info, self._known, self._known.groups[part.place], part.columns)

    @property
    def _known(self) -> Answer:
        assert self.answer is not None, "whoever selects a number has the question run"
        return self.answer

    @property
    def _whole(self) -> tuple[Figures, Selected]:
        figures = self._known.totals
        assert figures is not None, "whoever selects totals has them computed"
        return figures, Selected(self.asked.totals, self._known.resolved.totals.values)

    def _part(self, info: Info) -> Part:
        return self.asked.parts[str(info.path.key)]
