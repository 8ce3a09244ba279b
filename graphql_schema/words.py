"""Vocabularies that many types share, as enums of the API. Loaded before any type that names one (`__init__.py`)."""

from enum import Enum

import strawberry
from strawberry.types.enum import has_enum_definition

from app.analytics.query import Attribution, Direction
from app.core import payout_words, words
from app.core.context import Role
from app.core.outcomes import Outcome


def vocabulary(enum: type[Enum], about: str, *, name: str | None = None, **values: str) -> None:
    """Make the words an enum of the API. values: the description of each, in the enum's order; none may be missing.

    name: in the API, if another than the enum's own.
    """
    strawberry.enum(enum, name=name, description=about)
    assert has_enum_definition(enum)
    declared = enum.__strawberry_definition__.values
    assert [value.name for value in declared] == list(values), f"{enum.__name__}: describe each value, in its order"
    for value in declared:
        value.description = values[value.name]


vocabulary(Direction, "Of an order.", ASC="The least first.", DESC="The greatest first.")
vocabulary(
    Outcome,
    "What became of an item of a write.",
    RECORDED="It made a row or changed one.",
    REPLAYED="It was known with the same content; nothing changed.",
    REJECTED="It was refused, with code, message and path; nothing of it was kept.",
)
vocabulary(
    Role,
    "What a key is for.",
    ADMIN="Reads and writes everything.",
    ANALYST="Reads everything but customers; writes nothing.",
    FINANCE="Reads what an analyst reads, and moves money: states of commissions, adjustments, rates, payouts.",
    STORE="Writes orders, refunds, instances, engagement snapshots, customers and products, and reads them; no "
    "analytics, no money.",
    INFLUENCER="Reads one influencer's own rows and numbers, and may wish to be paid; writes nothing else.",
)

