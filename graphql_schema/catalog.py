"""`catalog`: what `analytics` can be asked, from the declarations of app/analytics/semantic."""

from collections.abc import Iterable
from datetime import datetime

import strawberry

from app.analytics.extent import Extent
from app.analytics.rollups.catalog import CATALOG
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.core.context import Scope
from app.core.timegrain import Granularity
from graphql_schema.analytics import runner_of
from graphql_schema.analytics_words import DimensionName, MeasureName
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import BigInt


@strawberry.type(description="Something that can be computed.")
class MeasureInfo:
    """Something that can be computed."""

    name: MeasureName = strawberry.field(description="Its name in inputs.")
    title: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What it counts, and where it is null.")
    formula: str = strawberry.field(description="How it is made of others.")
    unit: str = strawberry.field(description="What it is counted in; money in the answer's currency.")
    dimensions: list[DimensionName] = strawberry.field(description="What it can be grouped and filtered by, but time.")
    additive_by: list[DimensionName] = strawberry.field(
        description="Dimensions over whose groups its values add up to the total."
    )


@strawberry.type(description="Something to group and filter by.")
class DimensionInfo:
    """Something to group and filter by."""

    name: DimensionName = strawberry.field(description="Its name in inputs.")
    title: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What its keys are, and what the null key means.")


@strawberry.type(description="A stored pre-aggregation. Questions that one can answer do not read facts.")
class RollupInfo:
    """A stored pre-aggregation."""

    name: str = strawberry.field(description="Its name in plans.")
    dimensions: list[DimensionName] = strawberry.field(description="What it is kept by.")
    granularities: list[Granularity] = strawberry.field(description="Buckets in which it is kept.")
    rows: BigInt = strawberry.field(description="Rows that are stored; 0 for keys that see their own rows only.")


@strawberry.type(description="What can be asked.")
class Catalog:
    """What can be asked."""

    @strawberry.field(description="Every measure.")
    def measures(self) -> list[MeasureInfo]:
        """Every measure."""
        return [
            MeasureInfo(
                name=MeasureName(measure.name),
                title=measure.title,
                description=measure.description,
                formula=measure.formula_text,
                unit=measure.formula.unit.value,
                dimensions=_grouped(measure.dimensions),
                additive_by=_grouped(measure.additive_by),
            )
            for measure in MEASURES.values()
        ]

    @strawberry.field(description="Every dimension.")
    def dimensions(self) -> list[DimensionInfo]:
        """Every dimension."""
        return [
            DimensionInfo(name=DimensionName(name), title=dimension.title, description=dimension.description)
            for name, dimension in DIMENSIONS.items()
            if dimension.is_group
        ]

    @strawberry.field(description="Every rollup set. One statement.")
    async def rollups(self, info: Info) -> list[RollupInfo]:
        """Every rollup set."""
        ctx = info.context.ctx
        sizes: dict[str, int] = {}
        if ctx.principal.influencer_id is None:
            sizes = await runner_of(info.context.runtime).rollup_sizes(ctx)
        return [
            RollupInfo(
                name=rollup.name,
                dimensions=list(map(DimensionName, rollup.dimensions)),
                granularities=[Granularity(grain.value) for grain in rollup.grains],
                rows=BigInt(sizes.get(rollup.name, 0)),
            )
            for rollup in CATALOG
        ]

    @strawberry.field(description="Time of the first fact that the key may see; null without any. One statement.")
    async def data_from(self, info: Info) -> datetime | None:
        """Time of the first fact."""
        return (await _extent(info)).first_at

    @strawberry.field(description="Time of the last fact that the key may see; null without any. One statement.")
    async def data_until(self, info: Info) -> datetime | None:
        """Time of the last fact."""
        return (await _extent(info)).last_at


def _grouped(names: Iterable[str]) -> list[DimensionName]:
    return [DimensionName(name) for name in names if DIMENSIONS[name].is_group]


async def _extent(info: Info) -> Extent:
    return await runner_of(info.context.runtime).extent(info.context.ctx)


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(description="What can be asked of `analytics`.", extensions=[requires(Scope.ANALYTICS_READ)])
    def catalog(self) -> Catalog:
        """What can be asked."""
        return Catalog()
