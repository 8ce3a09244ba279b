"""Loads what touches are judged by: the tenant's rules, the program that they belong to, and who bought. For a whole
batch of orders.
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
from app.attribution.rules import RULES, OwnRules
from app.core.context import Ctx
from app.core.words import (
    AttributionModel,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    PaidSearch,
)
from app.db.looks import Look, ask
from app.db.session import ReadSession

_UNKNOWN = Buyer()


def look_for_rules(default_window: timedelta) -> Look[Rules]:
    """The tenant's own rules."""

    def read(own: OwnRules | None) -> Rules:
        if own is None:
            return Rules(window=default_window, half_life=HALF_LIFE)
        return Rules(
            window=default_window if own.window_days is None else timedelta(days=own.window_days),
            model=own.model,
            half_life=timedelta(days=own.half_life_days),
            code_policy=own.code_policy,
            paid_search=own.paid_search,
        )

    return RULES.look(read)


def look_for_viewed() -> Look[list[UUID]]:
    """The campaigns for which views are touches."""
    return Look(
        """/* attribution.viewed */
        SELECT id FROM campaigns WHERE tenant_id = $1 AND view_window_days > 0""",
        ("id",),
        lambda rows: [id for (id,) in rows],
    )


_TERMS = (
    "id",
    "status",
    "starts_at",
    "ends_at",
    "attribution_model",
    "click_window_days",
    "view_window_days",
    "code_window_days",
    "half_life_days",
    "code_policy",
    "paid_search",
    "commission_rate",
)


class ProgramLooks:
    """What is looked for of influencers, of campaigns, and of the enrollments of these influencers in these campaigns.

    campaign_ids, influencer_ids: those that were found.
    """

    def __init__(self, influencers: str, whose: list[Any], campaigns: str, which: list[Any]) -> None:
        """influencers, campaigns: conditions on their ids, where {} is the number of their parameter: whose, which."""
        own = influencers.format(2)
        self._influencers = Look(
            f"""/* attribution.influencers */
            SELECT id, status, email_hash, customer
            FROM influencers
            WHERE tenant_id = $1 AND id {own}""",  # noqa: S608 - declared texts
            ("id", "status", "email_hash", "customer"),
            list,
            whose,
        )
        self._accounts = Look(
            f"""/* attribution.accounts */
            SELECT influencer_id, reference
            FROM payout_methods
            WHERE tenant_id = $1 AND influencer_id {own} AND reference IS NOT NULL""",  # noqa: S608 - declared texts
            ("influencer_id", "reference"),
            list,
            whose,
        )
        self._campaigns = Look(
            f"""/* attribution.campaigns */
            SELECT {", ".join(_TERMS)}
            FROM campaigns
            WHERE tenant_id = $1 AND id {campaigns.format(2)}""",  # noqa: S608 - declared texts
            _TERMS,
            list,
            which,
        )
        self._enrollments = Look(
            f"""/* attribution.enrollments */
            SELECT id, campaign_id, influencer_id, status, commission_rate
            FROM enrollments
            WHERE tenant_id = $1 AND campaign_id {campaigns.format(2)}
              AND influencer_id {influencers.format(3)}""",  # noqa: S608 - declared texts
            ("id", "campaign_id", "influencer_id", "status", "commission_rate"),
            list,
            which,
            whose,
        )

    @property
    def all(self) -> tuple[Look[Any], ...]:
        """All of them."""
        return self._influencers, self._accounts, self._campaigns, self._enrollments

    @property
    def campaign_ids(self) -> set[UUID]:
        """The campaigns found."""
        return {values[0] for values in self._campaigns.found}

    @property
    def influencer_ids(self) -> set[UUID]:
        """The influencers found."""
        return {values[0] for values in self._influencers.found}

    def program(self, ctx: Ctx) -> Program:
        """What was found."""
        program = Program()
        paid_to: dict[UUID, list[str]] = defaultdict(list)
        for influencer_id, reference in self._accounts.found:
            paid_to[influencer_id].append(reference)
        for influencer_id, status, email_hash, customer in self._influencers.found:
            program.influencers[influencer_id] = InfluencerStatus(status)
            own = frozenset() if email_hash is None else frozenset({email_hash})
            buyer = Buyer(customer, own | hashes(ctx.tenant_id, paid_to[influencer_id]))
            if buyer != _UNKNOWN:
                program.buyers[influencer_id] = buyer
        for values in self._campaigns.found:
            program.campaigns[values[0]] = _terms(dict(zip(_TERMS, values, strict=True)))
        for enrollment_id, campaign_id, influencer_id, status, rate in self._enrollments.found:
            key = campaign_id, influencer_id
            program.enrollments[key] = EnrollmentTerms(EnrollmentStatus(status), rate)
            program.enrollment_ids[key] = enrollment_id
        return program


def look_for_program(codes: Collection[str]) -> ProgramLooks:
    """Whose and for which campaigns the codes are."""
    given = list(codes)
    of_codes = "IN (SELECT {}_id FROM codes WHERE tenant_id = $1 AND code = ANY(${{}}::text[]))"
    return ProgramLooks(of_codes.format("influencer"), given, of_codes.format("campaign"), given)


async def load_program(
    ctx: Ctx, session: ReadSession, touches: Iterable[Touch], *, known: ProgramLooks, has_histories: bool = False
) -> Program:
    """The influencers, campaigns and enrollments that the touches name, in one statement; none where they are known.

    has_histories: with the statuses that they had before, in one more.
    """
    campaign_ids, influencer_ids = named({(touch.campaign_id, touch.influencer_id) for touch in touches})
    if not (known.campaign_ids.issuperset(campaign_ids) and known.influencer_ids.issuperset(influencer_ids)):
        known = ProgramLooks("= ANY(${}::uuid[])", influencer_ids, "= ANY(${}::uuid[])", campaign_ids)
        await ask(ctx, session, *known.all)
    program = known.program(ctx)
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
