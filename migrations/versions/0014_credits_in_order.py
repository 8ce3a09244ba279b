"""Indexes that give the latest orders of an influencer or campaign without reading a credit, and replace narrower ones.

With equal times the order's id decides, so it ends their key: of each list no more credits are read than it shows. They
are built while nobody records orders; who cannot wait builds them CONCURRENTLY before, and they are found.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OF = ("influencer", "campaign")


def upgrade() -> None:
    for parent in OF:
        op.create_index(
            f"credits_{parent}_orders",
            "credits",
            ["tenant_id", f"{parent}_id", "occurred_at", "order_id"],
            postgresql_include=["position", "weight_booked", "superseded_at"],
            if_not_exists=True,
        )
        op.drop_index(f"credits_{parent}", "credits")
