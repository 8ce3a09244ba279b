"""Orders with the sums of their newest version, which lists of orders show: nothing else is looked up for them.

A release that does not know them cannot record beside one that does: its inserts fail instead of leaving none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
SUMS = ("total_minor", "gross_minor")


def upgrade() -> None:
    for name in SUMS:
        op.add_column("orders", sa.Column(name, sa.BigInteger(), nullable=True))
    # An owner that is no superuser is held to its own policies while they are forced.
    for table in ("orders", "order_versions"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        UPDATE orders
        SET total_minor = newest.total_minor, gross_minor = newest.gross_minor
        FROM order_versions AS newest
        WHERE newest.tenant_id = orders.tenant_id AND newest.order_id = orders.id AND newest.version = orders.version
        """
    )
    for table in ("orders", "order_versions"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name in SUMS:
        op.alter_column("orders", name, nullable=False)
    op.execute(f"GRANT UPDATE (total_minor, gross_minor) ON orders TO {APP_ROLE}")
