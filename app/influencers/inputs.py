"""What callers send about influencers, as plain values: filled by the API, by imports and by seeding alike."""

from dataclasses import dataclass
from uuid import UUID

from app.core.unset import UNSET, Unset
from app.core.words import InfluencerStatus, Platform


@dataclass(frozen=True, slots=True)
class ProfileInput:
    """An account on a platform. handle: with or without @. followers: as last counted."""

    platform: Platform
    handle: str
    url: str | None = None
    followers: int | None = None


@dataclass(frozen=True, slots=True)
class InfluencerInput:
    """A new influencer. external_id: the caller's own; without one each creation is another influencer.

    country: ISO 3166-1 alpha-2. email, customer: who they are as buyers, so that their own purchases earn nothing: an
    address, of which a hash alone is kept, and the store's customer id.
    """

    name: str
    external_id: str | None = None
    status: InfluencerStatus = InfluencerStatus.ACTIVE
    country: str | None = None
    email: str | None = None
    customer: str | None = None
    profiles: tuple[ProfileInput, ...] = ()


@dataclass(frozen=True, slots=True)
class InfluencerChange:
    """What changes of an influencer. profiles: all accounts as they are from now on; those left out are removed."""

    id: UUID
    name: str | Unset | None = UNSET
    status: InfluencerStatus | Unset | None = UNSET
    country: str | Unset | None = UNSET
    email: str | Unset | None = UNSET
    customer: str | Unset | None = UNSET
    profiles: tuple[ProfileInput, ...] | Unset | None = UNSET
