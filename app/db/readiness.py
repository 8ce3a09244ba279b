"""Whether the database can serve this release: asked by /readyz, through the pool that requests use."""

from app.db.migrate import newest_revision
from app.db.session import Database


async def is_migrated(db: Database) -> bool:
    """Whether the database is at the newest revision. Raises OutsideError when it cannot be asked."""
    async with db.directory() as session:
        if not await session.fetchval("/* readiness.table */ SELECT to_regclass('alembic_version') IS NOT NULL"):
            return False
        found = await session.fetchval("/* readiness.revision */ SELECT version_num FROM alembic_version")
    return bool(found == newest_revision())
