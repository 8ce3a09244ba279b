"""An invented program that is laid over imported orders: influencers, campaigns, enrollments, links and codes.

Nobody here is real. Everything follows from the declarations below and from the first day of the data, so that a second
import makes the same program.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.core.words import AttributionModel, Platform
from app.seeding.dice import Dice


@dataclass(frozen=True, slots=True)
class Persona:
    """An influencer. reach: how often they are met, beside others; the first platform is their main one."""

    name: str
    country: str
    platforms: tuple[Platform, ...]
    reach: int

    @property
    def handle(self) -> str:
        """Their name as accounts, codes and links write it."""
        return "".join(letter for letter in self.name.lower() if letter.isalnum())

    @property
    def word(self) -> str:
        """How their codes begin."""
        return self.handle[:10].upper()

    @property
    def followers(self) -> int:
        """Followers on the main platform."""
        return self.reach * 1_300 + len(self.name) * 37


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """A campaign. start, end: days after the first day of the data; no end: open. share: of influencers enrolled."""

    key: str
    name: str
    start: int
    end: int | None
    model: AttributionModel
    window_days: int
    rate: Decimal
    share: float
    sales_goal: int

    def runs(self, day: int) -> bool:
        """Whether the campaign runs on that day of the data."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """A tracking link. medium: its channel."""

    slug: str
    persona: Persona
    campaign: CampaignPlan
    platform: Platform

    @property
    def medium(self) -> str:
        """UTM medium of its platform."""
        return MEDIUMS[self.platform]


@dataclass(frozen=True, slots=True)
class CodePlan:
    """A coupon code; without campaign it holds at any time and earns nothing but credit."""

    code: str
    persona: Persona
    campaign: CampaignPlan | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An influencer in a campaign. rate: their own, or None for the campaign's."""

    persona: Persona
    campaign: CampaignPlan
    rate: Decimal | None


MEDIUMS: dict[Platform, str] = {
    Platform.INSTAGRAM: "social",
    Platform.TIKTOK: "social",
    Platform.YOUTUBE: "video",
    Platform.FACEBOOK: "social",
    Platform.X: "social",
    Platform.TWITCH: "video",
    Platform.PODCAST: "audio",
    Platform.BLOG: "content",
    Platform.NEWSLETTER: "email",
    Platform.OTHER: "other",
}

_I, _T, _Y, _B, _N, _P, _F = (
    Platform.INSTAGRAM,
    Platform.TIKTOK,
    Platform.YOUTUBE,
    Platform.BLOG,
    Platform.NEWSLETTER,
    Platform.PODCAST,
    Platform.FACEBOOK,
)

# Reach falls off as it does in life: the first three are met as often as the other twenty-one together.
PERSONAS: tuple[Persona, ...] = (
    Persona("Mira Kettlewell", "GB", (_I, _T), 420),
    Persona("The Paper Lantern", "GB", (_Y, _I), 300),
    Persona("Oskar & Pine", "DE", (_I, _B), 210),
    Persona("Hanna Bakes", "GB", (_T, _I), 150),
    Persona("Atelier Corbeau", "FR", (_I, _B), 110),
    Persona("Small Rooms Big Tea", "GB", (_Y,), 85),
    Persona("Declan at Home", "IE", (_I, _F), 66),
    Persona("Wrapped in Twine", "GB", (_B, _N), 54),
    Persona("Jules Marchetti", "GB", (_T,), 45),
    Persona("The Tin Soldier", "GB", (_P, _N), 38),
    Persona("Saga Lindqvist", "SE", (_I,), 32),
    Persona("Ribbon Weekly", "GB", (_N,), 28),
    Persona("Casa Azulejo", "ES", (_I, _T), 24),
    Persona("Kitchen Table Crafts", "GB", (_Y, _F), 21),
    Persona("Polly Underhill", "GB", (_I,), 18),
    Persona("Nordlicht Wohnen", "DE", (_B,), 16),
    Persona("Two Mugs", "GB", (_P,), 14),
    Persona("Bunting & Co", "GB", (_F, _I), 12),
    Persona("Lotte van der Meer", "NL", (_I, _Y), 11),
    Persona("Yard Sale Diary", "GB", (_B,), 9),
    Persona("Fete Fairy", "GB", (_T,), 8),
    Persona("Gwen's Garden Shed", "GB", (_Y,), 7),
    Persona("Retro Raj", "GB", (_T, _I), 6),
    Persona("Le Petit Cadeau", "BE", (_N,), 5),
)

