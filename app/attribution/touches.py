"""Finds what judging needs: recorded touches, coupon codes, and the program they belong to. One statement each, for a
whole batch of orders.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.attribution.judge import Touch
from app.attribution.program import CampaignTerms, EnrollmentTerms, Program
from app.core.context import Ctx
from app.core.words import (
    AttributionModel,
    CampaignStatus,
    EnrollmentStatus,
    InfluencerStatus,
    OfferStatus,
    RejectReason,
    TouchKind,
)
from app.db.session import ReadSession

OUT_OF_ORDER = timedelta(days=1)
"""How long after the order a touch of the order's own click id is still looked for, to be shown as AFTER_ORDER."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What an order knows of who led to it. Any of the three may be missing."""

    occurred_at: datetime
    visitor_id: str | None
    click_id: str | None
    customer_id: UUID | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be looked up by it."""
        return self.visitor_id is None and self.click_id is None and self.customer_id is None


@dataclass(frozen=True, slots=True)
class CodeOffer:
    """A coupon code as it was given out."""

    code: str
    influencer_id: UUID
    campaign_id: UUID | None
    platform: str | None
    is_active: bool
    starts_at: datetime | None
    ends_at: datetime | None

    def touch(self, at: datetime) -> Touch:
        """Its use at a checkout."""
        in_force = (
            self.is_active
            and (self.starts_at is None or self.starts_at <= at)
            and (self.ends_at is None or at < self.ends_at)
        )
        return Touch(
            kind=TouchKind.CODE,
            at=at,
            influencer_id=self.influencer_id,
            campaign_id=self.campaign_id,
            code=self.code,
            platform=self.platform,
            refusal=None if in_force else RejectReason.CODE_NOT_IN_FORCE,
        )


async def find_touches(
    ctx: Ctx, session: ReadSession, trails: Sequence[Trail], *, lookback: timedelta, candidates_max: int
) -> dict[int, list[Touch]]:
    """Touches by the trail's number in the sequence, latest first; trails without any are absent.

    Those of the visitor and the customer count up to the order; those of the click id are shown a little beyond. Per
    order the latest candidates_max are looked at.
    """
    asked = [(number, trail) for number, trail in enumerate(trails) if not trail.is_empty]
    if not asked:
        return {}
    # Indexes: instances_visitor, instances_click, instances_customer; partitions outside the days are pruned.
    rows = await session.fetch(
        """/* attribution.find_touches */
        SELECT asked.number, touch.*
        FROM unnest($2::integer[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
            $8::uuid[])
          AS asked (number, since, until, until_click, visitor_id, click_id, customer_id)
        CROSS JOIN LATERAL (
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel
          FROM instances
          WHERE tenant_id = $1 AND visitor_id = asked.visitor_id AND kind IN ('CLICK', 'CODE')
            AND occurred_at BETWEEN asked.since AND asked.until
          UNION
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel
          FROM instances
          WHERE tenant_id = $1 AND customer_id = asked.customer_id AND kind IN ('CLICK', 'CODE')
            AND occurred_at BETWEEN asked.since AND asked.until
          UNION
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel
          FROM instances
          WHERE tenant_id = $1 AND click_id = asked.click_id AND kind IN ('CLICK', 'CODE')
            AND occurred_at BETWEEN asked.since AND asked.until_click
          ORDER BY occurred_at DESC, id DESC
          LIMIT $9
        ) AS touch""",
        ctx.tenant_id,
        [number for number, _ in asked],
        [trail.occurred_at - lookback for _, trail in asked],
        [trail.occurred_at for _, trail in asked],
        [trail.occurred_at + OUT_OF_ORDER for _, trail in asked],
        [trail.visitor_id for _, trail in asked],
        [trail.click_id for _, trail in asked],
        [trail.customer_id for _, trail in asked],
        candidates_max,
    )
    found: dict[int, list[Touch]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(
            Touch(
                kind=TouchKind(row["kind"]),
                at=row["occurred_at"],
                id=row["id"],
                influencer_id=row["influencer_id"],
                campaign_id=row["campaign_id"],
                link_id=row["link_id"],
                code=row["code"],
                platform=row["platform"],
                channel=row["channel"],
            )
        )
    return found


async def find_codes(ctx: Ctx, session: ReadSession, codes: Collection[str]) -> dict[str, CodeOffer]:
    """Those of the codes (upper case) that exist, by their text."""
    if not codes:
        return {}
    rows = await session.fetch(
        """/* attribution.find_codes */
        SELECT code, influencer_id, campaign_id, platform, status, starts_at, ends_at
        FROM codes
        WHERE tenant_id = $1 AND code = ANY($2::text[])""",
        ctx.tenant_id,
        list(codes),
    )
    return {
        row["code"]: CodeOffer(
            code=row["code"],
            influencer_id=row["influencer_id"],
            campaign_id=row["campaign_id"],
            platform=row["platform"],
            is_active=row["status"] == OfferStatus.ACTIVE,
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
        )
        for row in rows
    }


def code_touches(codes: Iterable[str], offers: dict[str, CodeOffer], at: datetime) -> list[Touch]:
    """The codes given at a checkout as candidates, unknown ones among them, in the order given."""
    return [
        Touch(kind=TouchKind.CODE, at=at, code=code, refusal=RejectReason.CODE_UNKNOWN)
        if (offer := offers.get(code)) is None
        else offer.touch(at)
        for code in codes
    ]


async def load_program(ctx: Ctx, session: ReadSession, touches: Iterable[Touch]) -> Program:
    """The influencers, campaigns and enrollments that the touches name, in at most three statements."""
    pairs = {(touch.campaign_id, touch.influencer_id) for touch in touches}
    influencer_ids = list({influencer_id for _, influencer_id in pairs if influencer_id is not None})
    campaign_ids = list({campaign_id for campaign_id, _ in pairs if campaign_id is not None})
    program = Program()
    if influencer_ids:
        rows = await session.fetch(
            """/* attribution.influencers */
            SELECT id, status FROM influencers WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
            ctx.tenant_id,
            influencer_ids,
        )
        program.influencers.update({row["id"]: InfluencerStatus(row["status"]) for row in rows})
    if campaign_ids:
        rows = await session.fetch(
            """/* attribution.campaigns */
            SELECT id, status, starts_at, ends_at, attribution_model, click_window_days, commission_rate
            FROM campaigns
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
            ctx.tenant_id,
            campaign_ids,
        )
        for row in rows:
            program.campaigns[row["id"]] = CampaignTerms(
                status=CampaignStatus(row["status"]),
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                model=AttributionModel(row["attribution_model"]),
                click_window=timedelta(days=row["click_window_days"]),
                rate=row["commission_rate"],
            )
    if influencer_ids and campaign_ids:
        rows = await session.fetch(
            """/* attribution.enrollments */
            SELECT campaign_id, influencer_id, status, commission_rate
            FROM enrollments
            WHERE tenant_id = $1 AND campaign_id = ANY($2::uuid[]) AND influencer_id = ANY($3::uuid[])""",
            ctx.tenant_id,
            campaign_ids,
            influencer_ids,
        )
        for row in rows:
            key = row["campaign_id"], row["influencer_id"]
            program.enrollments[key] = EnrollmentTerms(EnrollmentStatus(row["status"]), row["commission_rate"])
    return program
