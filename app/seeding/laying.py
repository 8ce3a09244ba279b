"""Lays an invented program and its traffic over imported orders, through the use cases that everybody goes through.

Everything is known again by its external id, slug or text, so that a second run replays.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from app.campaigns.inputs import CampaignInput, EnrollmentInput
from app.core.outcomes import Outcome
from app.engagement.inputs import EngagementInput
from app.errors import DomainError
from app.influencers.inputs import InfluencerInput, ProfileInput
from app.seeding.posts import Look, looks
from app.seeding.program import CAMPAIGNS, PERSONAS, CampaignPlan, CodePlan, LinkPlan, Persona, Plan
from app.seeding.pump import Pump, UseCase, batched
from app.seeding.spending import Cost, costs
from app.seeding.traffic import Touch, Traffic
from app.spend.inputs import SpendInput
from app.tracking.inputs import CodeInput, InstanceInput, LinkInput
from app.usecases.create_campaigns import create_campaigns
from app.usecases.create_codes import create_codes
from app.usecases.create_enrollments import create_enrollments
from app.usecases.create_influencers import create_influencers
from app.usecases.create_links import create_links
from app.usecases.record_engagements import record_engagements
from app.usecases.record_instances import record_instances
from app.usecases.record_spend import record_spend

SHOP = "https://shop.example"
"""Where all links lead: a name that nobody can own."""

K = TypeVar("K", bound=Hashable)
P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Laid:
    """The program as it is stored. links: ids by slug; influencers: by handle; campaigns: by key."""

    links: Mapping[str, UUID]
    influencers: Mapping[str, UUID]
    campaigns: Mapping[str, UUID]


async def lay_program(pump: Pump, plan: Plan, *, currency: str, size: int) -> Laid:
    """Create what the plan holds, in batches of at most so many. currency: of the campaigns' goals.

    Raises what one of its parts is refused for: without it, the traffic would lead nowhere.
    """
    influencers = await _create(
        pump,
        "influencers",
        create_influencers,
        PERSONAS,
        key=lambda persona: persona.handle,
        item=_influencer,
        size=size,
    )
    campaigns = await _create(
        pump,
        "campaigns",
        create_campaigns,
        CAMPAIGNS,
        key=lambda campaign: campaign.key,
        item=lambda campaign: _campaign(plan, campaign, currency),
        size=size,
    )
    await _create(
        pump,
        "enrollments",
        create_enrollments,
        plan.enrolled,
        key=lambda entry: (entry.campaign.key, entry.persona.handle),
        item=lambda entry: EnrollmentInput(
            campaigns[entry.campaign.key], influencers[entry.persona.handle], commission_rate=entry.rate
        ),
        size=size,
    )
    links = await _create(
        pump,
        "links",
        create_links,
        plan.links,
        key=lambda link: link.slug,
        item=lambda link: _link(link, influencers, campaigns),
        size=size,
    )
    await _create(
        pump,
        "codes",
        create_codes,
        plan.codes,
        key=lambda code: code.code,
        item=lambda code: _code(code, influencers, campaigns),
        size=size,
    )
    return Laid(links, influencers, campaigns)


async def lay_traffic(pump: Pump, traffic: Traffic, program: Laid, *, size: int) -> None:
    """Record every touch, in batches of so many. The customers and the program are stored by now."""
    touches = (_instance(touch, program) for touch in traffic.touches())
    await pump.put_all("instances", record_instances, touches, size=size)


async def lay_reach(pump: Pump, plan: Plan, program: Laid, *, end: datetime, currency: str, size: int) -> None:
    """Record what the influencers' posts gathered, and what the campaigns cost. currency: of the amounts."""
    engagements = (_engagement(look, program) for look in looks(plan, end=end))
    await pump.put_all("engagements", record_engagements, engagements, size=size)
    spend = (_spend(cost, program, currency) for cost in costs(plan, end=end))
    await pump.put_all("spend", record_spend, spend, size=size)


