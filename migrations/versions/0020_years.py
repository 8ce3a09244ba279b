"""Rollups of years, which a question over all time reads instead of quarters. They are used once a tenant is rebuilt."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("rollups_grain_known", "rollups", type_="check")
    grains = "grain = ANY (ARRAY['HOUR'::text, 'DAY'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])"
    op.create_check_constraint("rollups_grain_known", "rollups", grains)
