"""What callers send about links, codes and instances, as plain values. Times are aware instants."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.unset import UNSET, Unset
from app.core.words import InstanceKind, OfferStatus, Platform


@dataclass(frozen=True, slots=True)
class LinkInput:
    """A new tracking link to a page of the store. slug: unique among all tenants; None makes a fresh one.

    utm_medium: the channel that instances through the link count under.
    """

    influencer_id: UUID
    url: str
    campaign_id: UUID | None = None
    slug: str | None = None
    platform: Platform | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    status: OfferStatus = OfferStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What changes of a link. Whose it is, and its slug, never do: instances were counted under them."""

    id: UUID
    url: str | Unset | None = UNSET
    platform: Platform | Unset | None = UNSET
    utm_source: str | Unset | None = UNSET
    utm_medium: str | Unset | None = UNSET
    utm_campaign: str | Unset | None = UNSET
    status: OfferStatus | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class CodeInput:
    """A new coupon code, kept in upper case. In force from starts_at until before ends_at; None: without bound.

    customer: the store's id of the only customer who may use it; None: everybody may.
    """

    influencer_id: UUID
    code: str
    campaign_id: UUID | None = None
    platform: Platform | None = None
    status: OfferStatus = OfferStatus.ACTIVE
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class CodeChange:
    """What changes of a code. Whose it is, and its text, never do: orders were credited by them."""

    id: UUID
    platform: Platform | Unset | None = UNSET
    status: OfferStatus | Unset | None = UNSET
    starts_at: datetime | Unset | None = UNSET
    ends_at: datetime | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class InstanceInput:
    """A tracked interaction. What its link or code implies need not be given, and must not contradict it.

    external_id: the caller's own, which makes it one however often it is sent; without one each is another.
    link_id, link_slug: the link it came by, named either way. customer: the store's id of a known customer.
    channel: the UTM medium. country: ISO 3166-1 alpha-2. url: the address it arrived at, looked at for the marks of
    advertisements and not kept.
    """

    kind: InstanceKind
    occurred_at: datetime
    external_id: str | None = None
    link_id: UUID | None = None
    link_slug: str | None = None
    code: str | None = None
    influencer_id: UUID | None = None
    campaign_id: UUID | None = None
    platform: Platform | None = None
    channel: str | None = None
    country: str | None = None
    visitor_id: str | None = None
    customer: str | None = None
    click_id: str | None = None
    url: str | None = None
