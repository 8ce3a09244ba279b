"""What the ratings of plans have summed to: read, locked, counted up in memory in the order of recording, written.

Whoever rates for a plan that counts locks, for each influencer (and, where there is a budget, each campaign), the row
that numbers the ratings. So ratings come one after the other, and each has its number.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from app.commissions.plans.evaluate import REVENUE, Rated
from app.commissions.plans.rules import Version
from app.core.context import Ctx
from app.core.timegrain import Granularity, first_instant, floor, local_date
from app.core.words import PlanCap, PlanPeriod
from app.db.session import ReadSession, WriteSession

EARNED = ":earned"
SEQUENCE = ":sequence"
FOR_EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of the one period of what counts for ever: no order is older."""

Holder: TypeAlias = tuple[UUID, UUID]
"""A plan, and the influencer or campaign whose ratings it counts."""


class Key(NamedTuple):
    """Names a tally."""

    plan_id: UUID
    holder_id: UUID
    counter: str
    period_start: datetime


@dataclass(slots=True)
class Tally:
    """Sums of one counter: minor units of the tenant's currency, and orders in 1e-9."""

    volume: int = 0
    orders: int = 0
    earned: int = 0


@dataclass(slots=True)
class Tallies:
    """The tallies of some holders, kept up as credits are rated. sequences: of each holder's newest rating."""

    sums: dict[Key, Tally] = field(default_factory=dict)
    sequences: dict[Holder, int] = field(default_factory=dict)
    changed: set[Key] = field(default_factory=set)
    of_orders: dict[tuple[UUID, UUID, UUID], int] = field(default_factory=dict)

    def volumes(self, version: Version, subject: "Subject") -> dict[str, tuple[int, int]]:
        """What was counted before this credit, by counter (`Before.volumes`)."""
        volumes = {}
        counters = {rule.key for rule in version.rules if rule.tiers} | ({REVENUE} if version.bonuses else set())
        for counter in counters:
            tally = self.sums.get(_in_period(version, subject, counter))
            if tally is not None:
                volumes[counter] = tally.volume, tally.orders
        return volumes

    def rooms(self, version: Version, subject: "Subject") -> dict[PlanCap, int]:
        """What each cap leaves this credit, after all that was earned before (`Before.rooms`)."""
        return {
            cap: max(0, most - self._earned(cap, version, subject))
            for cap, most in version.caps.items()
            if cap is not PlanCap.CAMPAIGN or subject.campaign_id is not None
        }

    def count_volumes(self, version: Version, subject: "Subject", added: Mapping[str, tuple[int, int]]) -> None:
        """Add what a credit adds to each counter: the next credit of its order sees it, before either earns."""
        if not version.counts:
            return
        for counter, (volume, orders) in added.items():
            tally = self._of(_in_period(version, subject, counter))
            tally.volume += volume
            tally.orders += orders

    def count_earned(self, version: Version, subject: "Subject", rated: Rated) -> tuple[int | None, int | None]:
        """Add what was earned; the rating's numbers among those of its influencer and of its campaign's budget."""
        if PlanCap.ORDER in version.caps:
            of_order = version.plan_id, subject.influencer_id, subject.order_id
            self.of_orders[of_order] = self.of_orders.get(of_order, 0) + (rated.amount.base or 0)
        if not version.counts:
            return None, None
        for key in self._earned_in(version, subject):
            self._of(key).earned += rated.earned
        budget = subject.campaign_id if PlanCap.CAMPAIGN in version.caps else None
        sequence = self._next(version.plan_id, subject.influencer_id)
        return sequence, None if budget is None else self._next(version.plan_id, budget)

    def uncount(self, version: Version, subject: "Subject", outcome: Mapping[str, Any]) -> None:
        """Take away what a rating of this outcome (`Rating.outcome`) had added."""
        if not version.counts:
            return
        for counter, (volume, orders) in outcome["added"].items():
            tally = self._of(_in_period(version, subject, counter))
            tally.volume -= volume
            tally.orders -= orders
        for key in self._earned_in(version, subject):
            self._of(key).earned -= outcome["earned"]

    def _earned_in(self, version: Version, subject: "Subject") -> set[Key]:
        # Of a version that counts for ever the period is the whole.
        keys = {_in_period(version, subject, EARNED), Key(version.plan_id, subject.influencer_id, EARNED, FOR_EVER)}
        if PlanCap.CAMPAIGN in version.caps and subject.campaign_id is not None:
            keys.add(Key(version.plan_id, subject.campaign_id, EARNED, FOR_EVER))
        return keys

    def _earned(self, cap: PlanCap, version: Version, subject: "Subject") -> int:
        plan_id, influencer_id = version.plan_id, subject.influencer_id
        match cap:
            case PlanCap.ORDER:
                return self.of_orders.get((plan_id, influencer_id, subject.order_id), 0)
            case PlanCap.PERIOD:
                key = _in_period(version, subject, EARNED)
            case PlanCap.INFLUENCER:
                key = Key(plan_id, influencer_id, EARNED, FOR_EVER)
            case PlanCap.CAMPAIGN:
                assert subject.campaign_id is not None, "a budget is a campaign's"
                key = Key(plan_id, subject.campaign_id, EARNED, FOR_EVER)
        tally = self.sums.get(key)
        return 0 if tally is None else tally.earned

    def _of(self, key: Key) -> Tally:
        self.changed.add(key)
        return self.sums.setdefault(key, Tally())

    def _next(self, plan_id: UUID, holder_id: UUID) -> int:
        number = self.sequences.get((plan_id, holder_id), 0) + 1
        self.sequences[plan_id, holder_id] = number
        return number


