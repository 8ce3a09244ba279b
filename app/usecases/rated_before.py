"""How credits were rated before: what is taken out of the tallies when they are rated anew, or put out of force."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.commissions.plans.in_force import load_versions
from app.commissions.plans.ratings import NOTHING, Rating, newest_ratings
from app.commissions.plans.rules import Version
from app.commissions.plans.tallies import Holder, Subject, Tallies, holders_of, period_start
from app.core.context import Ctx
from app.db.session import ReadSession


class Counted(NamedTuple):
    """Holders of tallies, and periods in which they are looked at."""

    holders: frozenset[Holder] = frozenset()
    periods: frozenset[datetime] = frozenset()


NOT_COUNTED = Counted()


@dataclass(frozen=True, slots=True)
class RatedBefore:
    """The newest ratings of some credits, by credit, and the versions that gave them."""

    ratings: Mapping[UUID, Rating] = field(default_factory=dict)
    versions: Mapping[UUID, Version] = field(default_factory=dict)

    def counted(self, ctx: Ctx) -> Counted:
        """Whose tallies they stand in, and in which periods."""
        pairs = [(self.versions[rating.version_id], rating) for rating in self.ratings.values()]
        return Counted(
            frozenset(
                holder
                for version, rating in pairs
                for holder in holders_of(version, rating.influencer_id, rating.campaign_id)
            ),
            frozenset(self._subject(ctx, rating).period_start for version, rating in pairs if version.counts),
        )

    def take_out(self, ctx: Ctx, tallies: Tallies) -> None:
        """Take what they had counted out of the tallies, whose holders are locked."""
        for rating in self.ratings.values():
            tallies.uncount(self.versions[rating.version_id], self._subject(ctx, rating), rating.outcome)

    def of_order(self, order_id: UUID) -> Sequence[Rating]:
        """Those of an order's credits."""
        return [rating for rating in self.ratings.values() if rating.order_id == order_id]

    def ended(self, but: Collection[UUID] = ()) -> list[Rating]:
        """Ratings to append, by which those of all credits but these count for nothing from now on."""
        return [
            replace(rating, sequence=None, budget_sequence=None, outcome=NOTHING)
            for credit_id, rating in self.ratings.items()
            if rating.outcome != NOTHING and credit_id not in but
        ]

    def _subject(self, ctx: Ctx, rating: Rating) -> Subject:
        version = self.versions[rating.version_id]
        start = period_start(version.period, rating.facts.occurred_at, ctx.tenant.reporting_zone)
        return Subject(rating.order_id, rating.influencer_id, rating.campaign_id, start)


async def rated_before(
    ctx: Ctx, session: ReadSession, order_ids: Collection[UUID], fits: Callable[[Rating], bool]
) -> RatedBefore:
    """The newest ratings of these orders' credits, in force or not, that fit. Two statements at most."""
    found = await newest_ratings(ctx, session, order_ids)
    ratings = {credit_id: rating for credit_id, rating in found.items() if fits(rating)}
    return RatedBefore(ratings, await load_versions(ctx, session, {rating.version_id for rating in ratings.values()}))
