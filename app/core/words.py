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


class CodePolicy(StrEnum):
    """When a valid code counts. INVOLVED: where its influencer has a click or a view that counts too.

    WINNER: where its influencer would win without any code.
    """

    ALWAYS = "ALWAYS"
    INVOLVED = "INVOLVED"
    WINNER = "WINNER"


class PaidSearch(StrEnum):
    """What becomes of touches that came by an advertisement in a search engine."""

    REJECT = "REJECT"
    ALLOW = "ALLOW"


class AttributionCause(StrEnum):
    """Why an order was judged as it is: when it was booked, once more for a touch that came late, or by request."""

    BOOKED = "BOOKED"
    LATE_TOUCH = "LATE_TOUCH"
    RECOMPUTED = "RECOMPUTED"


class ProgramKind(StrEnum):
    """What of the program has a status that judging looks at."""

    INFLUENCER = "INFLUENCER"
    CAMPAIGN = "CAMPAIGN"
    ENROLLMENT = "ENROLLMENT"


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
    CODE_NOT_INVOLVED = "CODE_NOT_INVOLVED"
    CODE_NOT_WINNER = "CODE_NOT_WINNER"
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
    BONUS = "BONUS"
    REJECTION = "REJECTION"


TAKING_BACK_KINDS = frozenset({CommissionKind.REVERSAL, CommissionKind.REJECTION})
"""Kinds of commission that take back what was earned: negative, and REVERSED from the start."""


class CommissionState(StrEnum):
    """Where a commission is on its way to the influencer. What takes back is REVERSED from the start."""

    PENDING = "PENDING"
    HELD = "HELD"
    APPROVED = "APPROVED"
    PAID = "PAID"
    REVERSED = "REVERSED"


class Approval(StrEnum):
    """Whether pending commissions are approved by the worker when they are due, or by hand alone."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class EarnedWhen(StrEnum):
    """What an order needs before what it earned may be approved; the hold period begins with it."""

    ORDERED = "ORDERED"
    PAID = "PAID"
    FULFILLED = "FULFILLED"


class Clawback(StrEnum):
    """What becomes of commission that is taken back after it was paid out."""

    NEXT_PAYOUT = "NEXT_PAYOUT"
    INVOICE = "INVOICE"


class AdjustmentState(StrEnum):
    """Where a correction by hand stands."""

    PROPOSED = "PROPOSED"
    POSTED = "POSTED"
    DECLINED = "DECLINED"


class StatementKind(StrEnum):
    """Why what is owed to an influencer changed, on a statement."""

    EARNED = "EARNED"
    EDITED = "EDITED"
    BONUS = "BONUS"
    ADJUSTED = "ADJUSTED"
    REVERSED = "REVERSED"
    REJECTED = "REJECTED"
    PAID = "PAID"
    RETURNED = "RETURNED"
    INVOICE_PAID = "INVOICE_PAID"
    CONVERTED = "CONVERTED"


class LedgerAccount(StrEnum):
    """Accounts of the ledger. Debits are positive; what is owed to influencers is negative."""

    EXPENSE = "EXPENSE"
    ACCRUED = "ACCRUED"
    PAYABLE = "PAYABLE"
    HELD = "HELD"
    PAYING = "PAYING"
    PAID = "PAID"
    INVOICED = "INVOICED"
    CLAWED_BACK = "CLAWED_BACK"
    FEES = "FEES"
    ROUNDING = "ROUNDING"
    FX = "FX"


class Grain(StrEnum):
    """Bucket of a rollup: hours in UTC, days and longer ones in the tenant's reporting zone."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


# --- commission plans


class RuleKind(StrEnum):
    """How a rule of a commission plan turns lines into money."""

    PERCENTAGE = "PERCENTAGE"
    PER_ORDER = "PER_ORDER"
    PER_ITEM = "PER_ITEM"
    TIERS = "TIERS"


class TierMode(StrEnum):
    """MARGINAL: each tier's rate for the volume inside it. WHOLE_VOLUME: the reached tier's for all of the period's."""

    MARGINAL = "MARGINAL"
    WHOLE_VOLUME = "WHOLE_VOLUME"


class PlanMetric(StrEnum):
    """What tiers and bonuses count."""

    REVENUE = "REVENUE"
    ORDERS = "ORDERS"


class PlanPeriod(StrEnum):
    """Over which time tiers, bonuses and the period's cap count: local calendar periods of the tenant, or for ever."""

    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"
    ALL_TIME = "ALL_TIME"


class PlanCap(StrEnum):
    """Which of a plan's limits cut a commission."""

    ORDER = "ORDER"
    PERIOD = "PERIOD"
    INFLUENCER = "INFLUENCER"
    CAMPAIGN = "CAMPAIGN"


# --- fraud


class FraudRule(StrEnum):
    """What makes a new commission suspicious."""

    VELOCITY = "VELOCITY"
    REFUND_RATE = "REFUND_RATE"
    DUPLICATE_ACCOUNT = "DUPLICATE_ACCOUNT"
    SUSPICIOUS_DOMAIN = "SUSPICIOUS_DOMAIN"
    OWN_PURCHASE = "OWN_PURCHASE"


class FraudHitState(StrEnum):
    """Where a hit stands: ACCEPTED means that its commission was found to be in order, REJECTED that it was refused."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
