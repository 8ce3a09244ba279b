"""Rollups of quarters, which a year's leaderboard reads instead of months. They are used once a tenant is rebuilt."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("rollups_grain_known", "rollups", type_="check")
    grains = "grain = ANY (ARRAY['HOUR'::text, 'DAY'::text, 'MONTH'::text, 'QUARTER'::text])"
    op.create_check_constraint("rollups_grain_known", "rollups", grains)
