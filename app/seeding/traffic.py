"""Invented traffic that is laid over imported orders: who clicked what before buying, and who only looked.

Every order's story follows from its number; so does each day's browsing. About two in five orders end up credited;
some were reached too early, too late, or by a code that nobody owns, and attribution must refuse them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.words import InstanceKind
from app.integrations.online_retail import Invoice
from app.seeding.dice import Dice, Wheel
from app.seeding.program import CAMPAIGNS, PERSONAS, CodePlan, LinkPlan, Persona, Plan

BROWSING_PER_ORDER = 1.5
"""Clicks and views that lead to no order, for each order."""

STORE_CODE = "WELCOME5"
"""A coupon of the store itself: no influencer's."""

LEAD_DAYS = 90
"""How long before the first order the traffic may begin."""

# Weights of the weekdays, Monday first: people browse at weekends, when this shop sells nothing on Saturdays.
_RHYTHM = (9, 9, 10, 11, 12, 14, 13)
_DAY = timedelta(days=1)
_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Touch:
    """An instance to record. link: what was clicked; a CODE instance has a code instead."""

    external_id: str
    kind: InstanceKind
    at: datetime
    link: LinkPlan | None = None
    code: str | None = None
    visitor_id: str | None = None
    click_id: str | None = None
    customer: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What an order brings along, and what came before it."""

    visitor_id: str | None
    click_id: str | None
    codes: tuple[str, ...]
    touches: tuple[Touch, ...]


class Traffic:
    """All touches of a data set, and each order's part in them. end: nothing happens at or after it."""

    def __init__(
        self, plan: Plan, invoices: Iterable[Invoice], *, end: datetime, browsing: float = BROWSING_PER_ORDER
    ) -> None:
        self.plan = plan
        self.end = end
        self._browsing_per_order = browsing
        self._orders = [invoice for invoice in invoices if invoice.is_order and not invoice.is_late]
        self._wheel = Wheel(PERSONAS, [persona.reach for persona in PERSONAS])
        self._links: dict[tuple[str, str], list[LinkPlan]] = {}
        for link in plan.links:
            self._links.setdefault((link.persona.name, link.campaign.key), []).append(link)
        self._codes: dict[str, list[CodePlan]] = {}
        for code in plan.codes:
            self._codes.setdefault(code.persona.name, []).append(code)

    def story(self, invoice: Invoice) -> Story:
        """The order's story: the same for the same invoice number."""
        dice = Dice("order", invoice.number)
        fate = dice.share()
        visitor = self._visitor(invoice, dice)
        if fate < 0.14:
            persona = self._wheel.spin(dice)
            code = self._code(persona, invoice.occurred_at, dice)
            touches = self._journey(invoice, visitor, dice, first=persona) if dice.chance(0.35) else ()
            return Story(visitor, None, (code,), touches)
        if fate < 0.33:
            touches = self._journey(invoice, visitor, dice)
            click_id = touches[-1].click_id if dice.chance(0.3) else None
            return Story(visitor, click_id, (), touches)
        if fate < 0.38:
            # Too early, or after the fact: never credited.
            delay = timedelta(days=-1 - dice.below(3)) if dice.chance(0.3) else timedelta(days=35 + dice.below(50))
            touch = self._click(invoice, 0, visitor, invoice.occurred_at - delay, self._wheel.spin(dice), dice)
            return Story(visitor, None, (), (touch,) if touch.at < self.end else ())
        if fate < 0.41:
            return Story(visitor, None, (STORE_CODE,), ())
        # Half of the others block cookies.
        return Story(visitor if dice.chance(0.5) else None, None, (), ())

    def touches(self) -> Iterator[Touch]:
        """All touches that lead to orders, then all browsing; each part in the order of the data."""
        for invoice in self._orders:
            yield from self.story(invoice).touches
        yield from self._browsing()

    def _visitor(self, invoice: Invoice, dice: Dice) -> str:
        # A customer keeps a device for about a quarter of a year; a guest is a new visitor each time.
        if invoice.customer is None:
            return f"v-{dice.number():016x}"
        quarter = self.plan.day_of(invoice.occurred_at) // 91
        return f"v-{Dice('device', invoice.customer, quarter).number():016x}"

    def _journey(
        self, invoice: Invoice, visitor: str, dice: Dice, *, first: Persona | None = None
    ) -> tuple[Touch, ...]:
        # One to four clicks, the last within minutes to a day of the order, the others up to some weeks before.
        count = 1 + sum(dice.chance(0.4) for _ in range(3))
        at = invoice.occurred_at - timedelta(minutes=2 + int(1_400 * dice.share() ** 3))
        touches = []
        for number in range(count):
            persona = first if first is not None and number == 0 else self._wheel.spin(dice)
            touches.append(self._click(invoice, number, visitor, at, persona, dice))
            at -= timedelta(minutes=30 + int(18 * 1_440 * dice.share() ** 2))
        return tuple(reversed(touches))

    def _click(self, invoice: Invoice, number: int, visitor: str, at: datetime, persona: Persona, dice: Dice) -> Touch:
        return Touch(
            external_id=f"click-{invoice.number}-{number}",
            kind=InstanceKind.CLICK,
            at=at,
            link=self._link(persona, at, dice),
            visitor_id=visitor,
            click_id=f"c-{invoice.number}-{number}",
            customer=invoice.customer if dice.chance(0.2) else None,
            country=invoice.country,
        )

    def _link(self, persona: Persona, at: datetime, dice: Dice) -> LinkPlan:
        day = self.plan.day_of(at)
        running = [
            links
            for campaign in CAMPAIGNS[1:]
            if campaign.runs(day) and (links := self._links.get((persona.name, campaign.key)))
        ]
        links = dice.pick(running) if running and dice.chance(0.6) else self._links[persona.name, CAMPAIGNS[0].key]
        return links[0] if dice.chance(0.7) else dice.pick(links)

    def _code(self, persona: Persona, at: datetime, dice: Dice) -> str:
        day = self.plan.day_of(at)
        codes = [code for code in self._codes[persona.name] if code.campaign is None or code.campaign.runs(day)]
        # The newest: a campaign's own code rather than the one for always.
        return codes[-1].code if dice.chance(0.7) else dice.pick(codes).code

    def _browsing(self) -> Iterator[Touch]:
        days = Counter(self.plan.day_of(invoice.occurred_at) for invoice in self._orders)
        for day in range(min(days, default=0), max(days, default=-1) + 1):
            week = sum(days[near] for near in range(day - 3, day + 4))
            start = self.plan.first_day + day * _DAY
            wanted = week * self._browsing_per_order * _RHYTHM[start.weekday()] / sum(_RHYTHM)
            dice = Dice("browsing", day)
            for number in range(int(wanted) + dice.chance(wanted % 1)):
                touch = self._glance(day, number, start)
                if touch.at < self.end:
                    yield touch

    def _glance(self, day: int, number: int, start: datetime) -> Touch:
        dice = Dice("glance", day, number)
        # The sum of three draws is a hill: most look in the afternoon, few at night.
        seconds = sum(dice.below(_SECONDS // 4) for _ in range(3)) + _SECONDS // 6
        at = start + timedelta(seconds=seconds)
        kind = _KINDS.spin(dice)
        # Guests of the shop come back a few times; the pool of visitors is smaller than the clicks.
        visitor = f"v-{Dice('guest', day // 14, dice.below(400)).number():016x}" if dice.chance(0.85) else None
        return Touch(
            external_id=f"glance-{day}-{number}",
            kind=kind,
            at=at,
            link=self._link(self._wheel.spin(dice), at, dice),
            visitor_id=visitor,
            country=_COUNTRIES.spin(dice),
        )


_KINDS: Wheel[InstanceKind] = Wheel(
    (InstanceKind.CLICK, InstanceKind.VIEW, InstanceKind.SIGNUP, InstanceKind.OTHER), (80, 14, 4, 2)
)
_VISITED_FROM: Sequence[str | None] = ("GB", "DE", "FR", "IE", "ES", "NL", None)
_COUNTRIES: Wheel[str | None] = Wheel(_VISITED_FROM, (70, 6, 6, 5, 3, 3, 7))
