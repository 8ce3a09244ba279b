"""Rows of an answer as they are shown: time buckets, groups, and a page of groups."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, partial
from typing import Annotated, Any

import strawberry

from app.analytics import pages
from app.analytics import series as answers
from app.analytics.answer import Answer
from app.analytics.figures import Figures
from app.analytics.pages import GroupPage
from app.analytics.query import Asks, Columns, Fill
from app.analytics.ranges import BUCKETS_MAX
from app.analytics.resolve import CELLS_MAX
from app.core.timegrain import Granularity
from graphql_schema.analytics_filters import FactFilter
from graphql_schema.analytics_measured import Measured, Row
from graphql_schema.analytics_selection import Part, Views
from graphql_schema.analytics_table import page_info
from graphql_schema.analytics_words import (
    Changes,
    GroupKey,
    GroupKeys,
    Measures,
    Shares,
    ask_key,
)
from graphql_schema.connection import PageInfo
from graphql_schema.context import Info
from graphql_schema.execution.columns import Columnar, Joined
from graphql_schema.execution.together import together

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
Filling = Annotated[Fill | None, strawberry.argument(description="What stands in buckets that nothing lies in.")]


class Selected:
    """What is selected of the rows of one facet, and where it stands among their figures.

    is_compared: whether there is a compared time.
    """

    __slots__ = ("change", "is_compared", "measures", "previous", "share")

    def __init__(self, views: Views, asks: Asks, *, is_compared: bool) -> None:
        self.is_compared = is_compared
        places = {ask: place for place, ask in enumerate(asks)}

        def found(selected: Asks) -> dict[Hashable, int]:
            return {ask_key(ask): places[ask] for ask in selected}

        self.measures = {key: found(selected) for key, selected in views.measures.items()}
        self.previous, self.change, self.share = found(views.previous), found(views.change), found(views.share)


def selected_of(views: Views, columns: Columns, *, is_compared: bool) -> Selected:
    """The same once, beside the selection: it is kept with its document. columns: those of the facet."""
    found: Selected | None = views.known.get((columns, is_compared))
    if found is None:
        found = views.known[columns, is_compared] = Selected(views, columns.values, is_compared=is_compared)
    return found


def _measured(rows: Sequence["Bucket | Group"], key: str) -> list[Row]:
    return [Row(row.figures, Figures.value, row.selected.measures[key]) for row in rows]


# Which facts count for their measures was read with the question: fields are told apart by what they answer under.


def _of_buckets(buckets: "Sequence[Bucket]", key: str) -> Sequence[Row | None]:
    if isinstance(buckets, Buckets) and True not in buckets.are_null:
        return buckets.measures(key)
    parts = buckets.parts if isinstance(buckets, Joined) else ()
    columns = [part.measures(key) for part in parts if isinstance(part, Buckets) and True not in part.are_null]
    if columns and len(columns) == len(parts):
        return Joined(columns)
    rows = _measured(buckets, key)
    return [None if bucket.is_null else row for bucket, row in zip(buckets, rows, strict=True)]


def _of_groups(groups: "Sequence[Group]", key: str) -> Sequence[Row]:
    if isinstance(groups, Groups) and (found := groups.measures(key)) is not None:
        return found
    return _measured(groups, key)


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
    @together(_of_buckets, takes_key=True)
    def measures(self, info: Info, where: OwnFilter = None) -> Measures | None:
        """Its measures."""
        return None if self.is_null else Row(self.figures, Figures.value, self.selected.measures[str(info.path.key)])

    @strawberry.field(
        description="Measures of the bucket of the compared time that belongs to it, of nothing where none does; null "
        "without a compared time."
    )
    def previous(self) -> Measures | None:
        """Measures of the compared time."""
        return Row(self.figures, Figures.before, self.selected.previous) if self.selected.is_compared else None

    @strawberry.field(description="By which part its measures changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part its measures changed."""
        return Row(self.figures, Figures.change, self.selected.change) if self.selected.is_compared else None


