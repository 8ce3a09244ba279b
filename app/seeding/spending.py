"""Invented spend on the program's campaigns: advertisements by the week, and fees of those who are known well."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.seeding.dice import Dice
from app.seeding.posts import FIRST_DAY
from app.seeding.program import CAMPAIGNS, CampaignPlan, Persona, Plan

ADS_SHARE = 0.03
"""Advertisements for a campaign, as a share of its sales goal."""

OPEN_WEEKS = 52
"""Weeks over which an open campaign's share is spread."""

FEE_REACH_MIN = 100
"""Whoever is met less often takes no fee beside commissions."""

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Cost:
    """Something that was paid for a campaign, in whole units of the tenant's currency. persona: whose fee it is."""

    external_id: str
    at: datetime
    campaign: CampaignPlan
    amount: Decimal
    note: str
    persona: Persona | None = None


def costs(plan: Plan, *, end: datetime) -> Iterator[Cost]:
    """All that was paid, campaign by campaign. end: nothing is paid at or after it."""
    found = [*_fees(plan)]
    for campaign in CAMPAIGNS:
        found += _ads(plan, campaign, end)
    return (cost for cost in found if cost.at < end)


def _fees(plan: Plan) -> Iterator[Cost]:
    for entry in plan.enrolled:
        persona, campaign = entry.persona, entry.campaign
        if campaign is not CAMPAIGNS[0] and persona.reach >= FEE_REACH_MIN:
            yield Cost(
                f"fee-{campaign.key}-{persona.handle}",
                plan.start_of(campaign) + timedelta(days=2, hours=10),
                campaign,
                Decimal(persona.reach * 3 // 2),
                "Fee for posts",
                persona,
            )


def _ads(plan: Plan, campaign: CampaignPlan, end: datetime) -> Iterator[Cost]:
    weeks = OPEN_WEEKS if campaign.end is None else max(1, (campaign.end - campaign.start) // 7)
    weekly = campaign.sales_goal * ADS_SHARE / weeks
    at = plan.first_day + timedelta(days=max(campaign.start, FIRST_DAY), hours=9)
    last = plan.end_of(campaign) or end
    number = 0
    while at < last:
        dice = Dice("ads", campaign.key, number)
        amount = int(weekly * (0.8 + 0.4 * dice.share()))
        yield Cost(f"ads-{campaign.key}-{number}", at, campaign, Decimal(amount), "Advertisements")
        if dice.chance(0.08):
            # Shown to nobody: the agency gives a part back.
            back = Decimal(-max(1, amount // 20))
            yield Cost(f"ads-{campaign.key}-{number}-credit", at + _WEEK, campaign, back, "Credit note")
        at, number = at + _WEEK, number + 1
