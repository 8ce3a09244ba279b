"""Coupon codes: their type, list and mutations."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import OfferStatus, Platform
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.tracking import inputs as plain
from app.tracking.queries import CODES
from app.usecases.create_codes import create_codes
from app.usecases.update_codes import update_codes
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, PlatformFilter, StringFilter, any_of, on, on_upper_case, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]


@shows(CODES, Scope.PROGRAM_READ)
@strawberry.type(description="A coupon code: an order that gives it at checkout is credited to its owner.")
class Code(Node):
    """A coupon code."""

    code: str = strawberry.field(description="Its text in upper case, unique within the tenant.")
    status: OfferStatus = strawberry.field(description="Whether it may be used.")
    platform: Platform | None = strawberry.field(description="Where it is shared.")
    starts_at: datetime | None = strawberry.field(description="In force from this instant; null: from ever.")
    ends_at: datetime | None = strawberry.field(description="In force until before this instant; null: without end.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    influencer_id: strawberry.Private[strawberry.ID]
    campaign_id: strawberry.Private[strawberry.ID | None]
    only_customer: strawberry.Private[str | None]

    of = of_row(only_customer="customer")

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose it is.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: for none.")

    @strawberry.field(
        description="The store's id of the only customer who may use it; null: everybody may.",
        extensions=[requires(Scope.CUSTOMERS_READ)],
    )
    def customer(self) -> str | None:
        """The store's id of the only customer who may use it."""
        return self.only_customer


@strawberry.input(description="Which codes to list. Conditions are combined by AND.")
class CodeFilter:
    """Which codes to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose they are.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="For which campaigns.")
    code: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Their texts, in upper or lower case."
    )
    platform: PlatformFilter | None = strawberry.field(default=strawberry.UNSET, description="Where they are shared.")
    status: list[OfferStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("campaign_id", self.campaign),
            *on_upper_case("code", self.code),
            *on("platform", self.platform),
            *any_of("status", self.status),
        ]


CodeOrder = ordering(
    "Code",
    "codes",
    CREATED_AT="When they were made.",
    CODE="Their texts, as the database collates.",
)


@strawberry.input(description="A new coupon code. Whose it is and its text never change.")
class CodeInput:
    """A new coupon code."""

    influencer_id: strawberry.ID = strawberry.field(description="Whose it is.")
    code: str = strawberry.field(description="Its text, kept in upper case, unique within the tenant.")
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which campaign.")
    platform: Platform | None = strawberry.field(default=strawberry.UNSET, description="Where it is shared.")
    status: OfferStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it may be used; ACTIVE when not given."
    )
    starts_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="In force from this instant.")
    ends_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="In force until before this instant."
    )
    customer: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The store's id of the only customer who may use it; everybody may when not given.",
    )

    def value(self) -> plain.CodeInput:
        """The code as the use case takes it."""
        return plain.CodeInput(
            influencer_id=id_named(self.influencer_id) or NO_ROW,
            campaign_id=id_named(self.campaign_id),
            **present(self, "influencer_id", "campaign_id"),
        )


@strawberry.input(description="What changes of a code. What is not mentioned stays; null clears.")
class CodeChange:
    """What changes of a code."""

    id: strawberry.ID = strawberry.field(description="Which code.")
    platform: Platform | None = strawberry.field(default=strawberry.UNSET, description="Where it is shared.")
    status: OfferStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it may be used; cannot be null."
    )
    starts_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="In force from this instant.")
    ends_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="In force until before this instant."
    )

    def value(self) -> plain.CodeChange:
        """The change as the use case takes it."""
        return plain.CodeChange(own_id(self.id), **given(self, "id"))


@strawberry.input(description="Codes to create, at most 1,000.")
class CreateCodesInput:
    """Codes to create."""

    codes: list[CodeInput] = strawberry.field(description="The new codes.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Codes to change, at most 1,000.")
class UpdateCodesInput:
    """Codes to change."""

    codes: list[CodeChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one code of a write.")
class CodeResult(ItemResult):
    """What became of one code of a write."""

    # `code` is already why an item was rejected.
    coupon = one_row(Code, CODES, "row_id", "The coupon code as it is now; null when rejected.")


@strawberry.type(description="What became of the codes of a write.")
class CodesPayload(Payload[CodeResult]):
    """What became of the codes of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    codes = root_list(
        Code,
        CODES,
        where=CodeFilter,
        order=CodeOrder,
        description="Coupon codes, oldest first.",
        scope=Scope.PROGRAM_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_codes = batch(
        create_codes,
        "codes",
        input=CreateCodesInput,
        payload=CodesPayload,
        result=CodeResult,
        description="Creates coupon codes.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_codes = batch(
        update_codes,
        "codes",
        input=UpdateCodesInput,
        payload=CodesPayload,
        result=CodeResult,
        description="Changes coupon codes: only what each change mentions.",
        scope=Scope.PROGRAM_WRITE,
    )


TYPES = (Code,)
