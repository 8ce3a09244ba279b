"""The field's fixed vocabularies, as stored (text + CHECK) and as shown by the API."""

from enum import StrEnum


class TenantKind(StrEnum):
    """LIVE, or the TEST twin that sk_test_ keys open."""

    LIVE = "LIVE"
    TEST = "TEST"


class InfluencerStatus(StrEnum):
    """Only ACTIVE influencers are credited."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"


class CampaignStatus(StrEnum):
    """Only ACTIVE campaigns credit; ENDED is shown as such even before its end date."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


class EnrollmentStatus(StrEnum):
    """An influencer's state in a campaign."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


class OfferStatus(StrEnum):
    """Whether a link or code may be used."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class Platform(StrEnum):
    """Where an influencer reaches people."""

    INSTAGRAM = "INSTAGRAM"
    TIKTOK = "TIKTOK"
    YOUTUBE = "YOUTUBE"
    FACEBOOK = "FACEBOOK"
    X = "X"
    TWITCH = "TWITCH"
    PODCAST = "PODCAST"
    BLOG = "BLOG"
    NEWSLETTER = "NEWSLETTER"
    OTHER = "OTHER"


class InstanceKind(StrEnum):
    """What a tracked interaction was."""

    CLICK = "CLICK"
    VIEW = "VIEW"
    CODE = "CODE"
    SIGNUP = "SIGNUP"
    PURCHASE = "PURCHASE"
    OTHER = "OTHER"


class LineKind(StrEnum):
    """What an order line is. ITEM and DISCOUNT are revenue; the others are kept and are not."""

    ITEM = "ITEM"
    SHIPPING = "SHIPPING"
    TAX = "TAX"
    DISCOUNT = "DISCOUNT"
    GIFT_CARD = "GIFT_CARD"
    FEE = "FEE"


REVENUE_KINDS = frozenset({LineKind.ITEM, LineKind.DISCOUNT})
"""Kinds of line that make up gross revenue, and that the measure `refunds` counts."""


class CustomerKind(StrEnum):
    """Whether an order is its customer's first."""

    NEW = "NEW"
    RETURNING = "RETURNING"


class OrderEventKind(StrEnum):
    """What happened to an order, in the store's words."""

    RECORDED = "RECORDED"
    EDITED = "EDITED"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"
    CHARGEBACK = "CHARGEBACK"


class RefundKind(StrEnum):
    """Why money went back."""

    REFUND = "REFUND"
    CANCELLATION = "CANCELLATION"
    CHARGEBACK = "CHARGEBACK"


class RefundState(StrEnum):
    """WAITING: its order is not known yet. REJECTED: its order came and had less open than the refund."""

    WAITING = "WAITING"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"


class TouchKind(StrEnum):
    """By which means a touch reached the customer."""

    CLICK = "CLICK"
    VIEW = "VIEW"
    CODE = "CODE"
    REFERRAL = "REFERRAL"
    SURVEY = "SURVEY"


class AttributionModel(StrEnum):
    """How the credit of an order is shared among its touches."""

    LAST_TOUCH = "LAST_TOUCH"
    FIRST_TOUCH = "FIRST_TOUCH"
    LINEAR = "LINEAR"
    TIME_DECAY = "TIME_DECAY"
    POSITION_BASED = "POSITION_BASED"


class AttributionRule(StrEnum):
    """What decided an order, and so whose campaign's model spreads its credit.

    CODE_AT_CHECKOUT: a valid code given with it. LATEST_TOUCH: the last touch that counts.
    """

    CODE_AT_CHECKOUT = "CODE_AT_CHECKOUT"
    LATEST_TOUCH = "LATEST_TOUCH"
    NO_TOUCH = "NO_TOUCH"
    TEST_ORDER = "TEST_ORDER"


class RejectReason(StrEnum):
    """Why a touch earned nothing of an order. LOWER_PRIORITY: it counts, and the booked model gave all to others."""

    AFTER_ORDER = "AFTER_ORDER"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    CAMPAIGN_NOT_STARTED = "CAMPAIGN_NOT_STARTED"
    CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
    CAMPAIGN_PAUSED = "CAMPAIGN_PAUSED"
    ENROLLMENT_PAUSED = "ENROLLMENT_PAUSED"
    ENROLLMENT_ENDED = "ENROLLMENT_ENDED"
    INFLUENCER_UNKNOWN = "INFLUENCER_UNKNOWN"
    INFLUENCER_PAUSED = "INFLUENCER_PAUSED"
    INFLUENCER_SUSPENDED = "INFLUENCER_SUSPENDED"
    CODE_UNKNOWN = "CODE_UNKNOWN"
    CODE_NOT_IN_FORCE = "CODE_NOT_IN_FORCE"
    CODE_NOT_OWNED = "CODE_NOT_OWNED"
    SELF_REFERRAL = "SELF_REFERRAL"
    PAID_SEARCH = "PAID_SEARCH"
    LOWER_PRIORITY = "LOWER_PRIORITY"
    TEST_ORDER = "TEST_ORDER"


class CommissionKind(StrEnum):
    """Why a commission row exists."""

    ACCRUAL = "ACCRUAL"
    EDIT = "EDIT"
    REVERSAL = "REVERSAL"
    ADJUSTMENT = "ADJUSTMENT"


class CommissionState(StrEnum):
    """Where a commission is on its way to the influencer. Reversal rows are REVERSED from the start."""

    PENDING = "PENDING"
    HELD = "HELD"
    APPROVED = "APPROVED"
    PAID = "PAID"
    REVERSED = "REVERSED"


class LedgerAccount(StrEnum):
    """Accounts of the ledger. Debits are positive; what is owed to influencers is negative."""

    EXPENSE = "EXPENSE"
    ACCRUED = "ACCRUED"
    PAYABLE = "PAYABLE"
    HELD = "HELD"
    PAID = "PAID"
    CLAWED_BACK = "CLAWED_BACK"
    FEES = "FEES"
    ROUNDING = "ROUNDING"
    FX = "FX"


class Grain(StrEnum):
    """Bucket of a rollup: hours in UTC, days and months in the tenant's reporting zone."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"