vocabulary(
    words.Platform,
    "Where an influencer reaches people.",
    INSTAGRAM="Instagram.",
    TIKTOK="TikTok.",
    YOUTUBE="YouTube.",
    FACEBOOK="Facebook.",
    X="X, once Twitter.",
    TWITCH="Twitch.",
    PODCAST="A podcast, wherever it is heard.",
    BLOG="A blog or any other site of their own.",
    NEWSLETTER="A newsletter by e-mail.",
    OTHER="Any other.",
)
vocabulary(
    words.CustomerKind,
    "Whether an order is its customer's first.",
    NEW="No order of the customer occurred before it.",
    RETURNING="An order of the customer occurred before it.",
)
vocabulary(
    words.InfluencerStatus,
    "Whether an influencer is credited for new orders. Booked orders keep their credits.",
    ACTIVE="Is credited.",
    PAUSED="Is not credited for now.",
    SUSPENDED="Is not credited, for cause.",
)
vocabulary(
    words.CampaignStatus,
    "Whether a campaign credits new orders. Booked orders keep their terms.",
    DRAFT="Being prepared; does not credit.",
    ACTIVE="Credits between its dates.",
    PAUSED="Does not credit for now.",
    ENDED="Does not credit any more, even before its end date.",
)
vocabulary(
    words.EnrollmentStatus,
    "Where an influencer stands in a campaign.",
    ACTIVE="Takes part and earns by their own terms, where they have any.",
    PAUSED="Is not credited in this campaign for now.",
    ENDED="Is not credited in this campaign any more.",
)
vocabulary(
    words.OfferStatus,
    "Whether a link or code may be used.",
    ACTIVE="May be used.",
    DISABLED="Withdrawn: a code given at checkout then earns nothing; a link's clicks still count.",
)
vocabulary(
    words.InstanceKind,
    "What a tracked interaction was.",
    CLICK="Somebody followed a link.",
    VIEW="Somebody saw a post.",
    CODE="Somebody used a coupon code.",
    SIGNUP="Somebody signed up with the store.",
    PURCHASE="An order that is credited; recorded with it.",
    OTHER="Anything else.",
)
vocabulary(
    words.LineKind,
    "What a line of an order is. ITEM and DISCOUNT are gross revenue; the others are kept and are not.",
    ITEM="Something sold, net of its own discount; revenue.",
    SHIPPING="Postage and packing.",
    TAX="Tax that the store shows apart.",
    DISCOUNT="Taken off the whole order, negative; revenue.",
    GIFT_CARD="A gift card sold; negative where one is redeemed.",
    FEE="Any other charge.",
)
vocabulary(
    words.OrderEventKind,
    "What happened to an order.",
    RECORDED="It was recorded for the first time.",
    EDITED="A new version of it was recorded.",
    PAID="It was paid; moves no money here.",
    FULFILLED="It was sent; moves no money here.",
    REFUNDED="Something of it was taken back.",
    CANCELLED="It was cancelled: what was open on it was taken back.",
    CHARGEBACK="The buyer's bank took the money back: what was open on it.",
)
vocabulary(
    words.RefundKind,
    "Why money went back.",
    REFUND="The store gave it back.",
    CANCELLATION="The order was cancelled.",
    CHARGEBACK="The buyer's bank took it back.",
)
vocabulary(
    words.RefundState,
    "Whether a refund was applied to its order.",
    WAITING="Its order is not known yet; it counts in no measure.",
    APPLIED="It takes back lines of its order.",
    REJECTED="Its order came and had less open than it takes back; it counts in no measure.",
)
vocabulary(
    words.CodePolicy,
    "When a valid code counts against clicks. What is decided is shown with the order.",
    ALWAYS="Always: a code at checkout comes before any click.",
    INVOLVED="Where its influencer has a click or a view that counts too; else it is CODE_NOT_INVOLVED.",
    WINNER="Where its influencer would win without any code; else it is CODE_NOT_WINNER.",
)
vocabulary(
    words.PaidSearch,
    "What becomes of touches that came by an advertisement in a search engine.",
    REJECT="They earn nothing: PAID_SEARCH.",
    ALLOW="They count as any other.",
)
vocabulary(
    words.AttributionCause,
    "Why an order is judged as it is.",
    BOOKED="It was judged when it was recorded.",
    LATE_TOUCH="Nobody was credited for it until a touch came late: it was judged once more.",
    RECOMPUTED="It was judged anew by `recomputeAttribution`.",
)
vocabulary(
    words.TouchKind,
    "By which means a touch reached the customer.",
    CLICK="A link that they followed.",
    VIEW="A post that they saw.",
    CODE="A coupon code that they used, before or at checkout.",
    REFERRAL="Somebody who sent them.",
    SURVEY="Their own answer to what brought them.",
)
vocabulary(
    words.AttributionModel,
    "How the credit of an order is shared among the touches that count. The shares sum to 1.",
    name="CampaignModel",
    LAST_TOUCH="All to the latest.",
    FIRST_TOUCH="All to the oldest.",
    LINEAR="The same to each.",
    TIME_DECAY="More to the later: a touch a week older than another has half its share.",
    POSITION_BASED="40 % to the oldest, 40 % to the latest, 20 % evenly to those between; of two, half to each.",
)
vocabulary(
    Attribution,
    "By which model orders are credited. All but BOOKED are what-ifs over what was stored when the order was booked; "
    "commissions stay as they are.",
    name="AttributionModel",
    BOOKED="As each order was booked, by its campaign's model.",
    LAST_TOUCH="All to the last touch.",
    FIRST_TOUCH="All to the first touch.",
    LINEAR="To all touches alike.",
    TIME_DECAY="To later touches more.",
    POSITION_BASED="To the first and the last touch more.",
)
vocabulary(
    words.RejectReason,
    "Why a touch earned nothing of an order; the first reason that holds.",
    AFTER_ORDER="It came after the order.",
    OUTSIDE_WINDOW="It came longer before the order than its campaign's window, or the default window, reaches.",
    CAMPAIGN_NOT_STARTED="Its campaign had not begun, or is a draft.",
    CAMPAIGN_ENDED="Its campaign had ended.",
    CAMPAIGN_PAUSED="Its campaign is paused.",
    ENROLLMENT_PAUSED="The influencer is paused in its campaign.",
    ENROLLMENT_ENDED="The influencer is no longer in its campaign.",
    INFLUENCER_UNKNOWN="Nobody is known to have made it.",
    INFLUENCER_PAUSED="The influencer is paused.",
    INFLUENCER_SUSPENDED="The influencer is suspended.",
    CODE_UNKNOWN="The code given at checkout is nobody's.",
    CODE_NOT_IN_FORCE="The code given at checkout is disabled, or outside its dates.",
    CODE_NOT_OWNED="The code belongs to another influencer than the touch, or may be used by another customer alone.",
    CODE_NOT_INVOLVED="Its campaign counts codes only of influencers who were involved otherwise.",
    CODE_NOT_WINNER="Its campaign counts codes only of the influencer who would win without any.",
    SELF_REFERRAL="The influencer bought it themselves.",
    PAID_SEARCH="It came by a paid search advertisement.",
    LOWER_PRIORITY="It counts, and the booked model gave all credit to others; or another code came before it.",
    TEST_ORDER="Test orders are never credited.",
)
vocabulary(
    words.CommissionKind,
    "Why a commission row exists.",
    ACCRUAL="The order was credited.",
    EDIT="The order was edited: the difference, of either sign.",
    REVERSAL="Something of the order was taken back; negative.",
    ADJUSTMENT="A correction by hand, of either sign.",
    BONUS="A threshold of the influencer's plan was reached.",
    REJECTION="What was left of a commission was refused; negative.",
)
vocabulary(
    words.CommissionState,
    "Where a commission is on its way to the influencer.",
    PENDING="Earned, and not approved yet.",
    HELD="Earned, and held back for the time being.",
    APPROVED="Approved, and to be paid out.",
    PAID="Paid out.",
    REVERSED="Takes back what was earned: reversals and rejections, from the start.",
)
vocabulary(
    words.Approval,
    "Who approves pending commissions.",
    AUTOMATIC="The worker, once they are due.",
    MANUAL="Nobody but a caller.",
)
vocabulary(
    words.EarnedWhen,
    "What an order needs before what it earned may be approved. The hold period begins with it, at the earliest with "
    "the order.",
    ORDERED="To be recorded.",
    PAID="To be paid.",
    FULFILLED="To be fulfilled.",
)
vocabulary(
    words.Clawback,
    "What becomes of commission that is taken back after it was paid out.",
    NEXT_PAYOUT="The balance goes down, below zero if it must; the next payout pays the rest.",
    INVOICE="It is kept apart as INVOICED, and payouts are not reduced by it.",
)
vocabulary(
    words.FraudRule,
    "What makes a new commission suspicious.",
    VELOCITY="More orders of one influencer in a short time than the rules allow.",
    REFUND_RATE="A greater share of the influencer's orders was refunded than the rules allow.",
    DUPLICATE_ACCOUNT="The influencer shares an e-mail address, a customer or a payout account with another one.",
    SUSPICIOUS_DOMAIN="The buyer's e-mail address is of a listed domain.",
    OWN_PURCHASE="The influencer seems to be the buyer.",
)
vocabulary(
    words.FraudHitState,
    "Where a hit of a rule of fraud stands.",
    OPEN="It waits for review; its commission is held.",
    ACCEPTED="The commission was found to be in order.",
    REJECTED="The commission was refused, and taken back.",
)
vocabulary(
    words.AdjustmentState,
    "Where a correction by hand stands.",
    PROPOSED="Above the limit: another key has to decide.",
    POSTED="It is a commission.",
    DECLINED="It was declined, and moves nothing.",
)
vocabulary(
    words.StatementKind,
    "Why what is owed to an influencer changed.",
    EARNED="An order was credited, or credited anew.",
    EDITED="An order was edited, or what it earned computed anew.",
    BONUS="A threshold was reached.",
    ADJUSTED="It was corrected by hand.",
    REVERSED="Something of an order was taken back.",
    REJECTED="A commission was rejected.",
    PAID="It was paid out.",
    RETURNED="A payout came back, whole or in part.",
    INVOICE_PAID="They paid what was invoiced to them.",
    CONVERTED="It was converted into another currency, to be paid out.",
)
vocabulary(
    words.LedgerAccount,
    "Account of the ledger. Debits are positive; what is owed is negative.",
    EXPENSE="What commissions cost the tenant.",
    ACCRUED="Owed to an influencer, and not approved yet.",
    PAYABLE="Owed to an influencer, approved, and to be paid out.",
    HELD="Owed to an influencer, and held back.",
    PAYING="Owed to an influencer, and in a payout that is under way.",
    PAID="Paid out to an influencer.",
    INVOICED="Owed by an influencer: taken back after it was paid out, and to be invoiced.",
    CLAWED_BACK="Taken back from an influencer after it was paid out.",
    FEES="What paying out cost.",
    ROUNDING="What rounding leaves.",
    FX="What exchange rates leave.",
)

