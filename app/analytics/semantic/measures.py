"""Measures: each declared once. API types, enum, catalog, checks, planner and ordering follow from the declaration.

To add one: a declaration below. If it needs a sum that is not there yet: its declaration in `sums`, how it is read from
facts in `analytics/sql/facts`, and (if rollups are to hold it) a column and the writers' contribution.
"""

from dataclasses import dataclass

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.formula import Formula, Terms, Unit
from app.analytics.semantic.sums import SUMS, Source


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is computed, by name of the API."""

    name: str
    title: str
    description: str
    formula_text: str
    formula: Formula

    @property
    def api_name(self) -> str:
        """Its name in the API's enum: netRevenue → NET_REVENUE."""
        return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in self.name)

    @property
    def is_nullable(self) -> bool:
        """Whether it is null somewhere: a quotient, where it would be divided by 0."""
        return self.formula.denominator is not None

    @property
    def is_money(self) -> bool:
        """Whether it is made of money, and so depends on the currency."""
        return any(SUMS[name].is_money for name in self.formula.sums)

    @property
    def sources(self) -> frozenset[Source]:
        """The facts it is computed from."""
        return frozenset(source for name in self.formula.sums for source in SUMS[name].sources)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it can be grouped and filtered by: what all its facts have."""
        return tuple(name for name, dimension in DIMENSIONS.items() if self.sources <= dimension.sources)

    @property
    def additive_by(self) -> tuple[str, ...]:
        """The dimensions over whose groups its values add up to the total; in money, all in one currency."""
        sums = [SUMS[name] for name in self.formula.sums]
        if self.is_nullable or not all(item.is_stored for item in sums):
            return ()
        broken = frozenset[str]().union(*(item.not_by for item in sums))
        if self.is_money:
            broken |= {"currency"}
        return tuple(name for name in self.dimensions if name not in broken)


_CREDITED = "Grouped or filtered by influencer, campaign, code, platform or channel it counts by credit."

_NET_COMMISSION = Terms(
    added=("commission_pending", "commission_held", "commission_approved", "commission_paid"),
    subtracted=("commission_reversed",),
)

_DECLARED = (
    Measure(
        "instances",
        "Instances",
        "Tracked interactions of every kind.",
        "count of instances",
        Formula(Unit.COUNT, Terms(("instances",))),
    ),
    Measure(
        "clicks",
        "Clicks",
        "Instances of kind CLICK.",
        "count of instances where kind = CLICK",
        Formula(Unit.COUNT, Terms(("clicks",))),
    ),
    Measure(
        "purchases",
        "Purchases",
        "Instances of kind PURCHASE: one for each attributed order, with what its winner's touch came with, and "
        "those that stores record.",
        "count of instances where kind = PURCHASE",
        Formula(Unit.COUNT, Terms(("purchases",))),
    ),
    Measure(
        "nonPurchases",
        "Non-purchases",
        "Instances of every kind but PURCHASE.",
        "instances − purchases",
        Formula(Unit.COUNT, Terms(("instances",), ("purchases",))),
    ),
    Measure(
        "visitors",
        "Visitors",
        "Distinct visitors of instances; unknown visitors do not count. Does not add up over groups or time.",
        "count of distinct visitors",
        Formula(Unit.COUNT, Terms(("visitors",))),
    ),
    Measure(
        "orders",
        "Orders",
        f"Orders placed, test orders aside. {_CREDITED} By product: orders that contain it, so it does not add up.",
        "sum of weights",
        Formula(Unit.QUANTITY, Terms(("orders_e9",))),
    ),
    Measure(
        "customers",
        "Customers",
        "Distinct customers of orders with any credit in the cell; unknown customers do not count.",
        "count of distinct customers",
        Formula(Unit.COUNT, Terms(("customers",))),
    ),
    Measure(
        "newCustomers",
        "New customers",
        "Customers of the cell whose first order ever lies in the cell's time.",
        "count of distinct customers whose first order is in the time of the cell",
        Formula(Unit.COUNT, Terms(("new_customers",))),
    ),
    Measure(
        "units",
        "Units",
        f"Quantity of ITEM lines; refunds do not reduce it. {_CREDITED}",
        "sum of quantity × weight",
        Formula(Unit.QUANTITY, Terms(("units_e9",))),
    ),
    Measure(
        "grossRevenue",
        "Gross revenue",
        f"Net amounts of ITEM and DISCOUNT lines, at the order's time. No tax, no shipping. {_CREDITED}",
        "sum of amount × weight",
        Formula(Unit.MONEY, Terms(("gross_e9",))),
    ),
    Measure(
        "refunds",
        "Refunds",
        f"What was taken back of ITEM and DISCOUNT lines, at the refund's time, and adjustments. {_CREDITED}",
        "sum of refunded amount × weight",
        Formula(Unit.MONEY, Terms(("refunds_e9",))),
    ),
    Measure(
        "netRevenue",
        "Net revenue",
        "Gross revenue less refunds; negative where more was taken back than sold.",
        "grossRevenue − refunds",
        Formula(Unit.MONEY, Terms(("gross_e9",), ("refunds_e9",))),
    ),
    Measure(
        "averageOrderValue",
        "Average order value",
        "Gross revenue of one order. Null without orders.",
        "grossRevenue ÷ orders",
        Formula(Unit.MONEY, Terms(("gross_e9",)), Terms(("orders_e9",))),
    ),
    Measure(
        "conversionRate",
        "Conversion rate",
        "Share of instances that are purchases. Null without instances.",
        "purchases ÷ instances",
        Formula(Unit.RATIO, Terms(("purchases",)), Terms(("instances",))),
    ),
    Measure(
        "orderRate",
        "Order rate",
        "Orders for one click. Null without clicks.",
        "orders ÷ clicks",
        Formula(Unit.RATIO, Terms(("orders_e9",)), Terms(("clicks",))),
    ),
    Measure(
        "commission",
        "Commission",
        "What influencers earned, dated at the order, less what refunds reversed, dated at the refund.",
        "sum of commission, reversals negative",
        Formula(Unit.MONEY, _NET_COMMISSION),
    ),
    Measure(
        "earningsPerClick",
        "Earnings per click",
        "Commission for one click, in major units with six digits. Null without clicks.",
        "commission ÷ clicks",
        Formula(Unit.MONEY_RATE, _NET_COMMISSION, Terms(("clicks",))),
    ),
)

MEASURES: dict[str, Measure] = {declared.name: declared for declared in _DECLARED}
"""Every measure by name."""
