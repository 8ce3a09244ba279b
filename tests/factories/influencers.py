"""Influencers, as use cases make them."""

from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.influencers.inputs import InfluencerInput
from app.runtime import Runtime
from app.usecases.create_influencers import create_influencers


async def make_influencers(runtime: Runtime, ctx: Ctx, *names: str, **values: Any) -> list[UUID]:
    """Ids of new influencers of these names; values: what else they all have."""
    outcomes = await create_influencers(runtime, ctx, [InfluencerInput(name=name, **values) for name in names])
    assert all(outcome.outcome is Outcome.RECORDED for outcome in outcomes), outcomes
    return [outcome.id for outcome in outcomes if outcome.id is not None]


async def make_influencer(runtime: Runtime, ctx: Ctx, name: str = "Ana", **values: Any) -> UUID:
    """The id of a new influencer."""
    (made,) = await make_influencers(runtime, ctx, name, **values)
    return made
