"""All tables: the data dictionary. Columns only; who may see which rows is in the migrations (row-level security)."""

from app.tables.attribution import AttributionChange, AttributionRules, AwaitedTouch, ProgramStatus
from app.tables.base import TenantRow
from app.tables.engagement import EngagementSnapshot, PostClaim
from app.tables.fraud import FraudHit, FraudRules
from app.tables.ledger import ApprovalTerms, CommissionAdjustment, LedgerBalance, LedgerDelta, MoneyTerms, OwnRate
from app.tables.money import Attribution, Commission, CommissionEvent, CommissionLine, Credit, LedgerEntry
from app.tables.operations import AuditLog, IdempotencyKey, Outbox
from app.tables.orders import Adjustment, Order, OrderClaim, OrderEvent, OrderLine, OrderVersion, Refund, RefundLine
from app.tables.payouts import (
    PayoutBatch,
    PayoutEvent,
    PayoutItem,
    PayoutItemCommission,
    PayoutMessage,
    PayoutMethod,
    PayoutPayment,
    PayoutPolicy,
    PayoutRequest,
)
from app.tables.plans import (
    CommissionPlan,
    CommissionPlanAssignment,
    CommissionPlanVersion,
    CommissionRating,
    CommissionTally,
)
from app.tables.program import Campaign, Code, Enrollment, Influencer, Link, SocialProfile
from app.tables.rollups import SUM_COLUMNS, Rollup, RollupDelta, RollupDemand, RollupState
from app.tables.spend import Spend
from app.tables.store import Customer, CustomerIdentity, Product
from app.tables.tenancy import ApiKey, ExchangeRate, SlugDirectory, Tenant
from app.tables.tracking import Instance, InstanceKey

__all__ = [
    "SUM_COLUMNS",
    "Adjustment",
    "ApiKey",
    "ApprovalTerms",
    "Attribution",
    "AttributionChange",
    "AttributionRules",
    "AuditLog",
    "AwaitedTouch",
    "Campaign",
    "Code",
    "Commission",
    "CommissionAdjustment",
    "CommissionEvent",
    "CommissionLine",
    "CommissionPlan",
    "CommissionPlanAssignment",
    "CommissionPlanVersion",
    "CommissionRating",
    "CommissionTally",
    "Credit",
    "Customer",
    "CustomerIdentity",
    "EngagementSnapshot",
    "Enrollment",
    "ExchangeRate",
    "FraudHit",
    "FraudRules",
    "IdempotencyKey",
    "Influencer",
    "Instance",
    "InstanceKey",
    "LedgerBalance",
    "LedgerDelta",
    "LedgerEntry",
    "Link",
    "MoneyTerms",
    "Order",
    "OrderClaim",
    "OrderEvent",
    "OrderLine",
    "OrderVersion",
    "Outbox",
    "OwnRate",
    "PayoutBatch",
    "PayoutEvent",
    "PayoutItem",
    "PayoutItemCommission",
    "PayoutMessage",
    "PayoutMethod",
    "PayoutPayment",
    "PayoutPolicy",
    "PayoutRequest",
    "PostClaim",
    "Product",
    "ProgramStatus",
    "Refund",
    "RefundLine",
    "Rollup",
    "RollupDelta",
    "RollupDemand",
    "RollupState",
    "SlugDirectory",
    "SocialProfile",
    "Spend",
    "Tenant",
    "TenantRow",
]

GLOBAL_TABLES = frozenset({"tenants", "api_keys", "slug_directory", "exchange_rates"})
"""The only tables without row-level security."""
