"""The vocabularies of payouts, as stored (text + CHECK) and as shown by the API."""

from enum import StrEnum


class PayoutProviderName(StrEnum):
    """By whom influencers are paid. MANUAL: by the tenant itself, from a file for its bank or otherwise."""

    MANUAL = "MANUAL"
    STRIPE = "STRIPE"
    PAYPAL = "PAYPAL"
    TIPALTI = "TIPALTI"


class PayoutMethodStatus(StrEnum):
    """Whether an influencer may be paid by a payout method."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class TaxState(StrEnum):
    """How far the collection of an influencer's tax data is; the data themselves are never here."""

    NOT_NEEDED = "NOT_NEEDED"
    MISSING = "MISSING"
    REQUESTED = "REQUESTED"
    COLLECTED = "COLLECTED"
    EXPIRED = "EXPIRED"


class PayoutSchedule(StrEnum):
    """How often batches are made of what is due. BY_HAND: only when somebody makes them."""

    BY_HAND = "BY_HAND"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class PayoutBatchState(StrEnum):
    """Where a payout batch is. PARTLY_FAILED: everything is decided, and not every item was paid for good."""

    DRAFT = "DRAFT"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    DONE = "DONE"
    PARTLY_FAILED = "PARTLY_FAILED"
    CANCELLED = "CANCELLED"


class PayoutItemState(StrEnum):
    """Where one influencer's payout is.

    SENDING: written before the provider is called. UNKNOWN: called, and nobody knows what came of it; it is asked, not
    repeated. RETURNING: paid, and the provider is asked to take it back.
    """

    RESERVED = "RESERVED"
    SENDING = "SENDING"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class PayoutPaymentKind(StrEnum):
    """Which way money went: to the influencer, or back."""

    PAID = "PAID"
    RETURNED = "RETURNED"


class PayoutObstacle(StrEnum):
    """Why a balance is not paid out now."""

    NOT_DUE = "NOT_DUE"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    NO_METHOD = "NO_METHOD"
    METHOD_DISABLED = "METHOD_DISABLED"
    TAX_DATA_MISSING = "TAX_DATA_MISSING"
    INFLUENCER_SUSPENDED = "INFLUENCER_SUSPENDED"
    NO_EXCHANGE_RATE = "NO_EXCHANGE_RATE"
    NO_ACCOUNT = "NO_ACCOUNT"
