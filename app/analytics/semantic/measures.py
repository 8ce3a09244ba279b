"""Measures: each declared once. API types, enum, catalog, checks, planner and ordering follow from the declaration.

To add one: a declaration below. If it needs a sum that is not there yet: its declaration in `sums`, how it is read from
facts in `analytics/sql/facts`, and (if rollups are to hold it) a column and the writers' contribution.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.formula import Formula, Unit, terms
from app.analytics.semantic.sums import SUMS, Source
from app.core.words import CommissionState


@dataclass(frozen=True)
class Measure:
    """Something that is computed, by name of the API. takes: the argument that it has: `state`, `precision` or `at`."""

    name: str
    title: str
    description: str
    formula_text: str
    formula: Formula
    takes: str | None = None

    @property
    def api_name(self) -> str:
        """Its name in the API's enum: netRevenue → NET_REVENUE."""
        return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in self.name)

    @property
    def is_nullable(self) -> bool:
        """Whether it is null somewhere: a quotient, where it would be divided by 0, or unknown."""
        return self.formula.is_nullable

    @property
    def is_additive(self) -> bool:
        """Whether its values in the buckets of a range add up to its value in the range."""
        return self.formula.denominator is None and self.has_additive_sums

    @property
    def has_additive_sums(self) -> bool:
        """Whether what it is made of adds up over the buckets of a range."""
        return all(SUMS[name].is_additive for name in self.formula.sums)

    @property
    def is_money(self) -> bool:
        """Whether it is made of money, and so depends on the currency."""
        return any(SUMS[name].is_money for name in self.formula.sums)

    @cached_property
    def sources(self) -> frozenset[Source]:
        """The facts it is computed from."""
        return frozenset(source for name in self.formula.sums for source in SUMS[name].sources)

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """What it can be grouped and filtered by: what all its facts have."""
        return tuple(name for name, dimension in DIMENSIONS.items() if self.sources <= dimension.sources)

    @property
    def additive_by(self) -> tuple[str, ...]:
        """The dimensions over whose groups its values add up to the total; in money, all in one currency."""
        sums = [SUMS[name] for name in self.formula.sums]
        if not self.is_additive:
            return ()
        broken = frozenset[str]().union(*(item.not_by for item in sums), {"commission_state"})
        if self.is_money:
            broken |= {"currency"}
        return tuple(name for name in self.dimensions if name not in broken)

    def formula_of(self, states: tuple[str, ...] | None, *, by_state: bool) -> Formula:
        """Its formula for commissions in these states alone, and where groups are commission states."""
        if self.takes != "state" or (states is None and not by_state):
            return self.formula
        # A state has its own amount, and what was taken back is one of them: nothing is set off.
        return _in_states(tuple(CommissionState) if states is None else states)


@lru_cache(maxsize=64)
def _in_states(states: tuple[str, ...]) -> Formula:
    added = tuple(f"commission_{state.lower()}" for state in states)
    # Of no state there is nothing: a sum less itself, so that it is read, ordered and shown as any other money.
    return Formula(Unit.MONEY, terms(added or _EARNED[:1], () if added else _EARNED[:1]))


_CREDITED = "Grouped or filtered by influencer, campaign, code, platform or channel it counts by credit."

_EARNED = ("commission_pending", "commission_held", "commission_approved", "commission_paid")
_REVERSED = ("commission_reversed",)
_NET_COMMISSION = terms(_EARNED, _REVERSED)

_ENGAGEMENTS = terms(("likes", "comments", "shares"))
_ENGAGEMENTS_KNOWN = ("likes_known", "comments_known", "shares_known")


def _figure(name: str) -> Measure:
    return Measure(
        f"post{name.capitalize()}",
        f"Post {name}",
        f"Growth of the posts' {name}: the last snapshot in the time less the last one before. Null without a snapshot "
        "that knows them; negative where they fell.",
        f"sum over posts of {name} − {name} before",
        Formula(Unit.COUNT, terms((name,)), known=(f"{name}_known",)),
    )


