"""Imports the Online Retail data set through the use cases, with an invented program and its traffic laid over it.

Everything has an id of its own that follows from the file: a second run replays, a run that was broken off is finished
by the next. Driven by `scoville import orders` and by the demo.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.core.context import Ctx
from app.customers.inputs import CustomerInput
from app.integrations.online_retail import Invoice, Reading, Report, Survey
from app.orders.inputs import AdjustmentInput, OrderInput, RefundInput
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.seeding.laying import lay_program, lay_reach, lay_traffic
from app.seeding.program import Plan, plan
from app.seeding.pump import Phase, Progress, Pump
from app.seeding.traffic import BROWSING_PER_ORDER, LEAD_DAYS, Traffic
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.upsert_customers import upsert_customers
from app.usecases.upsert_products import upsert_products

BATCH_LINES = 8_000
"""Lines of the orders in one call: a transaction of some tenths of a second."""

HELD_MAX = 1_000
"""Refunds and adjustments held until the orders before them are recorded."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found in the file, and what it recorded, by phase."""

    report: Report
    phases: dict[str, Phase]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was rejected."""
        return not any(phase.rejected for phase in self.phases.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "file": self.report.to_json(),
            "phases": {name: phase.to_json() for name, phase in self.phases.items()},
        }


def extent_of(survey: Survey) -> tuple[datetime, datetime]:
    """The first and the last instant that an import may write to: partitions are made for the months between."""
    times = [invoice.occurred_at for invoice in survey.invoices.values()]
    return min(times) - timedelta(days=LEAD_DAYS), max(times)


async def import_online_retail(
    runtime: Runtime,
    ctx: Ctx,
    survey: Survey,
    *,
    with_program: bool = True,
    browsing: float = BROWSING_PER_ORDER,
    progress: Progress = lambda phase, items: None,
) -> Imported:
    """Record everything that the surveyed file holds.

    with_program: lay influencers, campaigns, codes, clicks, posts, spend and their orders' visitors over it; without,
    orders come as the file has them. browsing: clicks that lead to no order, for each order.
    """
    size = runtime.settings.batch_items_max
    reading = Reading(survey)
    traffic = _traffic(ctx, survey, browsing) if with_program and survey.invoices else None
    async with Pump(runtime, ctx, progress) as pump:
        customers = (CustomerInput(customer, country=country) for customer, country in survey.customers.items())
        products = (ProductInput(sku, title=title) for sku, title in survey.products.items())
        await pump.put_all("customers", upsert_customers, customers, size=size)
        await pump.put_all("products", upsert_products, products, size=size)
        if traffic is not None:
            # Clicks name customers: those that are under way come first.
            await pump.drain()
            currency = ctx.tenant.currency
            program = await lay_program(pump, traffic.plan, currency=currency, size=size)
            await lay_traffic(pump, traffic, program, size=size)
            await lay_reach(pump, traffic.plan, program, end=traffic.end, currency=currency, size=size)
        # No touch that is recorded later ever changes an order that was judged: all of them come first.
        await pump.drain()
        await _book(pump, reading, traffic, size=size)
    return Imported(reading.report, pump.phases)


def _traffic(ctx: Ctx, survey: Survey, browsing: float) -> Traffic:
    times = [invoice.occurred_at for invoice in survey.invoices.values()]
    end = min(max(times) + timedelta(days=1), survey.end or ctx.now, ctx.now)
    laid: Plan = plan(min(times), prefix=ctx.tenant_id.hex[-8:])
    return Traffic(laid, survey.invoices.values(), end=end, browsing=browsing)


async def _book(pump: Pump, reading: Reading, traffic: Traffic | None, *, size: int) -> None:
    orders: list[OrderInput] = []
    refunds: list[RefundInput] = []
    adjustments: list[AdjustmentInput] = []
    lines = 0
    for fact in reading.facts():
        match fact:
            case OrderInput():
                invoice = reading.survey.invoices[fact.external_id]
                orders.append(fact if traffic is None else _with_story(fact, invoice, traffic))
                lines += len(fact.lines)
                if lines >= BATCH_LINES or len(orders) >= size:
                    await pump.put("orders", record_orders, orders)
                    orders, lines = [], 0
            case RefundInput():
                refunds.append(fact)
            case AdjustmentInput():
                adjustments.append(fact)
        if max(len(refunds), len(adjustments)) >= min(size, HELD_MAX):
            await _settle(pump, orders, refunds, adjustments)
            orders, refunds, adjustments, lines = [], [], [], 0
    await _settle(pump, orders, refunds, adjustments)


async def _settle(
    pump: Pump, orders: list[OrderInput], refunds: list[RefundInput], adjustments: list[AdjustmentInput]
) -> None:
    # Refunds go out when their orders are in: one that came first would only wait and be looked at twice.
    if orders:
        await pump.put("orders", record_orders, orders)
    await pump.drain()
    if refunds:
        await pump.put("refunds", record_refunds, refunds)
    if adjustments:
        await pump.put("adjustments", record_adjustments, adjustments)


def _with_story(order: OrderInput, invoice: Invoice, traffic: Traffic) -> OrderInput:
    story = traffic.story(invoice)
    return replace(order, visitor_id=story.visitor_id, click_id=story.click_id, codes=story.codes)
