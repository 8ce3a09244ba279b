"""Orders as a store sends them, and the program that they find their touches in. Builders take only what matters."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.words import LineKind, OrderEventKind
from app.db.session import Database
from app.orders.inputs import AdjustmentInput, EditInput, LineInput, OrderEventInput, OrderInput, RefundInput

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""When made-up orders happen, if nothing else is said."""

_numbers = itertools.count(1)


def item(amount: str, quantity: int = 1, sku: str | None = "sauce", **more: Any) -> LineInput:
    """An ITEM line."""
    return LineInput(LineKind.ITEM, Decimal(amount), quantity, sku, **more)


def line(kind: LineKind, amount: str, **more: Any) -> LineInput:
    """A line of another kind."""
    return LineInput(kind, Decimal(amount), **more)


def order(*lines: LineInput, **more: Any) -> OrderInput:
    """An order of these lines (one item of 100.00 if none), with an id of its own, in GBP, at NOON."""
    lines = lines or (item("100.00"),)
    values: dict[str, Any] = {
        "external_id": f"order-{next(_numbers)}",
        "occurred_at": NOON,
        "currency": "GBP",
        "total": sum((each.amount for each in lines), Decimal(0)),
        "lines": lines,
    }
    return OrderInput(**(values | more))


def refund(of: str, amount: str | None = None, **more: Any) -> RefundInput:
    """A refund of an order, a day after NOON."""
    values: dict[str, Any] = {
        "external_id": f"refund-{next(_numbers)}",
        "order_external_id": of,
        "occurred_at": NOON + timedelta(days=1),
        "amount": None if amount is None else Decimal(amount),
    }
    return RefundInput(**(values | more))


def edit(of: str, *lines: LineInput, **more: Any) -> EditInput:
    """The new state of an order."""
    values: dict[str, Any] = {
        "order_external_id": of,
        "occurred_at": NOON + timedelta(hours=1),
        "total": sum((each.amount for each in lines), Decimal(0)),
        "lines": lines,
    }
    return EditInput(**(values | more))


def event(of: str, kind: OrderEventKind, **more: Any) -> OrderEventInput:
    """An event of an order, two days after NOON."""
    values: dict[str, Any] = {"order_external_id": of, "kind": kind, "occurred_at": NOON + timedelta(days=2)}
    return OrderEventInput(**(values | more))