async def _create(
    pump: Pump,
    phase: str,
    use_case: UseCase[T],
    plans: Sequence[P],
    *,
    key: Callable[[P], K],
    item: Callable[[P], T],
    size: int,
) -> dict[K, UUID]:
    # Each of these is small, and the next one needs its ids: they are sent one after the other.
    ids: dict[K, UUID] = {}
    for batch in batched(plans, size):
        outcomes = await pump.send(phase, use_case, [item(planned) for planned in batch])
        for planned, outcome in zip(batch, outcomes, strict=True):
            if outcome.outcome is Outcome.REJECTED:
                assert outcome.code is not None
                raise DomainError(
                    outcome.code,
                    f"The invented program cannot be laid. Of its {phase}, {key(planned)!r} was refused: "
                    f"{outcome.message} Import without the program, or into another tenant.",
                )
            assert outcome.id is not None, "what is not rejected has an id"
            ids[key(planned)] = outcome.id
    return ids


def _influencer(persona: Persona) -> InfluencerInput:
    return InfluencerInput(
        name=persona.name,
        external_id=persona.handle,
        country=persona.country,
        profiles=tuple(
            # Each further platform has half the followers of the one before.
            ProfileInput(platform, persona.handle, followers=persona.followers >> place)
            for place, platform in enumerate(persona.platforms)
        ),
    )


def _campaign(plan: Plan, campaign: CampaignPlan, currency: str) -> CampaignInput:
    sales_goal = Decimal(campaign.sales_goal)
    return CampaignInput(
        name=campaign.name,
        external_id=campaign.key,
        starts_at=plan.start_of(campaign),
        ends_at=plan.end_of(campaign),
        currency=currency,
        # What the goal costs when it is reached.
        budget=sales_goal * campaign.rate,
        engagement_goal=campaign.sales_goal,
        sales_goal=sales_goal,
        attribution_model=campaign.model,
        click_window_days=campaign.window_days,
        commission_rate=campaign.rate,
    )


def _link(link: LinkPlan, influencers: Mapping[str, UUID], campaigns: Mapping[str, UUID]) -> LinkInput:
    return LinkInput(
        influencer_id=influencers[link.persona.handle],
        url=f"{SHOP}/{link.campaign.key}",
        campaign_id=campaigns[link.campaign.key],
        slug=link.slug,
        platform=link.platform,
        utm_source=link.platform.lower(),
        utm_medium=link.medium,
        utm_campaign=link.campaign.key,
    )


def _code(code: CodePlan, influencers: Mapping[str, UUID], campaigns: Mapping[str, UUID]) -> CodeInput:
    return CodeInput(
        influencer_id=influencers[code.persona.handle],
        code=code.code,
        campaign_id=None if code.campaign is None else campaigns[code.campaign.key],
        platform=code.persona.platforms[0],
    )


def _instance(touch: Touch, program: Laid) -> InstanceInput:
    return InstanceInput(
        kind=touch.kind,
        occurred_at=touch.at,
        external_id=touch.external_id,
        link_id=None if touch.link is None else program.links[touch.link.slug],
        code=touch.code,
        country=touch.country,
        visitor_id=touch.visitor_id,
        customer=touch.customer,
        click_id=touch.click_id,
    )


def _engagement(look: Look, program: Laid) -> EngagementInput:
    return EngagementInput(
        platform=look.platform,
        post_id=look.post_id,
        occurred_at=look.at,
        influencer_id=program.influencers[look.persona.handle],
        campaign_id=program.campaigns[look.campaign.key],
        likes=look.likes,
        comments=look.comments,
        shares=look.shares,
        views=look.views,
    )


def _spend(cost: Cost, program: Laid, currency: str) -> SpendInput:
    return SpendInput(
        external_id=cost.external_id,
        occurred_at=cost.at,
        campaign_id=program.campaigns[cost.campaign.key],
        currency=currency,
        amount=cost.amount,
        influencer_id=None if cost.persona is None else program.influencers[cost.persona.handle],
        note=cost.note,
    )
