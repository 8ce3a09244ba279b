"""A few facts, each said in a line: for tests in which every number is known beforehand.

Written as the use cases would have written them, like tests/factories/facts.py, which makes up many.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE
from app.runtime import Runtime
from tests.factories.facts import Facts, contribute, insert

TOUCH = ("influencer_id", "campaign_id", "code", "platform", "channel")
MODELS = ("last", "first", "linear", "time_decay", "position")


class Few:
    """Facts of one tenant, to be `stored` when all are said."""

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx
        self.facts = Facts(ctx.tenant)

    def influencer(self, name: str, at: datetime) -> UUID:
        """An influencer."""
        influencer_id = new_id()
        self.facts.add("influencers", id=influencer_id, name=name, status="ACTIVE", created_at=at, updated_at=at)
        return influencer_id

    def customer(self, at: datetime) -> UUID:
        """A customer."""
        customer_id = new_id()
        self.facts.add("customers", id=customer_id, external_id=str(customer_id), created_at=at, updated_at=at)
        return customer_id

    def click(
        self, at: datetime, *, visitor: str | None = None, recorded: datetime | None = None, **touch: Any
    ) -> None:
        """A click. touch: any of TOUCH."""
        self.facts.add(
            "instances",
            id=new_id(),
            occurred_at=at,
            kind="CLICK",
            country=None,
            visitor_id=visitor,
            recorded_at=recorded or at,
            **dict.fromkeys(TOUCH) | touch,
        )

    def order(
        self,
        at: datetime,
        amount: int,
        *,
        customer: UUID | None = None,
        currency: str = "GBP",
        is_rated: bool = True,
        recorded: datetime | None = None,
        **touch: Any,
    ) -> UUID:
        """An order of one line, in minor units, all credit to one touch (any of TOUCH), or to nobody."""
        order_id = self._order(at, amount, customer, currency, is_rated=is_rated, recorded=recorded or at)
        self._credit(order_id, 0, at, customer, currency, recorded or at, touch, dict.fromkeys(MODELS, WEIGHT_ONE))
        return order_id

    def shared_order(self, at: datetime, amount: int, first: Mapping[str, Any], last: Mapping[str, Any]) -> UUID:
        """An order of two touches, booked to the last one."""
        order_id = self._order(at, amount, None, "GBP", is_rated=True, recorded=at)
        parts = {"last": 0, "first": WEIGHT_ONE, "linear": WEIGHT_ONE // 2, "time_decay": 3 * WEIGHT_ONE // 10}
        for position, touch in enumerate((first, last)):
            weights = {"position": WEIGHT_ONE // 2} | parts
            if position:
                weights = {model: WEIGHT_ONE - weight for model, weight in weights.items()}
            self._credit(order_id, position, at, None, "GBP", at, touch, weights)
        return order_id

    async def stored(self, runtime: Runtime) -> "Few":
        """All of it, inserted and contributed."""
        await insert(runtime.db, self.facts)
        await contribute(runtime.db, self.ctx, self.facts)
        return self

    def _order(
        self, at: datetime, amount: int, customer: UUID | None, currency: str, *, is_rated: bool, recorded: datetime
    ) -> UUID:
        order_id = new_id()
        self.facts.add(
            "orders",
            id=order_id,
            external_id=f"order-{order_id}",
            occurred_at=at,
            recorded_at=recorded,
            version=1,
            total_minor=amount,
            gross_minor=amount,
            currency=currency,
            customer_id=customer,
            country=None,
            is_test=False,
        )
        self.facts.add(
            "order_lines",
            id=new_id(),
            order_id=order_id,
            version=1,
            position=0,
            kind="ITEM",
            product_id=None,
            quantity=1,
            currency=currency,
            amount_minor=amount,
            amount_base_minor=amount if is_rated else None,
            is_reversal=False,
            occurred_at=at,
            recorded_at=recorded,
        )
        return order_id

    def _credit(
        self,
        order_id: UUID,
        position: int,
        at: datetime,
        customer: UUID | None,
        currency: str,
        recorded: datetime,
        touch: Mapping[str, Any],
        weights: Mapping[str, int],
    ) -> None:
        self.facts.add(
            "credits",
            id=new_id(),
            order_id=order_id,
            position=position,
            weight_booked=weights["last"],
            **{f"weight_{model}": weights[model] for model in MODELS},
            occurred_at=at,
            country=None,
            currency=currency,
            customer_id=customer,
            recorded_at=recorded,
            **dict.fromkeys(TOUCH) | dict(touch),
        )