def adjustment(amount: str, **more: Any) -> AdjustmentInput:
    """A credit note without an order."""
    values: dict[str, Any] = {
        "external_id": f"note-{next(_numbers)}",
        "occurred_at": NOON,
        "currency": "GBP",
        "amount": Decimal(amount),
    }
    return AdjustmentInput(**(values | more))


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign, an influencer in it, and their code."""

    campaign_id: UUID
    influencer_id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class ProgramRows:
    """Inserts a program's rows as they are, behind the use cases. admin: for the global exchange rates."""

    db: Database
    admin: "asyncpg.Pool[Any]"
    ctx: Ctx

    async def influencer(self, status: str = "ACTIVE") -> UUID:
        """An influencer."""
        return await self._insert("influencers", id=new_id(), name="Ina", status=status)

    async def campaign(self, rate: str = "0.1", model: str = "LAST_TOUCH", **more: Any) -> UUID:
        """A campaign that runs at NOON."""
        values: dict[str, Any] = {
            "id": new_id(),
            "name": "Hot spring",
            "status": "ACTIVE",
            "starts_at": NOON - timedelta(days=365),
            "currency": "GBP",
            "attribution_model": model,
            "click_window_days": 30,
            "commission_rate": Decimal(rate),
        }
        return await self._insert("campaigns", **(values | more))

    async def enrollment(
        self, campaign_id: UUID, influencer_id: UUID, rate: str | None = None, status: str = "ACTIVE"
    ) -> UUID:
        """An enrollment."""
        return await self._insert(
            "enrollments",
            id=new_id(),
            campaign_id=campaign_id,
            influencer_id=influencer_id,
            status=status,
            commission_rate=None if rate is None else Decimal(rate),
        )

    async def code(self, text: str, influencer_id: UUID, campaign_id: UUID | None = None, **more: Any) -> str:
        """A coupon code."""
        values: dict[str, Any] = {
            "id": new_id(),
            "code": text,
            "influencer_id": influencer_id,
            "campaign_id": campaign_id,
            "status": "ACTIVE",
        }
        await self._insert("codes", **(values | more))
        return text

    async def link(self, slug: str, influencer_id: UUID, campaign_id: UUID | None = None) -> UUID:
        """A tracking link. Its slug is not claimed."""
        return await self._insert(
            "links",
            id=new_id(),
            slug=slug,
            url="https://example.com/",
            influencer_id=influencer_id,
            campaign_id=campaign_id,
            status="ACTIVE",
        )

    async def offer(self, code: str = "SPICY20", rate: str = "0.1", model: str = "LAST_TOUCH") -> Offer:
        """A campaign with an influencer and a code."""
        influencer_id = await self.influencer()
        campaign_id = await self.campaign(rate, model)
        return Offer(campaign_id, influencer_id, await self.code(code, influencer_id, campaign_id))

    async def click(
        self,
        influencer_id: UUID | None,
        campaign_id: UUID | None = None,
        *,
        at: datetime = NOON - timedelta(days=1),
        kind: str = "CLICK",
        **more: Any,
    ) -> UUID:
        """A touch, by default of visitor `v`, a day before NOON. Contributes nothing to rollups."""
        values: dict[str, Any] = {
            "id": new_id(),
            "occurred_at": at,
            "recorded_at": at,
            "kind": kind,
            "influencer_id": influencer_id,
            "campaign_id": campaign_id,
            "visitor_id": "v",
        }
        return await self._insert("instances", is_dated=False, **(values | more))

    async def rate(self, base: str, quote: str, rate: str, *, on: datetime = NOON) -> None:
        """An exchange rate of a day, for all tenants."""
        await self.admin.execute(
            """INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at)
            VALUES ($1, $2, $3, $4, 'test', $5)
            ON CONFLICT (base, quote, day) DO UPDATE SET rate = excluded.rate""",
            base,
            quote,
            on.date(),
            Decimal(rate),
            on,
        )

    async def _insert(self, table: str, *, is_dated: bool = True, **values: Any) -> UUID:
        values["tenant_id"] = self.ctx.tenant_id
        if is_dated:
            values |= {"created_at": NOON, "updated_at": NOON}
        columns, places = ", ".join(values), ", ".join(f"${number}" for number in range(1, len(values) + 1))
        async with self.db.write(self.ctx.tenant_id) as session:
            await session.execute(f"/* test */ INSERT INTO {table} ({columns}) VALUES ({places})", *values.values())
        inserted: UUID = values["id"]
        return inserted


class Look:
    """Looks at a tenant's rows as they are stored."""

    def __init__(self, db: Database, ctx: Ctx) -> None:
        self.db = db
        self.ctx = ctx

    async def rows(self, table: str, where: str = "true", order: str = "1") -> list[dict[str, Any]]:
        """All rows of the tenant in a table."""
        async with self.db.read(self.ctx.tenant_id) as session:
            found = await session.fetch(
                f"/* test */ SELECT * FROM {table} WHERE tenant_id = $1 AND {where} ORDER BY {order}",
                self.ctx.tenant_id,
            )
        return [dict(row) for row in found]

    async def value(self, expression: str, table: str, where: str = "true") -> Any:
        """One value over the tenant's rows in a table."""
        async with self.db.read(self.ctx.tenant_id) as session:
            return await session.fetchval(
                f"/* test */ SELECT {expression} FROM {table} WHERE tenant_id = $1 AND {where}", self.ctx.tenant_id
            )

    async def counts(self, *tables: str) -> dict[str, int]:
        """Rows of the tenant by table."""
        return {table: await self.value("count(*)", table) for table in tables}
