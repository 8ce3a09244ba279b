"""Stored pre-aggregations, the contributions not yet folded into them, and what questions need of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import SQLModel

from app.core.words import Grain
from app.tables.base import TenantRow, instant, json, number, one_of, small, text, texts, uid, whole


class Sums(SQLModel):
    """What is summed. `*_e9`: Σ value × booked weight, in 1e-9; money in the tenant's currency, minor units.

    commission_reversed is positive; missing_rates counts facts that have no amount in the tenant's currency.
    """

    instances: int = whole(default="0")
    clicks: int = whole(default="0")
    purchases: int = whole(default="0")
    orders_e9: Decimal = number(38, 0, default="0")
    units_e9: Decimal = number(38, 0, default="0")
    gross_e9: Decimal = number(38, 0, default="0")
    refunds_e9: Decimal = number(38, 0, default="0")
    commission_pending: int = whole(default="0")
    commission_held: int = whole(default="0")
    commission_approved: int = whole(default="0")
    commission_paid: int = whole(default="0")
    commission_reversed: int = whole(default="0")
    missing_rates: int = whole(default="0")


SUM_COLUMNS: tuple[str, ...] = tuple(Sums.model_fields)
"""Names of the summed columns, in table order."""


class Rollup(Sums, TenantRow, table=True):
    """Sums of one rollup set in one bucket. A zero UUID or '' stands for null, and for a dimension the set lacks."""

    __tablename__ = "rollups"
    __table_args__ = (
        one_of("grain", Grain, name="rollups_grain_known"),
        Index("rollups_bucket", "tenant_id", "rollup_set", "grain", "bucket"),
    )

    rollup_set: str = text(key=True)
    grain: str = text(key=True)
    campaign_id: UUID = uid(key=True)
    influencer_id: UUID = uid(key=True)
    bucket: datetime = instant(key=True)
    platform: str = text(key=True)


class RollupDelta(Sums, TenantRow, table=True):
    """A fact's contribution to the rollups, at its exact time: in the rollups or here, never both, never neither."""

    __tablename__ = "rollup_delta"

    occurred_at: datetime = instant(key=True)
    id: UUID = uid(key=True)
    campaign_id: UUID = uid()
    influencer_id: UUID = uid()
    platform: str = text()


class RollupState(TenantRow, table=True):
    """A tenant's rollups: which zone and currency they are in. Its row is the fold lock.

    sets: what is stored, as `set:GRAIN`; the planner uses nothing else.
    """

    __tablename__ = "rollup_state"

    generation: int = small()
    zone: str = text()
    currency: str = text()
    sets: list[str] = texts()
    folded_at: datetime | None = instant(null=True)
    rebuilt_at: datetime | None = instant(null=True)


class RollupDemand(TenantRow, table=True):
    """How many questions of one shape were computed on a UTC day: for `scoville rollups advise`. See rollups/demand.

    day: its start. shape: a hash; '' counts those whose shape was not kept. readings: what such a question needs.
    """

    __tablename__ = "rollup_demand"

    day: datetime = instant(key=True)
    shape: str = text(key=True)
    readings: Any = json()
    questions: int = whole()
