"""Customers that facts name: created when unknown."""

from collections.abc import Collection, Mapping
from uuid import UUID

from app.core.context import Ctx
from app.db.looks import Look
from app.db.named import NamedRows
from app.db.session import ReadSession, WriteSession

_NAMED = NamedRows("customers", given="country")


async def ensure(ctx: Ctx, session: WriteSession, countries: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by external id of all customers asked for; the unknown ones are created with the country given."""
    return await _NAMED.ensure(ctx, session, countries)


def look_for(external_ids: Collection[str]) -> Look[dict[str, UUID]]:
    """Ids of those customers that there are, by external id."""
    return _NAMED.look(external_ids)


async def complete(
    ctx: Ctx, session: WriteSession, countries: Mapping[str, str | None], known: Mapping[str, UUID]
) -> dict[str, UUID]:
    """Ids of all customers asked for, where those that are known have been looked up; the others are created."""
    return await _NAMED.complete(ctx, session, countries, known)


async def known(ctx: Ctx, session: ReadSession, external_ids: Collection[str]) -> dict[str, UUID]:
    """Ids of those customers that there are, by external id; none is created."""
    return await _NAMED.known(ctx, session, external_ids)