_M = AttributionModel

CAMPAIGNS: tuple[CampaignPlan, ...] = (
    CampaignPlan("always-on", "Always on", -90, None, _M.LAST_TOUCH, 30, Decimal("0.08"), 1.0, 400_000),
    CampaignPlan("gift-guide", "Gift guide", 0, 24, _M.LAST_TOUCH, 14, Decimal("0.12"), 0.7, 90_000),
    CampaignPlan("fresh-start", "Fresh start", 34, 75, _M.LINEAR, 21, Decimal("0.10"), 0.5, 60_000),
    CampaignPlan("spring-table", "Spring table", 95, 140, _M.POSITION_BASED, 21, Decimal("0.10"), 0.6, 90_000),
    CampaignPlan("garden-party", "Garden party", 160, 215, _M.TIME_DECAY, 30, Decimal("0.10"), 0.6, 120_000),
    CampaignPlan("flash-week", "Flash week", 230, 237, _M.FIRST_TOUCH, 7, Decimal("0.20"), 0.4, 20_000),
    CampaignPlan("lunchbox", "Lunchbox season", 255, 300, _M.LINEAR, 14, Decimal("0.12"), 0.5, 100_000),
    CampaignPlan("stockings", "Stockings & sleighs", 310, None, _M.POSITION_BASED, 30, Decimal("0.12"), 0.8, 250_000),
)
"""The first one is open to all, all the time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole program. first_day: midnight (UTC) before the first order."""

    first_day: datetime
    enrolled: tuple[Enrolled, ...]
    links: tuple[LinkPlan, ...]
    codes: tuple[CodePlan, ...]

    def day_of(self, at: datetime) -> int:
        """The day of the data on which the instant lies; negative before the first."""
        return (at - self.first_day) // timedelta(days=1)

    def start_of(self, campaign: CampaignPlan) -> datetime:
        """When the campaign starts."""
        return self.first_day + timedelta(days=campaign.start)

    def end_of(self, campaign: CampaignPlan) -> datetime | None:
        """When the campaign ends, None when open."""
        return None if campaign.end is None else self.first_day + timedelta(days=campaign.end)


def plan(first_order_at: datetime, *, prefix: str) -> Plan:
    """The program for data that begin with that order. prefix: of link slugs, which are unique among all tenants."""
    enrolled = tuple(_enrolled())
    return Plan(
        first_day=first_order_at.replace(hour=0, minute=0, second=0, microsecond=0),
        enrolled=enrolled,
        links=tuple(
            LinkPlan(
                f"{prefix}-{entry.persona.handle}-{entry.campaign.key}-{platform.lower()}",
                entry.persona,
                entry.campaign,
                platform,
            )
            for entry in enrolled
            for platform in entry.persona.platforms
        ),
        codes=tuple(_codes(enrolled)),
    )


def _enrolled() -> Iterator[Enrolled]:
    for campaign in CAMPAIGNS:
        for persona in PERSONAS:
            dice = Dice("enrolled", campaign.key, persona.name)
            if not dice.chance(campaign.share):
                continue
            # The best-known negotiate; a few others got a better offer.
            is_better = persona.reach >= 200 or dice.chance(0.1)
            yield Enrolled(persona, campaign, campaign.rate + Decimal("0.03") if is_better else None)


def _codes(enrolled: tuple[Enrolled, ...]) -> Iterator[CodePlan]:
    for number, persona in enumerate(PERSONAS):
        # One in eight has a code of no campaign.
        yield CodePlan(f"{persona.word}10", persona, None if number % 8 == 7 else CAMPAIGNS[0])
    for entry in enrolled:
        persona, campaign = entry.persona, entry.campaign
        if campaign is not CAMPAIGNS[0] and Dice("code", campaign.key, persona.name).chance(0.5):
            yield CodePlan(f"{persona.word}-{campaign.key.partition('-')[0].upper()}", persona, campaign)
