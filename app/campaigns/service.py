"""Campaigns: what they may be. Rules are pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from app.campaigns.inputs import CampaignChange, CampaignInput
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_amount, checked_currency
from app.core.texts import checked_external_id, checked_text
from app.core.unset import given
from app.core.words import AttributionModel, CampaignStatus, CodePolicy, PaidSearch, ProgramKind
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.db.statuses import keep_statuses
from app.errors import DomainError
from app.tables import Campaign

WINDOW_DAYS_MAX = 730
HALF_LIFE_DAYS_MAX = 365
GOAL_MAX = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact."""

CHANGEABLE = (
    "name",
    "status",
    "starts_at",
    "ends_at",
    "budget_minor",
    "engagement_goal",
    "sales_goal_minor",
    "attribution_model",
    "click_window_days",
    "view_window_days",
    "code_window_days",
    "half_life_days",
    "code_policy",
    "paid_search",
    "commission_rate",
)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign. Amounts in minor units of its currency."""

    id: UUID
    external_id: str | None
    name: str
    status: CampaignStatus
    starts_at: datetime
    ends_at: datetime | None
    currency: str
    budget_minor: int | None
    engagement_goal: int | None
    sales_goal_minor: int | None
    attribution_model: AttributionModel | None
    click_window_days: int
    view_window_days: int
    code_window_days: int | None
    half_life_days: int | None
    code_policy: CodePolicy
    paid_search: PaidSearch
    commission_rate: Decimal
    created_at: datetime
    updated_at: datetime


def drafted(ctx: Ctx, default_window_days: int, item: CampaignInput) -> CampaignRow:
    """The new campaign. Raises DomainError."""
    currency = ctx.tenant.currency if item.currency is None else checked_currency(item.currency)
    return _checked(
        CampaignRow(
            id=new_id(),
            external_id=item.external_id,
            name=item.name,
            status=item.status,
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            currency=currency,
            budget_minor=_minor(item.budget, currency, "budget"),
            engagement_goal=item.engagement_goal,
            sales_goal_minor=_minor(item.sales_goal, currency, "salesGoal"),
            attribution_model=item.attribution_model,
            click_window_days=default_window_days if item.click_window_days is None else item.click_window_days,
            view_window_days=item.view_window_days,
            code_window_days=item.code_window_days,
            half_life_days=item.half_life_days,
            code_policy=item.code_policy,
            paid_search=item.paid_search,
            commission_rate=item.commission_rate,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    )


def changed(ctx: Ctx, row: CampaignRow, change: CampaignChange) -> CampaignRow:
    """The campaign after the change. Raises DomainError."""
    required = (
        "name",
        "status",
        "starts_at",
        "click_window_days",
        "view_window_days",
        "code_policy",
        "paid_search",
        "commission_rate",
    )
    values = given(change, "id", required=required)
    if "budget" in values:
        values["budget_minor"] = _minor(values.pop("budget"), row.currency, "budget")
    if "sales_goal" in values:
        values["sales_goal_minor"] = _minor(values.pop("sales_goal"), row.currency, "salesGoal")
    return _checked(replace(row, **values, updated_at=ctx.now))


def checked_rate(rate: Decimal, name: str) -> Decimal:
    """The share. Raises BAD_USER_INPUT unless it lies between 0 and 1 and has at most six digits."""
    if not rate.is_finite() or not 0 <= rate <= 1 or rate != round(rate, 6):
        raise DomainError(
            "BAD_USER_INPUT", f"`{name}` must be a share between 0 and 1 of at most six digits.", path=(name,)
        )
    return rate


def _checked(row: CampaignRow) -> CampaignRow:
    if row.external_id is not None:
        checked_external_id(row.external_id, "externalId")
    for value, name, least, most in (
        (row.click_window_days, "clickWindowDays", 1, WINDOW_DAYS_MAX),
        (row.view_window_days, "viewWindowDays", 0, WINDOW_DAYS_MAX),
        (row.code_window_days, "codeWindowDays", 1, WINDOW_DAYS_MAX),
        (row.half_life_days, "halfLifeDays", 1, HALF_LIFE_DAYS_MAX),
    ):
        if value is not None and not least <= value <= most:
            raise DomainError("BAD_USER_INPUT", f"`{name}` must be {least} to {most}.", path=(name,))
    if row.engagement_goal is not None and not 0 <= row.engagement_goal <= GOAL_MAX:
        raise DomainError("BAD_USER_INPUT", f"`engagementGoal` must be 0 to {GOAL_MAX}.", path=("engagementGoal",))
    starts_at = row.starts_at.astimezone(UTC)
    ends_at = None if row.ends_at is None else row.ends_at.astimezone(UTC)
    if ends_at is not None and ends_at <= starts_at:
        raise DomainError("BAD_USER_INPUT", "`endsAt` must come after `startsAt`.", path=("endsAt",))
    return replace(
        row,
        name=checked_text(row.name, "name"),
        starts_at=starts_at,
        ends_at=ends_at,
        commission_rate=checked_rate(row.commission_rate, "commissionRate"),
    )


def _minor(amount: Decimal | None, currency: str, name: str) -> int | None:
    if amount is None:
        return None
    minor = checked_amount(amount, currency, name)
    if minor < 0:
        raise DomainError("INVALID_AMOUNT", f"`{name}` is negative.", path=(name,))
    return minor


CAMPAIGN_KIND = EntityKind(
    noun="campaign",
    plural="campaigns",
    table=RowTable(Campaign, CampaignRow, key=("external_id",), changeable=CHANGEABLE),
    shown_as="name",
    save=partial(keep_statuses, ProgramKind.CAMPAIGN),
)
