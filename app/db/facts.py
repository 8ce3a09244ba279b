"""The exported facts: which families there are, what each column means, and the statement that reads a family.

The dictionary is the source of the files' columns, of their documentation and of the test that compares the two. What
is left out is what no measure needs and nobody outside should hold: personal data, hashes, raw requests.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from app.db.families import Column, Family, Kind
from app.db.session import ReadSession

BATCH_ROWS = 20_000
"""Rows held at once: some megabytes."""


def _id(name: str, description: str) -> Column:
    return Column(name, Kind.ID, description)


def _text(name: str, description: str) -> Column:
    return Column(name, Kind.TEXT, description)


def _amounts(what: str) -> tuple[Column, ...]:
    return (
        _text("currency", "ISO 4217 code of amount_minor."),
        Column("amount_minor", Kind.MINOR, f"{what}, in minor units of its own currency."),
        Column(
            "amount_base_minor",
            Kind.MINOR,
            "The same in the tenant's currency at the day's rate; null when no rate was known.",
        ),
    )


_ID = _id("id", "The row's id.")
_RECORDED = Column("recorded_at", Kind.INSTANT, "When Scoville recorded it.")
_RATE = (
    _text("base", "ISO 4217 code of what is converted."),
    _text("quote", "ISO 4217 code of what it is converted to."),
    Column("day", Kind.DAY, "The UTC day it holds for."),
    Column("rate", Kind.EXCHANGE_RATE, "Units of quote for one unit of base, in major units."),
    _RECORDED,
)
_SUPERSEDED = Column(
    "superseded_at",
    Kind.INSTANT,
    "Since when its order is judged otherwise and this does not count any more, or null.",
    "nullif(fact.superseded_at, 'infinity')",
)
_CUSTOMER = _id("customer_id", "The buyer, or null.")
_PRODUCT = _id("product_id", "The product, or null.")
_REACH = (
    _id("influencer_id", "The influencer, or null."),
    _id("campaign_id", "The campaign, or null."),
    _id("link_id", "The tracking link, or null."),
    _text("code", "The coupon code in upper case, or null."),
    _text("platform", "Platform, or null."),
    _text("channel", "Channel (UTM medium), or null."),
)


def _occurred(what: str) -> Column:
    return Column("occurred_at", Kind.INSTANT, what)


FAMILIES: tuple[Family, ...] = (
    Family(
        "instances",
        "Tracked interactions.",
        (
            _ID,
            _occurred("When it happened."),
            _text("kind", "CLICK, VIEW, CODE, SIGNUP, PURCHASE or OTHER."),
            *_REACH,
            _text("country", "ISO 3166-1 alpha-2 code, or null."),
            _text("visitor_id", "The visitor as the store knows them, or null."),
            _CUSTOMER,
            _id("order_id", "The order of a PURCHASE, else null."),
            _RECORDED,
            _SUPERSEDED,
        ),
        key="fact.occurred_at, fact.id",
    ),
    Family(
        "orders",
        "Orders in their newest version, test orders included.",
        (
            _ID,
            _text("external_id", "The store's id."),
            _occurred("When it was placed."),
            Column("version", Kind.INTEGER, "1, or more once it was edited."),
            _text("currency", "ISO 4217 code of the amounts."),
            Column("total_minor", Kind.MINOR, "Sum of all lines, in minor units."),
            Column("gross_minor", Kind.MINOR, "Sum of ITEM and DISCOUNT lines, in minor units."),
            _CUSTOMER,
            Column("codes", Kind.TEXTS, "Codes given at checkout, in upper case."),
            _text("country", "Shipping country, else billing country, or null."),
            Column("is_test", Kind.FLAG, "Whether it is a test: kept, and in no measure."),
            _RECORDED,
        ),
    ),
    Family(
        "order_lines",
        "Lines of orders: an edit adds the old line's reversal and the new line, so sums are the newest version's.",
        (
            _ID,
            _id("order_id", "The order."),
            Column("version", Kind.INTEGER, "The version of the order that added this row."),
            Column("position", Kind.INTEGER, "The line's number within its order."),
            _text("kind", "ITEM, SHIPPING, TAX, DISCOUNT, GIFT_CARD or FEE."),
            _PRODUCT,
            Column("quantity", Kind.INTEGER, "Units; negative in a reversal."),
            *_amounts("Net amount of the line"),
            Column("is_reversal", Kind.FLAG, "Whether it takes an edited line back."),
            _occurred("The order's time."),
            _RECORDED,
        ),
    ),
    Family(
        "credits",
        "Shares of orders, in 1e-9: per order and model they sum to 10**9. Test orders have none.",
        (
            _ID,
            _id("order_id", "The order."),
            Column("position", Kind.INTEGER, "0 is the oldest touch."),
            *_REACH,
            _text("touch_kind", "CLICK, VIEW, CODE, REFERRAL or SURVEY; null when nobody is credited."),
            Column("touched_at", Kind.INSTANT, "When the touch happened, or null."),
            Column("weight_booked", Kind.WEIGHT, "Share under the model that was booked."),
            Column("weight_last", Kind.WEIGHT, "Share under last touch."),
            Column("weight_first", Kind.WEIGHT, "Share under first touch."),
            Column("weight_linear", Kind.WEIGHT, "Share under linear."),
            Column("weight_time_decay", Kind.WEIGHT, "Share under time decay."),
            Column("weight_position", Kind.WEIGHT, "Share under position based."),
            _occurred("The order's time."),
            _text("country", "The order's country, or null."),
            _text("currency", "The order's currency."),
            _CUSTOMER,
            _RECORDED,
            _SUPERSEDED,
        ),
    ),
    Family(
        "refunds",
        "Refunds, cancellations and chargebacks; WAITING ones await their order and have no lines yet.",
        (
            _ID,
            _text("external_id", "The store's id."),
            _id("order_id", "The order, or null while it is not known."),
            _text("kind", "REFUND, CANCELLATION or CHARGEBACK."),
            _text("state", "WAITING, APPLIED or REJECTED."),
            _occurred("When the money went back."),
            _RECORDED,
        ),
    ),
    Family(
        "refund_lines",
        "What refunds take back of order lines. Positive takes back; of a DISCOUNT line it is negative.",
        (
            _ID,
            _id("refund_id", "The refund."),
            _id("order_id", "The order."),
            Column("position", Kind.INTEGER, "The line's number within its order."),
            _text("kind", "The line's kind."),
            _PRODUCT,
            Column("quantity", Kind.INTEGER, "Units that came back."),
            *_amounts("Amount taken back"),
            _occurred("The refund's time."),
            _RECORDED,
        ),
    ),
    Family(
        "adjustments",
        "Credit notes whose order cannot be known: counted in refunds, credited to nobody.",
        (
            _ID,
            _text("external_id", "The store's id."),
            _occurred("Date of the credit note."),
            _PRODUCT,
            _CUSTOMER,
            _text("country", "ISO 3166-1 alpha-2 code, or null."),
            Column("quantity", Kind.INTEGER, "Units that came back."),
            *_amounts("Amount taken back, positive"),
            _text("reason", "The store's words, or null."),
            _RECORDED,
        ),
    ),
    Family(
        "commissions",
        "Commissions in their present state; reversals are negative rows of their own.",
        (
            _ID,
            _text("kind", "ACCRUAL, EDIT, REVERSAL or ADJUSTMENT."),
            _text("state", "PENDING, HELD, APPROVED, PAID, or REVERSED for reversals."),
            _id("order_id", "The order, or null."),
            _id("credit_id", "The credit that earned it, or null."),
            _id("refund_id", "The refund that took it back, or null."),
            _id("influencer_id", "Who earns it."),
            _id("campaign_id", "The campaign, or null."),
            _text("code", "The coupon code in upper case, or null."),
            Column("rate", Kind.RATE, "Share of the base that is paid, or null."),
            Column("basis_minor", Kind.MINOR, "What the rate was taken of, in minor units."),
            *_amounts("The commission"),
            _occurred("The order's time; of a reversal, the refund's."),
            _RECORDED,
        ),
    ),
    Family(
        "commission_lines",
        "Commissions split over the order's revenue lines; the parts sum to the commission.",
        (
            _ID,
            _id("commission_id", "The commission."),
            Column("position", Kind.INTEGER, "The line's number within its order."),
            _PRODUCT,
            *_amounts("The part")[1:],
            _occurred("The commission's time."),
            _RECORDED,
        ),
    ),
    Family(
        "commission_events",
        "Passages of commissions from one state to the next; a commission's first is the state it began in.",
        (
            _ID,
            _id("commission_id", "The commission."),
            _text("from_state", "The state before, or null at the beginning."),
            _text("to_state", "The state from then on."),
            _RECORDED,
        ),
        key="fact.recorded_at, fact.id",
    ),
    Family(
        "engagement_snapshots",
        "What posts had gathered at a time. Figures are cumulative, may fall, and are null when not known.",
        (
            _ID,
            _text("platform", "Platform of the post."),
            _text("post_id", "The platform's id of the post."),
            _occurred("The time that the figures are of."),
            _id("influencer_id", "Whose post it is."),
            _id("campaign_id", "The campaign, or null."),
            Column("likes", Kind.INTEGER, "Likes since it was published, or null."),
            Column("comments", Kind.INTEGER, "Comments since it was published, or null."),
            Column("shares", Kind.INTEGER, "Shares since it was published, or null."),
            Column("views", Kind.INTEGER, "Views since it was published, or null."),
            _RECORDED,
        ),
    ),
    Family(
        "spend",
        "What campaigns cost beside commissions.",
        (
            _ID,
            _text("external_id", "The tenant's own id."),
            _occurred("When it was spent."),
            _id("campaign_id", "The campaign."),
            _id("influencer_id", "On whom, or null."),
            *_amounts("What was spent; negative corrects"),
            _RECORDED,
        ),
    ),
    Family(
        "payout_payments",
        "What was paid to influencers, and what of it came back.",
        (
            _ID,
            _id("item_id", "The payout."),
            _text("kind", "PAID or RETURNED."),
            _occurred("When it was paid, or came back."),
            _id("influencer_id", "Who was paid."),
            *_amounts("What was paid; negative came back"),
            _RECORDED,
        ),
    ),
    Family(
        "exchange_rates",
        "The rates of all days and currencies, the same for all tenants.",
        _RATE,
        key="fact.base, fact.quote, fact.day",
        is_global=True,
    ),
    Family(
        "own_rates",
        "The tenant's own rates. Of one day they come before those of all tenants, and the last of several counts.",
        (_ID, *_RATE),
    ),
    Family(
        "influencers",
        "Whoever promotes.",
        (
            _ID,
            _text("external_id", "The tenant's own id, or null."),
            _text("name", "Name."),
            _text("status", "ACTIVE, PAUSED or SUSPENDED."),
            _text("country", "ISO 3166-1 alpha-2 code, or null."),
        ),
    ),
    Family(
        "campaigns",
        "Dated promotions.",
        (
            _ID,
            _text("external_id", "The tenant's own id, or null."),
            _text("name", "Name."),
            _text("status", "DRAFT, ACTIVE, PAUSED or ENDED."),
            Column("starts_at", Kind.INSTANT, "Start."),
            Column("ends_at", Kind.INSTANT, "End (exclusive), or null when open."),
            _text("currency", "ISO 4217 code of budget and goals."),
            _text("attribution_model", "Model by which its orders are booked."),
            Column("click_window_days", Kind.INTEGER, "Days after which a click earns nothing."),
            Column("commission_rate", Kind.RATE, "Share of gross revenue that is paid."),
        ),
    ),
    Family(
        "products",
        "What the store sells.",
        (
            _ID,
            _text("external_id", "The store's id (SKU)."),
            _text("title", "Title."),
            _text("category", "Category, or null."),
        ),
    ),
    Family(
        "codes",
        "Coupon codes.",
        (
            _ID,
            _text("code", "The code in upper case."),
            _id("influencer_id", "Whose it is."),
            _id("campaign_id", "The campaign it is for, or null."),
            _text("platform", "Platform, or null."),
            _text("status", "ACTIVE or DISABLED."),
        ),
    ),
)
"""Every file of an export, facts first."""


async def stream(session: ReadSession, family: Family) -> AsyncIterator[Sequence[Any]]:
    """Batches of the family's rows, in the order of its columns."""
    async for rows in session.stream(family.sql, session.tenant_id, batch=BATCH_ROWS):
        yield rows
