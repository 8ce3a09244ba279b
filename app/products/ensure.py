"""Products that order lines name: created when unknown."""

from collections.abc import Collection, Mapping
from uuid import UUID

from app.core.context import Ctx
from app.core.texts import is_blank
from app.db.looks import Look
from app.db.named import NamedRows
from app.db.session import ReadSession, WriteSession

_NAMED = NamedRows("products", given="title")


async def ensure(ctx: Ctx, session: WriteSession, titles: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by SKU of all products asked for; unknown ones are created with the title, or the SKU if it is blank."""
    return await _NAMED.ensure(ctx, session, _titles(titles))


def look_for(skus: Collection[str]) -> Look[dict[str, UUID]]:
    """Ids of those products that there are, by SKU."""
    return _NAMED.look(skus)


async def complete(
    ctx: Ctx, session: WriteSession, titles: Mapping[str, str | None], known: Mapping[str, UUID]
) -> dict[str, UUID]:
    """Ids of all products asked for, where those that are known have been looked up; the others are created."""
    return await _NAMED.complete(ctx, session, _titles(titles), known)


def _titles(titles: Mapping[str, str | None]) -> dict[str, str | None]:
    return {sku: sku if title is None or is_blank(title) else title for sku, title in titles.items()}


async def known(ctx: Ctx, session: ReadSession, skus: Collection[str]) -> dict[str, UUID]:
    """Ids of those products that there are, by SKU; none is created."""
    return await _NAMED.known(ctx, session, skus)
