"""Mutations of campaigns."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.campaigns import inputs as plain
from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import AttributionModel, CampaignStatus, CodePolicy, PaidSearch
from app.usecases.create_campaigns import create_campaigns
from app.usecases.update_campaigns import update_campaigns
from graphql_schema.campaigns import BUDGET, Campaign
from graphql_schema.families import one_row
from graphql_schema.scalars import BigInt, CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given, own_id, present


@strawberry.input(description="A new campaign.")
class CampaignInput:
    """A new campaign."""

    name: str = strawberry.field(description="What it is called.")
    starts_at: datetime = strawberry.field(description="It runs from this instant.")
    commission_rate: Decimal = strawberry.field(description="Share of the commission base, 0 to 1, six digits.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The caller's own id, which makes a repetition a replay; without one each is another campaign.",
    )
    status: CampaignStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it credits; ACTIVE when not given."
    )
    ends_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="It runs until before this instant; without it, on and on."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=strawberry.UNSET, description="Of budget and sales goal; the tenant's when not given."
    )
    budget: Decimal | None = strawberry.field(default=strawberry.UNSET, description=BUDGET)
    engagement_goal: BigInt | None = strawberry.field(
        default=strawberry.UNSET, description="Likes, comments and shares aimed at."
    )
    sales_goal: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Revenue aimed at, major units."
    )
    attribution_model: AttributionModel | None = strawberry.field(
        default=strawberry.UNSET, description="How credit is shared; as the tenant's rules say when not given."
    )
    click_window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 730; the server's setting when not given."
    )
    view_window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="0 to 730; 0, so that views are no touches, when not given."
    )
    code_window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 730, of uses recorded before the order; as clicks when not given."
    )
    half_life_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 365, under TIME_DECAY; as the tenant's rules say when not given."
    )
    code_policy: CodePolicy | None = strawberry.field(
        default=strawberry.UNSET, description="When its codes count; ALWAYS when not given."
    )
    paid_search: PaidSearch | None = strawberry.field(
        default=strawberry.UNSET, description="What becomes of touches that came by paid search; REJECT when not given."
    )

    def value(self) -> plain.CampaignInput:
        """The campaign as the use case takes it."""
        return plain.CampaignInput(**present(self))


@strawberry.input(description="What changes of a campaign. Booked orders keep their terms; null clears.")
class CampaignChange:
    """What changes of a campaign."""

    id: strawberry.ID = strawberry.field(description="Which campaign.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What it is called; cannot be null.")
    status: CampaignStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it credits; cannot be null."
    )
    starts_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="It runs from this instant; cannot be null."
    )
    ends_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="It runs until before this instant; null: without end."
    )
    budget: Decimal | None = strawberry.field(default=strawberry.UNSET, description=BUDGET)
    engagement_goal: BigInt | None = strawberry.field(
        default=strawberry.UNSET, description="Likes, comments and shares aimed at."
    )
    sales_goal: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Revenue aimed at, major units."
    )
    attribution_model: AttributionModel | None = strawberry.field(
        default=strawberry.UNSET, description="How credit is shared; null: as the tenant's rules say."
    )
    click_window_days: int | None = strawberry.field(default=strawberry.UNSET, description="1 to 730; cannot be null.")
    view_window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="0 to 730; 0: views are no touches; cannot be null."
    )
    code_window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 730, of uses recorded before the order; null: as clicks."
    )
    half_life_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 365, under TIME_DECAY; null: as the tenant's rules say."
    )
    code_policy: CodePolicy | None = strawberry.field(
        default=strawberry.UNSET, description="When its codes count; cannot be null."
    )
    paid_search: PaidSearch | None = strawberry.field(
        default=strawberry.UNSET, description="What becomes of touches that came by paid search; cannot be null."
    )
    commission_rate: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Share of the commission base, 0 to 1; cannot be null."
    )

    def value(self) -> plain.CampaignChange:
        """The change as the use case takes it."""
        return plain.CampaignChange(own_id(self.id), **given(self, "id"))


@strawberry.input(description="Campaigns to create, at most 1,000.")
class CreateCampaignsInput:
    """Campaigns to create."""

    campaigns: list[CampaignInput] = strawberry.field(description="The new campaigns.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Campaigns to change, at most 1,000.")
class UpdateCampaignsInput:
    """Campaigns to change."""

    campaigns: list[CampaignChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one campaign of a write.")
class CampaignResult(ItemResult):
    """What became of one campaign of a write."""

    campaign = one_row(Campaign, CAMPAIGNS, "row_id", "The campaign as it is now; null when rejected.")


@strawberry.type(description="What became of the campaigns of a write.")
class CampaignsPayload(Payload[CampaignResult]):
    """What became of the campaigns of a write."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_campaigns = batch(
        create_campaigns,
        "campaigns",
        input=CreateCampaignsInput,
        payload=CampaignsPayload,
        result=CampaignResult,
        description="Creates campaigns with their dates, goals and terms.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_campaigns = batch(
        update_campaigns,
        "campaigns",
        input=UpdateCampaignsInput,
        payload=CampaignsPayload,
        result=CampaignResult,
        description="Changes campaigns: only what each change mentions.",
        scope=Scope.PROGRAM_WRITE,
    )
