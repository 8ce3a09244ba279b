"""Many clicks of a tenant, made in the database: each is a group of its own by its channel."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.db.session import Database

BATCH = 100_000
"""Clicks of one statement."""

_INSERT = """/* test.clicks */
    INSERT INTO instances (tenant_id, occurred_at, id, kind, channel, influencer_id, platform, recorded_at)
    SELECT $1, $2::timestamptz + number * interval '1 second', gen_random_uuid(), 'CLICK',
      rpad('newsletter, week ' || number, $6, '.'), ($5::uuid[])[1 + number % nullif(cardinality($5::uuid[]), 0)],
      'INSTAGRAM', $2
    FROM generate_series($3::int, $4::int - 1) AS number"""


async def add_clicks(
    db: Database, tenant_id: UUID, count: int, *, start: datetime, by: Sequence[UUID] = (), width: int = 30
) -> None:
    """Add clicks, one a second, each of a channel of its own.

    by: the influencers who promoted, in turn. width: characters of a channel.
    """
    for first in range(0, count, BATCH):
        async with db.write(tenant_id) as session:
            await session.execute(_INSERT, tenant_id, start, first, min(first + BATCH, count), list(by), width)