class Buckets(Columnar):
    """Buckets as they are shown, by column."""

    kind = Bucket

    def __init__(self, found: answers.BucketList, selected: Selected) -> None:
        self._found = found
        self._selected = selected

    @property
    def are_null(self) -> Sequence[bool]:
        """Whether each has no measures."""
        return self._found.are_null

    def measures(self, key: str) -> "Measured":
        """The measures of all of them. key: the name that their field answers under."""
        found = self._found
        return Measured(found.reader, found.values, len(found), self._selected.measures[key], self._figures)

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each bucket."""
        if attribute in _BUCKET:
            return list(getattr(self._found, _BUCKET[attribute]))
        return self._figures() if attribute == "figures" else [self._selected] * len(self)

    def _figures(self) -> list[Figures]:
        return [bucket.figures for bucket in self._found]

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: Any) -> Any:
        return [_bucket(each, self._selected) for each in self._found][index]

    def __iter__(self) -> Iterator[Bucket]:
        return (_bucket(each, self._selected) for each in self._found)


_BUCKET = {
    "start": "starts",
    "end": "ends",
    "local_date": "local_dates",
    "is_partial": "are_partial",
    "is_filled": "are_filled",
    "is_null": "are_null",
}
"""Attributes of a bucket, and what holds them of a list of buckets."""


def _bucket(found: answers.Bucket, selected: Selected) -> Bucket:
    return Bucket(
        start=found.start,
        end=found.end,
        local_date=found.local_date,
        is_partial=found.is_partial,
        is_filled=found.is_filled,
        is_null=found.is_null,
        figures=found.figures,
        selected=selected,
    )


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
    buckets: strawberry.Private[Mapping[str, Buckets]]

    @strawberry.field(description="Its measures.")
    @together(_of_groups, takes_key=True)
    def measures(self, info: Info, where: OwnFilter = None) -> Measures:
        """Its measures."""
        return Row(self.figures, Figures.value, self.selected.measures[str(info.path.key)])

    @strawberry.field(description="Its measures in the compared time; null without one.")
    def previous(self) -> Measures | None:
        """Its measures in the compared time."""
        return Row(self.figures, Figures.before, self.selected.previous) if self.selected.is_compared else None

    @strawberry.field(description="By which part its measures changed; null without a compared time.")
    def change(self) -> Changes | None:
        """By which part its measures changed."""
        return Row(self.figures, Figures.change, self.selected.change) if self.selected.is_compared else None

    @strawberry.field(description="Which part of the connection's totals its measures are.")
    def share(self) -> Shares | None:
        """Which part of the connection's totals its measures are."""
        return Row(self.figures, Figures.share, self.selected.share)

    @strawberry.field(
        description="Its measures in every bucket of the range; grouped by time, of the group's own time. Of all "
        "groups of the page together in one statement."
    )
    def series(self, info: Info, every: Every, fill: Filling = Fill.AUTO) -> list[Bucket]:
        """Its measures in every bucket."""
        return self.buckets[str(info.path.key)]  # type: ignore[return-value]  # the same, by column


class Groups(Columnar):
    """The groups of a page as they are shown, by column. series: of each of them, by answering name."""

    kind = Group

    def __init__(self, page: GroupPage, selected: Selected, series: Mapping[str, tuple[int, Selected]]) -> None:
        self.page = page
        self._selected, self._series = selected, series

    def measures(self, key: str) -> "Measured | None":
        """The measures of all of them, where they have one currency. key: the name that their field answers under."""
        reader = self.page.reader
        if reader is None:
            return None
        places = self._selected.measures[key]
        return Measured(reader, self.page.measures, len(self), places, lambda: self.page.figures)

    def column(self, attribute: str) -> Any:
        """The attribute of each group."""
        return GroupKeys(self.page) if attribute == "key" else [getattr(group, attribute) for group in self._groups]

    @cached_property
    def _groups(self) -> list[Group]:
        return [
            Group(
                key=key,
                rank=group.rank,
                is_others=group.is_others,
                member_count=group.members,
                figures=group.figures,
                selected=self._selected,
                buckets={key: Buckets(group.series[at], selected) for key, (at, selected) in self._series.items()},
            )
            for group, key in zip(self.page.groups, GroupKeys(self.page), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.page.rows)

    def __getitem__(self, index: Any) -> Any:
        return self._groups[index]

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)


@strawberry.type(description="A group and its place in the list.")
class GroupEdge:
    """A group and its place in the list."""

    node: Group = strawberry.field(description="The group.")
    row: strawberry.Private[pages.Group]
    page: strawberry.Private[GroupPage]

    @strawberry.field(description="Opaque place of the group, for `after`.")
    def cursor(self) -> str:
        """Opaque place of the group."""
        return self.page.cursor(self.row.number)


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
        return Row(self.page.totals, Figures.value, places)

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
        selects = partial(selected_of, is_compared=answer.resolved.compared is not None)
        selected = selects(part.views, asked.columns)
        series = {
            key: (nested.place, selects(nested.views, asked.series[nested.place].columns))
            for key, nested in part.series.items()
        }
        nodes: Any = Groups(page, selected, series)
        asks = answer.resolved.totals.values if asked.having is None else asked.totals
        return GroupConnection(nodes=nodes, page=page, asks=asks, part=part)
