"""Mutations of influencers."""

import strawberry

from app.core.context import Scope
from app.core.words import InfluencerStatus, Platform
from app.influencers import inputs as plain
from app.influencers.queries import INFLUENCERS
from app.usecases.create_influencers import create_influencers
from app.usecases.update_influencers import update_influencers
from graphql_schema.families import one_row
from graphql_schema.influencers import Influencer
from graphql_schema.scalars import BigInt
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given, own_id, present


@strawberry.input(description="An account on a platform.")
class ProfileInput:
    """An account on a platform."""

    platform: Platform = strawberry.field(description="Where the account is.")
    handle: str = strawberry.field(description="Its name there, with or without @; at most 100 characters.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Its address, http or https.")
    followers: BigInt | None = strawberry.field(default=strawberry.UNSET, description="Followers, as last counted.")

    def value(self) -> plain.ProfileInput:
        """The account as the use case takes it."""
        return plain.ProfileInput(**present(self))


@strawberry.input(description="A new influencer.")
class InfluencerInput:
    """A new influencer."""

    name: str = strawberry.field(description="What they are called.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The caller's own id, which makes a repetition a replay; without one each is another influencer.",
    )
    status: InfluencerStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether they are credited; ACTIVE when not given."
    )
    country: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 3166-1 alpha-2.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Their e-mail address, by which their own purchases are known: they earn nothing by them. A hash "
        "alone is kept.",
    )
    customer: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's customer id of theirs, for the same; need not be known yet."
    )
    profiles: list[ProfileInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Their accounts; at most 50."
    )

    def value(self) -> plain.InfluencerInput:
        """The influencer as the use case takes it."""
        return plain.InfluencerInput(
            **present(self, "profiles"), profiles=tuple(profile.value() for profile in self.profiles or ())
        )


@strawberry.input(description="What changes of an influencer. What is not mentioned stays; null clears.")
class InfluencerChange:
    """What changes of an influencer."""

    id: strawberry.ID = strawberry.field(description="Whose change it is.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What they are called; cannot be null.")
    status: InfluencerStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether they are credited; cannot be null."
    )
    country: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 3166-1 alpha-2.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Their e-mail address, by which their own purchases are known: they earn nothing by them. A hash "
        "alone is kept.",
    )
    customer: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's customer id of theirs, for the same; need not be known yet."
    )
    profiles: list[ProfileInput] | None = strawberry.field(
        default=strawberry.UNSET, description="All accounts as they are from now on; cannot be null."
    )

    def value(self) -> plain.InfluencerChange:
        """The change as the use case takes it."""
        values = given(self, "id", "profiles")
        if self.profiles is not strawberry.UNSET:
            values["profiles"] = None if self.profiles is None else tuple(item.value() for item in self.profiles)
        return plain.InfluencerChange(own_id(self.id), **values)


@strawberry.input(description="Influencers to create, at most 1,000.")
class CreateInfluencersInput:
    """Influencers to create."""

    influencers: list[InfluencerInput] = strawberry.field(description="The new influencers.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Influencers to change, at most 1,000.")
class UpdateInfluencersInput:
    """Influencers to change."""

    influencers: list[InfluencerChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one influencer of a write.")
class InfluencerResult(ItemResult):
    """What became of one influencer of a write."""

    influencer = one_row(Influencer, INFLUENCERS, "row_id", "The influencer as they are now; null when rejected.")


@strawberry.type(description="What became of the influencers of a write.")
class InfluencersPayload(Payload[InfluencerResult]):
    """What became of the influencers of a write."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_influencers = batch(
        create_influencers,
        "influencers",
        input=CreateInfluencersInput,
        payload=InfluencersPayload,
        result=InfluencerResult,
        description="Creates influencers with their social profiles.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_influencers = batch(
        update_influencers,
        "influencers",
        input=UpdateInfluencersInput,
        payload=InfluencersPayload,
        result=InfluencerResult,
        description="Changes influencers: only what each change mentions.",
        scope=Scope.PROGRAM_WRITE,
    )
