"""Customers that facts name: created when unknown."""

from collections.abc import Mapping
from uuid import UUID

from app.core.context import Ctx
from app.db.named import NamedRows
from app.db.session import WriteSession

_NAMED = NamedRows("customers", given="country")


async def ensure(ctx: Ctx, session: WriteSession, countries: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by external id of all customers asked for; the unknown ones are created with the country given."""
    return await _NAMED.ensure(ctx, session, countries)
