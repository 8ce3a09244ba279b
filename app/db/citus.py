"""Distribution over a Citus cluster: called by migrations right after each CREATE TABLE, does nothing elsewhere."""

from sqlalchemy import Connection, text

COLOCATION_ANCHOR = "influencers"
"""All tenant tables are colocated with this one, so that joins and foreign keys stay on one node."""


def has_citus(connection: Connection) -> bool:
    """Whether the database is a Citus coordinator."""
    return connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'citus'")).first() is not None


def distribute(connection: Connection, table: str) -> None:
    """Shard a tenant table by tenant_id, on a cluster."""
    if not has_citus(connection):
        return
    anchor = "default" if table == COLOCATION_ANCHOR else COLOCATION_ANCHOR
    connection.execute(
        text("SELECT create_distributed_table(:table, 'tenant_id', colocate_with => :anchor)"),
        {"table": table, "anchor": anchor},
    )


def replicate(connection: Connection, table: str) -> None:
    """Copy a global table to every node, on a cluster."""
    if has_citus(connection):
        connection.execute(text("SELECT create_reference_table(:table)"), {"table": table})
