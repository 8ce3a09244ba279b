"""Databases that tests and benchmarks make for themselves."""

from typing import Any

import asyncpg


async def drop_database(connection: "asyncpg.Connection[Any]", name: str) -> None:
    """Drop the database, whoever is still connected to it.

    Not by FORCE, which is refused while autovacuum is at work there: that one ends by itself when it is in the way.
    """
    await connection.execute(
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND backend_type = 'client backend'""",
        name,
    )
    await connection.execute(f"DROP DATABASE {name}")