_DECLARED = (
    Measure(
        "instances",
        "Instances",
        "Tracked interactions of every kind.",
        "count of instances",
        Formula(Unit.COUNT, terms(("instances",))),
    ),
    Measure(
        "clicks",
        "Clicks",
        "Instances of kind CLICK.",
        "count of instances where kind = CLICK",
        Formula(Unit.COUNT, terms(("clicks",))),
    ),
    Measure(
        "purchases",
        "Purchases",
        "Instances of kind PURCHASE: one for each attributed order, with what its winner's touch came with, and "
        "those that stores record.",
        "count of instances where kind = PURCHASE",
        Formula(Unit.COUNT, terms(("purchases",))),
    ),
    Measure(
        "nonPurchases",
        "Non-purchases",
        "Instances of every kind but PURCHASE.",
        "instances − purchases",
        Formula(Unit.COUNT, terms(("instances",), ("purchases",))),
    ),
    Measure(
        "visitors",
        "Visitors",
        "Distinct visitors of instances; unknown visitors do not count. Does not add up over groups or time.",
        "count of distinct visitors",
        Formula(Unit.COUNT, terms(("visitors",))),
        takes="precision",
    ),
    Measure(
        "orders",
        "Orders",
        f"Orders placed, test orders aside. {_CREDITED} By product: orders that contain it, so it does not add up.",
        "sum of weights",
        Formula(Unit.QUANTITY, terms(("orders_e9",))),
    ),
    Measure(
        "customers",
        "Customers",
        "Distinct customers of orders with any credit in the cell; unknown customers do not count.",
        "count of distinct customers",
        Formula(Unit.COUNT, terms(("customers",))),
        takes="precision",
    ),
    Measure(
        "newCustomers",
        "New customers",
        "Customers of the cell whose first order ever lies in the cell's time.",
        "count of distinct customers whose first order is in the time of the cell",
        Formula(Unit.COUNT, terms(("new_customers",))),
    ),
    Measure(
        "units",
        "Units",
        f"Quantity of ITEM lines; refunds do not reduce it. {_CREDITED}",
        "sum of quantity × weight",
        Formula(Unit.QUANTITY, terms(("units_e9",))),
    ),
    Measure(
        "grossRevenue",
        "Gross revenue",
        f"Net amounts of ITEM and DISCOUNT lines, at the order's time. No tax, no shipping. {_CREDITED}",
        "sum of amount × weight",
        Formula(Unit.MONEY, terms(("gross_e9",))),
    ),
    Measure(
        "refunds",
        "Refunds",
        f"What was taken back of ITEM and DISCOUNT lines, at the refund's time, and adjustments. {_CREDITED}",
        "sum of refunded amount × weight",
        Formula(Unit.MONEY, terms(("refunds_e9",))),
    ),
    Measure(
        "netRevenue",
        "Net revenue",
        "Gross revenue less refunds; negative where more was taken back than sold.",
        "grossRevenue − refunds",
        Formula(Unit.MONEY, terms(("gross_e9",), ("refunds_e9",))),
    ),
    Measure(
        "averageOrderValue",
        "Average order value",
        "Gross revenue of one order. Null without orders.",
        "grossRevenue ÷ orders",
        Formula(Unit.MONEY, terms(("gross_e9",)), terms(("orders_e9",))),
    ),
    Measure(
        "orderValueQuantile",
        "Order value quantile",
        "The gross revenue that a share `at` of the orders does not exceed, by nearest rank, over whole orders with "
        "any credit in the cell. Null without orders.",
        "nearest rank of the orders' gross revenue",
        Formula(Unit.MONEY, terms(("order_value",)), known=("valued_orders",)),
        takes="at",
    ),
    Measure(
        "conversionRate",
        "Conversion rate",
        "Share of instances that are purchases. Null without instances.",
        "purchases ÷ instances",
        Formula(Unit.RATIO, terms(("purchases",)), terms(("instances",))),
    ),
    Measure(
        "orderRate",
        "Order rate",
        "Orders for one click. Null without clicks.",
        "orders ÷ clicks",
        Formula(Unit.RATIO, terms(("orders_e9",)), terms(("clicks",))),
    ),
    Measure(
        "clickThroughRate",
        "Click-through rate",
        "Clicks for one view of a post. Null without known views.",
        "clicks ÷ postViews",
        Formula(Unit.RATIO, terms(("clicks",)), terms(("views",))),
    ),
    Measure(
        "commission",
        "Commission",
        "What influencers earned, dated at the order, less what refunds reversed, dated at the refund. With `state` "
        "what is in these states, REVERSED as a positive amount; `[]` is 0.",
        "sum of commission, reversals negative",
        Formula(Unit.MONEY, _NET_COMMISSION),
        takes="state",
    ),
    Measure(
        "payouts",
        "Payouts",
        "What was paid to influencers, at the time of payment, less what came back, at the time it did.",
        "sum of payments, returns negative",
        Formula(Unit.MONEY, terms(("payouts",))),
    ),
    Measure(
        "spend",
        "Spend",
        "What campaigns cost besides commission: fees, products, advertising.",
        "sum of spend",
        Formula(Unit.MONEY, terms(("spend",))),
    ),
    Measure(
        "profit",
        "Profit",
        "Net revenue less commission and spend.",
        "netRevenue − commission − spend",
        Formula(
            Unit.MONEY,
            terms(("gross_e9", *_REVERSED), ("refunds_e9", *_EARNED, "spend")),
        ),
    ),
    Measure(
        "returnOnSpend",
        "Return on spend",
        "Net revenue for one unit of money that was paid as commission or spend. Null where nothing was.",
        "netRevenue ÷ (commission + spend)",
        Formula(
            Unit.RATIO,
            terms(("gross_e9",), ("refunds_e9",)),
            terms((*_EARNED, "spend"), _REVERSED),
        ),
    ),
    Measure(
        "earningsPerClick",
        "Earnings per click",
        "Commission for one click, in major units with six digits. Null without clicks.",
        "commission ÷ clicks",
        Formula(Unit.MONEY_RATE, _NET_COMMISSION, terms(("clicks",))),
    ),
    _figure("likes"),
    _figure("comments"),
    _figure("shares"),
    _figure("views"),
    Measure(
        "engagements",
        "Engagements",
        "Likes, comments and shares together. Null where none of them is known.",
        "postLikes + postComments + postShares",
        Formula(Unit.COUNT, _ENGAGEMENTS, known=_ENGAGEMENTS_KNOWN),
    ),
    Measure(
        "engagementRate",
        "Engagement rate",
        "Engagements for one view. Null without known views.",
        "engagements ÷ postViews",
        Formula(Unit.RATIO, _ENGAGEMENTS, terms(("views",)), known=_ENGAGEMENTS_KNOWN),
    ),
)

MEASURES: dict[str, Measure] = {declared.name: declared for declared in _DECLARED}
"""Every measure by name."""
