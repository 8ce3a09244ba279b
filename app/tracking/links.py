"""Links: what they may be, and how slugs are claimed among all tenants. Rules are pure."""

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.texts import checked_optional, checked_url
from app.core.unset import given
from app.core.words import OfferStatus, Platform
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.db.session import WriteSession
from app.errors import DomainError
from app.tables import Link
from app.tracking.inputs import LinkChange, LinkInput

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,63}")
SLUG_LETTERS = string.ascii_letters + string.digits
SLUG_LENGTH = 10
"""Letters of a slug that we make: 59 bits, so that two are never the same and none can be guessed from another."""

CHANNEL_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A tracking link."""

    id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    slug: str
    url: str
    platform: Platform | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    status: OfferStatus
    created_at: datetime
    updated_at: datetime


def drafted(ctx: Ctx, item: LinkInput) -> LinkRow:
    """The new link. Raises DomainError."""
    slug = "".join(secrets.choice(SLUG_LETTERS) for _ in range(SLUG_LENGTH)) if item.slug is None else item.slug
    if SLUG.fullmatch(slug) is None:
        raise DomainError(
            "BAD_USER_INPUT",
            "`slug` must have 3 to 64 letters, digits, - or _, and begin with neither.",
            path=("slug",),
        )
    return _checked(
        LinkRow(
            id=new_id(),
            influencer_id=item.influencer_id,
            campaign_id=item.campaign_id,
            slug=slug,
            url=item.url,
            platform=item.platform,
            utm_source=item.utm_source,
            utm_medium=item.utm_medium,
            utm_campaign=item.utm_campaign,
            status=item.status,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    )


def changed(ctx: Ctx, row: LinkRow, change: LinkChange) -> LinkRow:
    """The link after the change. Raises DomainError."""
    return _checked(replace(row, **given(change, "id", required=("url", "status")), updated_at=ctx.now))


async def claim_slugs(ctx: Ctx, session: WriteSession, drafts: Mapping[int, LinkRow]) -> Mapping[int, DomainError]:
    """Claims the drafts' slugs for the tenant; the refusals of those that another tenant has.

    A slug that is a link of this tenant already is not refused here: it may be the same link again.
    """
    links: dict[str, UUID] = {}
    for row in drafts.values():
        # Of two drafts of one slug the first is the link.
        links.setdefault(row.slug, row.id)
    if not links:
        return {}
    # The directory is global, so it comes before all of the tenant's own rows but the call's idempotency key, which no
    # other tenant waits for; sorted, so that claimants wait in one order.
    claimed = await session.fetch(
        """/* links.claim_slugs */
        INSERT INTO slug_directory (slug, tenant_id, link_id)
        SELECT wanted.slug, $1, wanted.link_id
        FROM unnest($2::text[], $3::uuid[]) AS wanted (slug, link_id)
        ON CONFLICT (slug) DO NOTHING
        RETURNING slug""",
        ctx.tenant_id,
        sorted(links),
        [links[slug] for slug in sorted(links)],
    )
    left = links.keys() - {record["slug"] for record in claimed}
    own = await LINK_KIND.table.find(ctx, session, {(slug,) for slug in left})
    return {index: _taken(row) for index, row in drafts.items() if row.slug in left and (row.slug,) not in own}


def _checked(row: LinkRow) -> LinkRow:
    checked_url(row.url, "url")
    for value, name in (
        (row.utm_source, "utmSource"),
        (row.utm_medium, "utmMedium"),
        (row.utm_campaign, "utmCampaign"),
    ):
        checked_optional(value, name, length_max=CHANNEL_LENGTH_MAX)
    return row


def _taken(row: LinkRow) -> DomainError:
    return DomainError("NAME_TAKEN", f"The slug {row.slug!r} is taken. Choose another, or none.", path=("slug",))


LINK_KIND = EntityKind(
    noun="link",
    plural="links",
    table=RowTable(
        Link,
        LinkRow,
        key=("slug",),
        changeable=("url", "platform", "utm_source", "utm_medium", "utm_campaign", "status"),
    ),
    taken=_taken,
)
