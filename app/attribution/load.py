"""Loads what touches are judged by: the tenant's rules, the program that they belong to, and who bought. One statement
each, for a whole batch of orders.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.identities import Buyer, hashes
from app.attribution.judge import Touch
from app.attribution.program import (
    HALF_LIFE,
    CampaignTerms,
    EnrollmentTerms,
    Program,
    Rules,
    history_of,
    named,
)
from app.core.context import Ctx
from app.core.words import (
    AttributionModel,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    PaidSearch,
)
from app.db.session import ReadSession

_UNKNOWN = Buyer()


async def load_rules(ctx: Ctx, session: ReadSession, *, default_window: timedelta) -> tuple[Rules, list[UUID]]:
    """The tenant's own rules, and the campaigns for which views are touches."""
    row = await session.fetchrow(
        """/* attribution.rules */
        SELECT rules.model, rules.half_life_days, rules.window_days, rules.code_policy, rules.paid_search,
          ARRAY(SELECT id FROM campaigns WHERE tenant_id = $1 AND view_window_days > 0) AS viewed
        FROM (SELECT $1::uuid) AS asked (tenant_id)
        LEFT JOIN attribution_rules AS rules ON rules.tenant_id = $1""",
        ctx.tenant_id,
    )
    assert row is not None, "one row is asked for"
    if row["model"] is None:
        return Rules(window=default_window, half_life=HALF_LIFE), row["viewed"]
    rules = Rules(
        window=default_window if row["window_days"] is None else timedelta(days=row["window_days"]),
        model=AttributionModel(row["model"]),
        half_life=timedelta(days=row["half_life_days"]),
        code_policy=CodePolicy(row["code_policy"]),
        paid_search=PaidSearch(row["paid_search"]),
    )
    return rules, row["viewed"]


async def load_program(
    ctx: Ctx, session: ReadSession, touches: Iterable[Touch], *, has_histories: bool = False
) -> Program:
    """The influencers, campaigns and enrollments that the touches name, in at most three statements.

    has_histories: with the statuses that they had before, in one more.
    """
    campaign_ids, influencer_ids = named({(touch.campaign_id, touch.influencer_id) for touch in touches})
    program = Program()
    if influencer_ids:
        rows = await session.fetch(
            """/* attribution.influencers */
            SELECT id, status, email_hash, customer,
              ARRAY(
                SELECT reference FROM payout_methods
                WHERE tenant_id = $1 AND influencer_id = influencers.id AND reference IS NOT NULL
              ) AS accounts
            FROM influencers
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
            ctx.tenant_id,
            influencer_ids,
        )
        for row in rows:
            program.influencers[row["id"]] = InfluencerStatus(row["status"])
            own = frozenset() if row["email_hash"] is None else frozenset({row["email_hash"]})
            buyer = Buyer(row["customer"], own | hashes(ctx.tenant_id, row["accounts"]))
            if buyer != _UNKNOWN:
                program.buyers[row["id"]] = buyer
    if campaign_ids:
        rows = await session.fetch(
            """/* attribution.campaigns */
            SELECT id, status, starts_at, ends_at, attribution_model, click_window_days, view_window_days,
              code_window_days, half_life_days, code_policy, paid_search, commission_rate
            FROM campaigns
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
            ctx.tenant_id,
            campaign_ids,
        )
        program.campaigns.update({row["id"]: _terms(row) for row in rows})
    if influencer_ids and campaign_ids:
        rows = await session.fetch(
            """/* attribution.enrollments */
            SELECT id, campaign_id, influencer_id, status, commission_rate
            FROM enrollments
            WHERE tenant_id = $1 AND campaign_id = ANY($2::uuid[]) AND influencer_id = ANY($3::uuid[])""",
            ctx.tenant_id,
            campaign_ids,
            influencer_ids,
        )
        for row in rows:
            key = row["campaign_id"], row["influencer_id"]
            program.enrollments[key] = EnrollmentTerms(EnrollmentStatus(row["status"]), row["commission_rate"])
            program.enrollment_ids[key] = row["id"]
    if has_histories:
        await _load_histories(ctx, session, program)
    return program


def _terms(row: Any) -> CampaignTerms:
    return CampaignTerms(
        status=CampaignStatus(row["status"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        model=None if row["attribution_model"] is None else AttributionModel(row["attribution_model"]),
        click_window=timedelta(days=row["click_window_days"]),
        rate=row["commission_rate"],
        view_window=timedelta(days=row["view_window_days"]),
        code_window=None if row["code_window_days"] is None else timedelta(days=row["code_window_days"]),
        half_life=None if row["half_life_days"] is None else timedelta(days=row["half_life_days"]),
        code_policy=CodePolicy(row["code_policy"]),
        paid_search=PaidSearch(row["paid_search"]),
    )


async def _load_histories(ctx: Ctx, session: ReadSession, program: Program) -> None:
    ids = [*program.influencers, *program.campaigns, *program.enrollment_ids.values()]
    if not ids:
        return
    rows = await session.fetch(
        """/* attribution.histories */
        SELECT entity_id, since, status
        FROM program_statuses
        WHERE tenant_id = $1 AND kind IN ('INFLUENCER', 'CAMPAIGN', 'ENROLLMENT') AND entity_id = ANY($2::uuid[])
        ORDER BY entity_id, since""",
        ctx.tenant_id,
        ids,
    )
    entries: dict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
    for row in rows:
        entries[row["entity_id"]].append((row["since"], row["status"]))
    program.histories.update({entity_id: history_of(found) for entity_id, found in entries.items()})


async def load_buyers(ctx: Ctx, session: ReadSession, customer_ids: Collection[UUID]) -> dict[UUID, Buyer]:
    """Who the customers are, as far as it is known."""
    if not customer_ids:
        return {}
    rows = await session.fetch(
        """/* attribution.buyers */
        SELECT customers.id, customers.external_id, known.email
        FROM customers
        LEFT JOIN customer_identities AS known ON known.tenant_id = $1 AND known.customer_id = customers.id
        WHERE customers.tenant_id = $1 AND customers.id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(customer_ids),
    )
    return {row["id"]: Buyer(row["external_id"], hashes(ctx.tenant_id, [row["email"]])) for row in rows}
