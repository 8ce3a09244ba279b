"""What recording orders looks for before anything else, in one statement: what the orders name, and the tenant's rules.

A step of `record_orders`; the orders' claims are held.
"""

from collections.abc import Collection

from app.attribution import judging
from app.attribution.judging import Reach
from app.commissions.plans import in_force
from app.core.context import Ctx
from app.customers import ensure as customers
from app.db.looks import ask
from app.db.session import WriteSession
from app.fraud import rules as fraud
from app.orders import known, refunds
from app.orders.lines import CheckedOrder
from app.products import ensure as products


class Looks:
    """What is looked for, and then found.

    orders: those that exist. waited_for: those that refunds wait for. has_plans: whether any plan was ever assigned.
    """

    def __init__(self, orders: Collection[CheckedOrder], reach: Reach) -> None:
        ids = {order.external_id for order in orders}
        self.orders = known.look_for_orders(ids)
        self.waited_for = refunds.look_for_waiting(ids)
        self.customers = customers.look_for({order.customer for order in orders if order.customer is not None})
        self.products = products.look_for(
            {line.sku for order in orders for line in order.lines if line.sku is not None}
        )
        self.judging = judging.Looks((code for order in orders for code in order.codes), reach)
        self.has_plans = in_force.look_for_any()
        self.fraud = fraud.look_for_rules()

    async def ask(self, ctx: Ctx, session: WriteSession) -> None:
        """Look for all of it."""
        await ask(
            ctx,
            session,
            self.orders,
            self.waited_for,
            self.customers,
            self.products,
            *self.judging.all,
            self.has_plans,
            self.fraud,
        )
