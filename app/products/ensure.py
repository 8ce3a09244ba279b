"""Products that order lines name: created when unknown."""

from collections.abc import Mapping
from uuid import UUID

from app.core.context import Ctx
from app.db.named import NamedRows
from app.db.session import WriteSession

_NAMED = NamedRows("products", given="title")


async def ensure(ctx: Ctx, session: WriteSession, titles: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by SKU of all products asked for; the unknown ones are created with the title given, else their SKU."""
    return await _NAMED.ensure(ctx, session, {sku: title or sku for sku, title in titles.items()})
