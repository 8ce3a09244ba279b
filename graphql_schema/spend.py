"""Spend, what campaigns cost beside commissions: its type, list and mutation."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.spend import inputs as plain
from app.spend.queries import SPEND
from app.usecases.record_spend import record_spend
from graphql_schema.families import one_row, shows
from graphql_schema.filters import FactOrder, IdFilter, StringFilter, TimeFilter, on
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, id_named, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]


@shows(SPEND, Scope.MONEY_READ)
@strawberry.type(description="Money spent on a campaign beside commissions: a fee, a sample, an advertisement.")
class Spend(Node):
    """Money spent on a campaign."""

    external_id: str = strawberry.field(description="The caller's own id of it.")
    occurred_at: datetime = strawberry.field(description="When it was spent.")
    recorded_at: datetime = strawberry.field(description="When it was told.")
    currency: CurrencyCode = strawberry.field(description="Currency of the amount.")
    amount: Decimal = strawberry.field(description="Major units; negative corrects.")
    note: str | None = strawberry.field(description="The caller's words for what it was.")
    campaign_id: strawberry.Private[strawberry.ID]
    influencer_id: strawberry.Private[strawberry.ID | None]

    of = of_row(amount=money("amount_minor"))

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "On which campaign.")

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "On whom; null: on nobody alone.")


@strawberry.input(description="Which spend to list. Conditions are combined by AND.")
class SpendFilter:
    """Which spend to list."""

    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The caller's own ids.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="On which campaigns.")
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="On which influencers.")
    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was spent.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("external_id", self.external_id),
            *on("campaign_id", self.campaign),
            *on("influencer_id", self.influencer),
            *on("occurred_at", self.occurred),
        ]


@strawberry.input(description="Money spent on a campaign beside commissions: a fee, a sample, an advertisement.")
class SpendInput:
    """Money spent on a campaign."""

    external_id: str = strawberry.field(description="The caller's own id, which makes it one however often it is sent.")
    occurred_at: datetime = strawberry.field(description="When it was spent: the date it counts on.")
    campaign_id: strawberry.ID = strawberry.field(description="On which campaign.")
    currency: CurrencyCode = strawberry.field(description="Of the amount.")
    amount: Decimal = strawberry.field(description="Major units; negative corrects what was recorded before.")
    influencer_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="On whom.")
    note: str | None = strawberry.field(default=strawberry.UNSET, description="What it was.")

    def value(self) -> plain.SpendInput:
        """The spend as the use case takes it."""
        return plain.SpendInput(
            campaign_id=id_named(self.campaign_id) or NO_ROW,
            influencer_id=id_named(self.influencer_id),
            **present(self, "campaign_id", "influencer_id"),
        )


@strawberry.input(description="Spend to record, at most 1,000 items.")
class RecordSpendInput:
    """Spend to record."""

    spend: list[SpendInput] = strawberry.field(description="What was spent.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one item of a write of spend.")
class SpendResult(ItemResult):
    """What became of one item of a write of spend."""

    spend = one_row(Spend, SPEND, "row_id", "The spend; null when rejected.", scope=Scope.MONEY_READ)


@strawberry.type(description="What became of the items of a write of spend.")
class RecordSpendPayload(Payload[SpendResult]):
    """What became of the items of a write of spend."""


@strawberry.type
class Query:
    """Fields of this file."""

    spend = root_list(
        Spend,
        SPEND,
        where=SpendFilter,
        order=FactOrder,
        description="Spend, newest first.",
        scope=Scope.MONEY_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_spend = batch(
        record_spend,
        "spend",
        input=RecordSpendInput,
        payload=RecordSpendPayload,
        result=SpendResult,
        description="Records what campaigns cost beside commissions.",
        scope=Scope.PROGRAM_WRITE,
    )


TYPES = (Spend,)
