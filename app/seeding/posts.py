"""Invented posts of the program's influencers, with what they had gathered each time somebody looked.

Everybody posts about once a month, and for each campaign once on each of their platforms. A post is looked at daily for
a week, then weekly; every platform tells what it tells in life.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.words import Platform
from app.seeding.dice import Dice
from app.seeding.program import CAMPAIGNS, CampaignPlan, Persona, Plan

FIRST_DAY = -28
"""Day of the data on which the first posts appear: the first order's buyers had something to see."""

EVERY_DAYS = 28
"""Days between two posts of an influencer for the campaign that is always on."""

LOOKS_DAYS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
"""Ages of a post at which its figures are taken."""

TOLD: dict[Platform, frozenset[str]] = {
    Platform.INSTAGRAM: frozenset({"likes", "comments", "shares", "views"}),
    Platform.TIKTOK: frozenset({"likes", "comments", "shares", "views"}),
    Platform.YOUTUBE: frozenset({"likes", "comments", "views"}),
    Platform.FACEBOOK: frozenset({"likes", "comments", "shares"}),
    Platform.BLOG: frozenset({"comments", "views"}),
    Platform.PODCAST: frozenset({"views"}),
    Platform.NEWSLETTER: frozenset({"views"}),
}
"""Figures that are known of a post; those of other platforms are its views alone."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Look:
    """What a post had gathered at a time. None: its platform does not tell."""

    post_id: str
    persona: Persona
    campaign: CampaignPlan
    platform: Platform
    at: datetime
    likes: int | None
    comments: int | None
    shares: int | None
    views: int | None


def looks(plan: Plan, *, end: datetime) -> Iterator[Look]:
    """All looks at all posts, post by post. end: nothing happens at or after it."""
    for entry in plan.enrolled:
        persona, campaign = entry.persona, entry.campaign
        if campaign is CAMPAIGNS[0]:
            dice = Dice("posts", persona.name)
            day, number = FIRST_DAY + dice.below(EVERY_DAYS), 0
            while plan.first_day + day * _DAY < end:
                platform = persona.platforms[0] if dice.chance(0.7) else dice.pick(persona.platforms)
                yield from _post(plan, persona, campaign, platform, day, number, end)
                day, number = day + EVERY_DAYS - 4 + dice.below(9), number + 1
        else:
            for number, platform in enumerate(persona.platforms):
                day = campaign.start + Dice("launch", campaign.key, persona.name, platform).below(5)
                yield from _post(plan, persona, campaign, platform, day, number, end)


def _post(
    plan: Plan,
    persona: Persona,
    campaign: CampaignPlan,
    platform: Platform,
    day: int,
    number: int,
    end: datetime,
) -> Iterator[Look]:
    post_id = f"{persona.handle}-{campaign.key}-{number}"
    dice = Dice("post", post_id)
    followers = persona.followers >> persona.platforms.index(platform)
    # Some posts go far beyond their followers, most stay well below.
    views = int(followers * (0.1 + 1.4 * dice.share() ** 3))
    likes = int(views * (0.02 + 0.06 * dice.share()))
    final = {
        "views": views,
        "likes": likes,
        "comments": int(likes * (0.03 + 0.07 * dice.share())),
        "shares": int(likes * (0.02 + 0.05 * dice.share())),
    }
    # Platforms take false accounts away: a few posts have less in the end than before.
    is_cleaned = dice.chance(0.05)
    posted_at = plan.first_day + day * _DAY + timedelta(minutes=7 * 60 + dice.below(12 * 60))
    told = TOLD.get(platform, frozenset({"views"}))
    for age in LOOKS_DAYS:
        at = posted_at + age * _DAY
        if at >= end:
            return
        grown = (1 - 0.55**age) * (0.97 if is_cleaned and age >= 14 else 1)
        figures = {name: int(figure * grown) if name in told else None for name, figure in final.items()}
        yield Look(post_id, persona, campaign, platform, at, **figures)
