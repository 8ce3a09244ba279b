"""Instances: checked, filled in with what their link or code implies, and written set-wise. Rules are pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.ids import new_id
from app.core.texts import (
    checked_code,
    checked_country,
    checked_external_id,
    checked_instant,
    checked_optional,
    checked_url,
)
from app.core.words import InstanceKind
from app.db.session import WriteSession
from app.errors import DomainError
from app.tracking.ads import ad_click_of
from app.tracking.codes import CodeRow
from app.tracking.inputs import InstanceInput
from app.tracking.links import CHANNEL_LENGTH_MAX, LinkRow

MARK_LENGTH_MAX = 200
"""Characters of a visitor's or click's id."""


@dataclass(frozen=True, slots=True)
class CheckedInstance:
    """An instance as it was sent, checked by itself. content_hash: equal for equal instances; empty without an id.

    ad_click: the mark of an advertisement in its address.
    """

    sent: InstanceInput
    occurred_at: datetime
    code: str | None
    country: str | None
    ad_click: str | None
    content_hash: bytes

    @property
    def external_id(self) -> str | None:
        """The caller's own id."""
        return self.sent.external_id

    @property
    def influencer_id(self) -> UUID | None:
        """The influencer given."""
        return self.sent.influencer_id

    @property
    def campaign_id(self) -> UUID | None:
        """The campaign given."""
        return self.sent.campaign_id


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance as it is stored."""

    id: UUID
    occurred_at: datetime
    kind: InstanceKind
    influencer_id: UUID | None
    campaign_id: UUID | None
    link_id: UUID | None
    code: str | None
    platform: str | None
    channel: str | None
    country: str | None
    visitor_id: str | None
    customer_id: UUID | None
    click_id: str | None
    ad_click: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What instances refer to and the tenant has: links by id and slug, codes by text, customers by external id."""

    links: Mapping[UUID, LinkRow]
    slugs: Mapping[str, LinkRow]
    codes: Mapping[str, CodeRow]
    customers: Mapping[str, UUID]


def checked_instance(item: InstanceInput, *, latest: datetime) -> CheckedInstance:
    """The instance, as far as nothing need be looked up. Raises DomainError."""
    if item.external_id is not None:
        checked_external_id(item.external_id, "externalId")
    if item.link_id is not None and item.link_slug is not None:
        raise DomainError("BAD_USER_INPUT", "Name the link by `linkId` or by `linkSlug`, not both.", path=("linkId",))
    occurred_at = checked_instant(item.occurred_at, "occurredAt", latest=latest)
    checked_optional(item.link_slug, "linkSlug", length_max=MARK_LENGTH_MAX)
    checked_optional(item.channel, "channel", length_max=CHANNEL_LENGTH_MAX)
    checked_optional(item.visitor_id, "visitorId", length_max=MARK_LENGTH_MAX)
    checked_optional(item.click_id, "clickId", length_max=MARK_LENGTH_MAX)
    checked_optional(item.customer, "customer", length_max=MARK_LENGTH_MAX)
    code = None if item.code is None else checked_code(item.code, "code")
    country = checked_country(item.country)
    url = None if item.url is None else checked_url(item.url, "url")
    content = [
        item.kind,
        occurred_at,
        item.link_id,
        item.link_slug,
        code,
        item.influencer_id,
        item.campaign_id,
        item.platform,
        item.channel,
        country,
        item.visitor_id,
        item.customer,
        item.click_id,
        # Only where it is given: what was sent before there was one is still the same.
        *([] if url is None else [url]),
    ]
    return CheckedInstance(
        sent=item,
        occurred_at=occurred_at,
        code=code,
        country=country,
        ad_click=None if url is None else ad_click_of(url),
        content_hash=b"" if item.external_id is None else content_hash(content),
    )