# --- payouts
vocabulary(
    payout_words.PayoutProviderName,
    "By whom influencers are paid.",
    MANUAL="The tenant itself, from a file for its bank or otherwise; a person confirms.",
    STRIPE="Stripe Connect, to a connected account.",
    PAYPAL="PayPal Payouts, to an e-mail address, a phone number or an account's id.",
    TIPALTI="Tipalti, to a payee.",
)
vocabulary(
    payout_words.PayoutMethodStatus,
    "Whether an influencer may be paid by a payout method.",
    ACTIVE="They may.",
    DISABLED="They may not; their balance waits.",
)
vocabulary(
    payout_words.TaxState,
    "How far the collection of an influencer's tax data is. The data themselves are kept elsewhere.",
    NOT_NEEDED="None are needed.",
    MISSING="Nobody asked for them yet.",
    REQUESTED="They were asked for.",
    COLLECTED="They are there.",
    EXPIRED="They are too old.",
)
vocabulary(
    payout_words.PayoutSchedule,
    "How often batches are made of what is due; somebody approves them.",
    BY_HAND="Only when somebody makes them.",
    DAILY="Every day.",
    WEEKLY="On a day of the week.",
    MONTHLY="On a day of the month.",
)
vocabulary(
    payout_words.PayoutBatchState,
    "Where a payout batch is.",
    DRAFT="Made, and its balances reserved; it waits for the approval of another key.",
    APPROVED="The worker sends it.",
    EXECUTING="Some of it was sent, and not all is decided.",
    DONE="Everything was paid.",
    PARTLY_FAILED="Everything is decided; something failed or came back, and is payable again.",
    CANCELLED="Nothing of it was sent, and nothing will be.",
)
vocabulary(
    payout_words.PayoutItemState,
    "Where one influencer's payout is.",
    RESERVED="The balance is reserved; nothing was sent.",
    SENDING="The provider is about to be called, or is being called.",
    SENT="The provider has it and will pay it; by hand: somebody is to pay it.",
    UNKNOWN="The provider was called, and nobody knows what came of it. It is asked, not repeated.",
    SUCCEEDED="Paid.",
    RETURNING="Paid, and the provider is asked to take it back.",
    RETURNED="It came back whole; the balance is payable again.",
    FAILED="Not paid; the balance is payable again.",
    CANCELLED="Left out before it was sent; the balance is payable again.",
)
vocabulary(
    payout_words.PayoutPaymentKind,
    "Which way money went.",
    PAID="To the influencer.",
    RETURNED="Back.",
)
vocabulary(
    payout_words.PayoutObstacle,
    "Why a balance is not paid out now.",
    NOT_DUE="Nothing is owed, or the influencer owes: later earnings make it good.",
    BELOW_THRESHOLD="It is less than the currency's threshold.",
    NO_METHOD="The influencer has no payout method of the currency, none that is the default, or it has no reference.",
    METHOD_DISABLED="The influencer's payout method of the currency, or the default one, is disabled.",
    TAX_DATA_MISSING="The policy wants tax data, and they are not there.",
    INFLUENCER_SUSPENDED="The influencer is suspended.",
    NO_EXCHANGE_RATE="No exchange rate is known between the balance's currency and the method's.",
    NO_ACCOUNT="The tenant has no account at the method's provider.",
)