class Subject(NamedTuple):
    """Whose credit of which order is rated, and in which period it counts."""

    order_id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    period_start: datetime


def _in_period(version: Version, subject: Subject, counter: str) -> Key:
    return Key(version.plan_id, subject.influencer_id, _named(version.period, counter), subject.period_start)


@lru_cache(maxsize=10_000)
def _named(period: PlanPeriod, counter: str) -> str:
    # Months, quarters and years may start at the same instant, and are counted apart.
    return counter if period is PlanPeriod.ALL_TIME else f"{period.value} {counter}"


def period_start(period: PlanPeriod, at: datetime, zone_name: str) -> datetime:
    """The start of the local calendar period that holds the instant."""
    return FOR_EVER if period is PlanPeriod.ALL_TIME else _start(period, local_date(at, zone_name), zone_name)


@lru_cache(maxsize=10_000)
def _start(period: PlanPeriod, day: date, zone_name: str) -> datetime:
    return floor(first_instant(day, zone_name), Granularity(period.value), zone_name)


def holders_of(version: Version, influencer_id: UUID, campaign_id: UUID | None) -> list[Holder]:
    """Whose ratings are counted when this credit is rated."""
    if not version.counts:
        return []
    found = [(version.plan_id, influencer_id)]
    if PlanCap.CAMPAIGN in version.caps and campaign_id is not None:
        found.append((version.plan_id, campaign_id))
    return found


async def lock_holders(ctx: Ctx, session: WriteSession, holders: Collection[Holder]) -> None:
    """Wait until nobody else rates for these holders, and hold them until the end of the transaction."""
    if not holders:
        return
    # Calls that share a transaction would give it up at once, and then wait for each other alone.
    session.wait_patiently()
    # Sorted: batches that count for the same holders wait for each other instead of blocking each other.
    asked = sorted(holders)
    await session.execute(
        """/* commission_tallies.lock */
        INSERT INTO commission_tallies (tenant_id, plan_id, holder_id, counter, period_start)
        SELECT $1, asked.plan_id, asked.holder_id, $4, $5
        FROM unnest($2::uuid[], $3::uuid[]) AS asked (plan_id, holder_id)
        ON CONFLICT (tenant_id, plan_id, holder_id, counter, period_start)
        DO UPDATE SET sequence = commission_tallies.sequence""",
        ctx.tenant_id,
        [plan_id for plan_id, _ in asked],
        [holder_id for _, holder_id in asked],
        SEQUENCE,
        FOR_EVER,
    )


async def load_tallies(
    ctx: Ctx, session: ReadSession, holders: Collection[Holder], periods: Iterable[datetime]
) -> Tallies:
    """The tallies of these holders, in these periods and for ever."""
    tallies = Tallies()
    if not holders:
        return tallies
    rows = await session.fetch(
        """/* commission_tallies.read */
        SELECT tally.plan_id, tally.holder_id, tally.counter, tally.period_start, tally.sequence, tally.volume_minor,
          tally.orders_e9, tally.earned_minor
        FROM unnest($2::uuid[], $3::uuid[]) AS asked (plan_id, holder_id)
        JOIN commission_tallies AS tally
          ON tally.tenant_id = $1 AND tally.plan_id = asked.plan_id AND tally.holder_id = asked.holder_id
        WHERE tally.tenant_id = $1 AND tally.period_start = ANY($4::timestamptz[])""",
        ctx.tenant_id,
        [plan_id for plan_id, _ in holders],
        [holder_id for _, holder_id in holders],
        list({FOR_EVER, *periods}),
    )
    for plan_id, holder_id, counter, start, sequence, volume, orders, earned in rows:
        if counter == SEQUENCE:
            tallies.sequences[plan_id, holder_id] = sequence
        else:
            tallies.sums[Key(plan_id, holder_id, counter, start)] = Tally(volume, orders, earned)
    return tallies


async def write_tallies(ctx: Ctx, session: WriteSession, tallies: Tallies) -> None:
    """Write what changed, in one statement. The holders are locked."""
    sums: Mapping[Key, Tally] = tallies.sums
    rows = [(key, 0, sums[key]) for key in tallies.changed]
    rows += [
        (Key(plan_id, holder_id, SEQUENCE, FOR_EVER), sequence, Tally())
        for (plan_id, holder_id), sequence in tallies.sequences.items()
    ]
    if not rows:
        return
    rows.sort(key=lambda row: row[0])
    await session.execute(
        """/* commission_tallies.write */
        INSERT INTO commission_tallies (tenant_id, plan_id, holder_id, counter, period_start, sequence, volume_minor,
          orders_e9, earned_minor)
        SELECT $1, counted.*
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[])
          AS counted (plan_id, holder_id, counter, period_start, sequence, volume_minor, orders_e9, earned_minor)
        ON CONFLICT (tenant_id, plan_id, holder_id, counter, period_start)
        DO UPDATE SET sequence = excluded.sequence, volume_minor = excluded.volume_minor,
          orders_e9 = excluded.orders_e9, earned_minor = excluded.earned_minor""",
        ctx.tenant_id,
        [key.plan_id for key, _, _ in rows],
        [key.holder_id for key, _, _ in rows],
        [key.counter for key, _, _ in rows],
        [key.period_start for key, _, _ in rows],
        [sequence for _, sequence, _ in rows],
        [tally.volume for _, _, tally in rows],
        [tally.orders for _, _, tally in rows],
        [tally.earned for _, _, tally in rows],
    )