def placed(item: CheckedInstance, known: Known) -> InstanceRow:
    """The row of an instance, with what its link or code implies. Raises DomainError for what it contradicts or for
    what nobody knows.

    A code's use goes by its code first, everything else by its link. It may be told as another influencer's than the
    code's: a fact, which judging refuses.
    """
    sent = item.sent
    link = _link(sent, known)
    code = None if item.code is None else known.codes.get(item.code)
    if item.code is not None and code is None:
        raise DomainError("UNKNOWN_CODE", f"No code is {item.code!r}. Create it first.", path=("code",))
    customer_id = None if sent.customer is None else known.customers.get(sent.customer)
    if sent.customer is not None and customer_id is None:
        raise DomainError("UNKNOWN_CUSTOMER", "No customer has this id. Upsert them first.", path=("customer",))
    found = (code, link) if sent.kind is InstanceKind.CODE else (link, code)
    offers = [offer for offer in found if offer is not None]
    influencers = {offer.influencer_id for offer in offers} | ({sent.influencer_id} - {None})
    if code is not None and link is None and sent.kind is InstanceKind.CODE and sent.influencer_id is not None:
        # Who uses another's code is told so by the order's explanation: it earns nothing.
        influencers = {sent.influencer_id}
    if len(influencers) > 1:
        raise DomainError(
            "BAD_USER_INPUT",
            "The link, the code and `influencerId` name different influencers. Leave out what is implied.",
            path=("influencerId",),
        )
    campaigns = [offer.campaign_id for offer in offers if offer.campaign_id is not None]
    if sent.campaign_id is not None and campaigns and sent.campaign_id not in campaigns:
        raise DomainError(
            "BAD_USER_INPUT",
            "`campaignId` is not the campaign of the link or code. Leave out what is implied.",
            path=("campaignId",),
        )
    platforms = [offer.platform for offer in offers if offer.platform is not None]
    return InstanceRow(
        id=new_id(),
        occurred_at=item.occurred_at,
        kind=sent.kind,
        influencer_id=next(iter(influencers), None),
        campaign_id=sent.campaign_id or next(iter(campaigns), None),
        link_id=None if link is None else link.id,
        code=item.code,
        platform=sent.platform or next(iter(platforms), None),
        channel=sent.channel or (None if link is None else link.utm_medium),
        country=item.country,
        visitor_id=sent.visitor_id,
        customer_id=customer_id,
        click_id=sent.click_id,
        ad_click=item.ad_click,
    )


def _link(sent: InstanceInput, known: Known) -> LinkRow | None:
    if sent.link_id is not None:
        link, name = known.links.get(sent.link_id), "linkId"
    elif sent.link_slug is not None:
        link, name = known.slugs.get(sent.link_slug), "linkSlug"
    else:
        return None
    if link is None:
        raise DomainError("UNKNOWN_LINK", "No link has this id or slug. Create it first.", path=(name,))
    return link


async def insert(ctx: Ctx, session: WriteSession, rows: Sequence[InstanceRow]) -> None:
    """Insert the rows, in one statement. Those of a month without a partition go to the DEFAULT one."""
    if not rows:
        return
    await session.execute(
        """/* instances.insert */
        INSERT INTO instances (tenant_id, id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform,
          channel, country, visitor_id, customer_id, click_id, ad_click, recorded_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::text[], $16::text[])
          AS new (id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel, country,
            visitor_id, customer_id, click_id, ad_click)""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in rows],
        [row.occurred_at for row in rows],
        [row.kind for row in rows],
        [row.influencer_id for row in rows],
        [row.campaign_id for row in rows],
        [row.link_id for row in rows],
        [row.code for row in rows],
        [row.platform for row in rows],
        [row.channel for row in rows],
        [row.country for row in rows],
        [row.visitor_id for row in rows],
        [row.customer_id for row in rows],
        [row.click_id for row in rows],
        [row.ad_click for row in rows],
    )


async def claim_ids(
    ctx: Ctx, session: WriteSession, wanted: Mapping[str, tuple[UUID, bytes]]
) -> dict[str, tuple[UUID, bytes]]:
    """By external id the instance (id and content hash) that has it: the one wanted if it was free, else the known one.

    A concurrent call with the same id waits here until the first commits.
    """
    if not wanted:
        return {}
    ordered = sorted(wanted)
    claimed = await session.fetch(
        """/* instances.claim_ids */
        INSERT INTO instance_keys (tenant_id, external_id, instance_id, content_hash, recorded_at)
        SELECT $1, new.external_id, new.instance_id, new.content_hash, $2
        FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS new (external_id, instance_id, content_hash)
        ON CONFLICT (tenant_id, external_id) DO NOTHING
        RETURNING external_id""",
        ctx.tenant_id,
        ctx.now,
        ordered,
        [wanted[external_id][0] for external_id in ordered],
        [wanted[external_id][1] for external_id in ordered],
    )
    owners = {record["external_id"]: wanted[record["external_id"]] for record in claimed}
    if len(owners) < len(wanted):
        known = await session.fetch(
            """/* instances.known_ids */
            SELECT external_id, instance_id, content_hash
            FROM instance_keys
            WHERE tenant_id = $1 AND external_id = ANY($2::text[])""",
            ctx.tenant_id,
            [external_id for external_id in ordered if external_id not in owners],
        )
        owners |= {record["external_id"]: (record["instance_id"], record["content_hash"]) for record in known}
    return owners
