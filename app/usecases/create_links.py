"""Creates links under slugs that no tenant has. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.tracking.inputs import LinkInput
from app.tracking.links import LINK_KIND, claim_slugs, drafted
from app.usecases.entities import create
from app.usecases.items import Unread
from app.usecases.references import check_references


async def create_links(
    runtime: Runtime, ctx: Ctx, links: Sequence[LinkInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each link, in the order given. A slug of the tenant's own with the same content is REPLAYED."""
    return await create(
        runtime,
        ctx,
        LINK_KIND,
        links,
        draft=partial(drafted, ctx),
        checks=(check_references, claim_slugs),
        idempotency_key=idempotency_key,
    )
