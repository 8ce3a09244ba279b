"""The question, as values: what a `cohorts` field asks, before anything is checked or looked up."""

from dataclasses import dataclass
from enum import StrEnum

from app.analytics.query import Filter, RangeAsk
from app.core.timegrain import Granularity


class CohortBy(StrEnum):
    """What makes a cohort."""

    FIRST_ORDER = "FIRST_ORDER"
    FIRST_TOUCH = "FIRST_TOUCH"
    INFLUENCER_JOINED = "INFLUENCER_JOINED"


class CohortMeasure(StrEnum):
    """What is told of a cohort in each period."""

    RETAINED_CUSTOMERS = "RETAINED_CUSTOMERS"
    CUMULATIVE_REVENUE = "CUMULATIVE_REVENUE"
    ORDERS_PER_CUSTOMER = "ORDERS_PER_CUSTOMER"


@dataclass(frozen=True, slots=True)
class CohortAsk:
    """One `cohorts` field. range: where cohorts start. zone, currency: None is the tenant's."""

    by: CohortBy
    every: Granularity
    periods: int
    measure: CohortMeasure
    range: RangeAsk
    where: Filter | None = None
    zone: str | None = None
    currency: str | None = None
