"""Which version of which plan holds for an influencer in a campaign at an instant. Read set-wise, then looked up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.commissions.plans.rules import Version, version_of
from app.core.context import Ctx
from app.db.looks import Look
from app.db.session import ReadSession


class Assigned(NamedTuple):
    """From when on a plan holds at a place; None: none does there."""

    effective_from: datetime
    created_at: datetime
    id: UUID
    plan_id: UUID | None


@dataclass(frozen=True, slots=True)
class InForce:
    """What is assigned to the places that were asked for, and the versions of those plans; newest first."""

    tenant: Sequence[Assigned] = ()
    campaigns: Mapping[UUID, Sequence[Assigned]] = field(default_factory=dict)
    enrollments: Mapping[tuple[UUID, UUID], Sequence[Assigned]] = field(default_factory=dict)
    versions: Mapping[UUID, Sequence[Version]] = field(default_factory=dict)

    def version(self, campaign_id: UUID | None, influencer_id: UUID, at: datetime) -> Version | None:
        """The version that holds: of the enrollment's plan, else the campaign's, else the tenant's; None without any.

        A place whose plan says nothing yet at that instant is passed over.
        """
        places: tuple[Sequence[Assigned], ...] = (self.tenant,)
        if campaign_id is not None:
            own = self.enrollments.get((campaign_id, influencer_id), ())
            places = own, self.campaigns.get(campaign_id, ()), self.tenant
        for assigned in places:
            holds = next((one for one in assigned if one.effective_from <= at), None)
            if holds is None or holds.plan_id is None:
                continue
            for version in self.versions[holds.plan_id]:
                if version.effective_from <= at:
                    return version
        return None


NOTHING = InForce()
"""No plan anywhere."""


def look_for_any() -> Look[bool]:
    """Whether the tenant ever assigned a plan anywhere."""
    return Look(
        """/* commission_plans.any */
        SELECT id FROM plan_assignments WHERE tenant_id = $1 LIMIT 1""",
        ("id",),
        bool,
    )


async def load_in_force(ctx: Ctx, session: ReadSession, pairs: Collection[tuple[UUID | None, UUID]]) -> InForce:
    """What may hold for these pairs of campaign and influencer: one statement, and one more where there is a plan."""
    if not pairs:
        return NOTHING
    campaigns = list({campaign_id for campaign_id, _ in pairs if campaign_id is not None})
    rows = await session.fetch(
        """/* commission_plans.assigned */
        SELECT plan_id, effective_from, created_at, id, campaign_id, NULL::uuid AS influencer_id
        FROM plan_assignments
        WHERE tenant_id = $1 AND campaign_id IS NULL AND enrollment_id IS NULL
        UNION ALL
        SELECT plan_id, effective_from, created_at, id, campaign_id, NULL
        FROM plan_assignments
        WHERE tenant_id = $1 AND campaign_id = ANY($2::uuid[])
        UNION ALL
        SELECT assigned.plan_id, assigned.effective_from, assigned.created_at, assigned.id, enrollment.campaign_id,
          enrollment.influencer_id
        FROM enrollments AS enrollment
        JOIN plan_assignments AS assigned
          ON assigned.tenant_id = $1 AND assigned.enrollment_id = enrollment.id
        WHERE enrollment.tenant_id = $1 AND enrollment.campaign_id = ANY($2::uuid[])
          AND enrollment.influencer_id = ANY($3::uuid[])""",
        ctx.tenant_id,
        campaigns,
        list({influencer_id for _, influencer_id in pairs}),
    )
    if not rows:
        return NOTHING
    tenant: list[Assigned] = []
    by_campaign: dict[UUID, list[Assigned]] = {}
    by_enrollment: dict[tuple[UUID, UUID], list[Assigned]] = {}
    for row in rows:
        one = Assigned(row["effective_from"], row["created_at"], row["id"], row["plan_id"])
        if row["influencer_id"] is not None:
            by_enrollment.setdefault((row["campaign_id"], row["influencer_id"]), []).append(one)
        elif row["campaign_id"] is not None:
            by_campaign.setdefault(row["campaign_id"], []).append(one)
        else:
            tenant.append(one)
    plans = {row["plan_id"] for row in rows if row["plan_id"] is not None}
    for assigned in (tenant, *by_campaign.values(), *by_enrollment.values()):
        assigned.sort(key=lambda one: one[:3], reverse=True)
    return InForce(tenant, by_campaign, by_enrollment, await _versions_of_plans(ctx, session, plans))


async def _versions_of_plans(ctx: Ctx, session: ReadSession, plans: Iterable[UUID]) -> dict[UUID, list[Version]]:
    asked = list(plans)
    found: dict[UUID, list[Version]] = {plan_id: [] for plan_id in asked}
    rows = await session.fetch(
        """/* commission_plans.versions */
        SELECT id, plan_id, version, effective_from, period, terms
        FROM commission_plan_versions
        WHERE tenant_id = $1 AND plan_id = ANY($2::uuid[])
        ORDER BY effective_from DESC, version DESC""",
        ctx.tenant_id,
        asked,
    )
    for row in rows:
        found[row["plan_id"]].append(version_of(row))
    return found


async def load_versions(ctx: Ctx, session: ReadSession, ids: Collection[UUID]) -> dict[UUID, Version]:
    """The versions with these ids."""
    rows = (
        await session.fetch(
            """/* commission_plans.versions_named */
            SELECT id, plan_id, version, effective_from, period, terms
            FROM commission_plan_versions
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
            ctx.tenant_id,
            list(ids),
        )
        if ids
        else []
    )
    return {row["id"]: version_of(row) for row in rows}
