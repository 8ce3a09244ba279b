"""A few rows of everything that the API lists: made here to be compared with, and inserted as they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from app.core.context import Ctx
from app.core.words import (
    CampaignStatus,
    EnrollmentStatus,
    InfluencerStatus,
    InstanceKind,
    OfferStatus,
    RefundKind,
)
from app.db.session import Database
from tests.factories.listed_money import MONEY_TABLES, MoneyRows
from tests.factories.turns import COUNTRIES, NAMES, NO_HASH, PLATFORMS, Row, instant, one_of, word

TABLES = (
    "influencers",
    "campaigns",
    "enrollments",
    "links",
    "codes",
    "customers",
    "products",
    "instances",
    "orders",
    "order_versions",
    "refunds",
    "adjustments",
    *MONEY_TABLES,
    "engagement_snapshots",
    "spend",
)
"""Each after those that its rows name."""


class Listed(MoneyRows):
    """The rows of a tenant by table, those of parents first. Ids are random, so that they say nothing of time."""

    def __init__(self, db: Database, ctx: Ctx) -> None:
        self.db = db
        self.tenant_id = ctx.tenant_id
        self.rows: dict[str, list[Row]] = {}

    async def fill(self, count: int) -> None:
        """As many rows in each table, a quarter of them at each instant."""
        for table in TABLES:
            for number in range(count):
                # Neither time goes with the number, nor with the other: orders by them differ.
                self._make(table, number, instant(number * 3), instant(number + number // 4))
            await self._insert(table, self.rows[table])

    async def add(self, table: str, *keys: Any) -> None:
        """A row more in this table for each key: whatever it tells of time is that; of balances, what is owed."""
        for part in ("orders", "order_versions") if table == "orders" else (table,):
            made = [self._make(part, len(self.rows[part]), key, key) for key in keys]
            await self._insert(part, made)

    def _make(self, table: str, number: int, at: Any, recorded_at: Any) -> Row:
        row: Row = {"tenant_id": self.tenant_id} | getattr(self, f"_{table}")(number, at, recorded_at)
        if table != "order_versions":
            row.setdefault("id", uuid4())
        self.rows.setdefault(table, []).append(row)
        return row

    async def _insert(self, table: str, rows: Sequence[Row]) -> None:
        if table == "balances":
            table, rows = "ledger_balances", [part for row in rows for part in self.held_on_accounts(row)]
        columns = ", ".join(rows[0])
        async with self.db.write(self.tenant_id) as session:
            await session.execute(
                f"/* test */ INSERT INTO {table} ({columns}) "
                f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)",
                orjson.dumps(rows).decode(),
            )

    def _influencers(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": one_of((word(number), None), number),
            "name": one_of(NAMES, number),
            "status": one_of(list(InfluencerStatus), number),
            "country": one_of(COUNTRIES, number),
            "created_at": at,
            "updated_at": at,
        }

    def _campaigns(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": one_of((word(number), None), number),
            "name": one_of(NAMES, number),
            "status": one_of(list(CampaignStatus), number),
            "starts_at": recorded_at,
            "ends_at": one_of((None, at + timedelta(days=30)), number // 2),
            "currency": "GBP",
            "attribution_model": "LAST_TOUCH",
            "click_window_days": 30,
            "commission_rate": 0.1,
            "created_at": at,
            "updated_at": at,
        }

    def _enrollments(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        influencers = len(self.rows["influencers"])
        return {
            "campaign_id": self._id("campaigns", number),
            "influencer_id": self._id("influencers", number + number // influencers),
            "status": one_of(list(EnrollmentStatus), number),
            "created_at": at,
            "updated_at": at,
        }

    def _links(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return self._offer(number, at) | {"slug": word(number), "url": "https://shop.example/"}

    def _codes(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return self._offer(number, at) | {"code": word(number).upper()}

    def _offer(self, number: int, at: datetime) -> Row:
        return {
            "influencer_id": self._id("influencers", number % 3),
            "campaign_id": one_of((self._id("campaigns", number % 2), None), number // 2),
            "platform": one_of(PLATFORMS, number),
            "status": one_of(list(OfferStatus), number),
            "created_at": at,
            "updated_at": at,
        }

    def _customers(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": word(number),
            "country": one_of(COUNTRIES, number),
            "created_at": at,
            "updated_at": at,
        }

    def _products(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": word(number),
            "title": one_of(NAMES, number),
            "category": one_of(("sauces", "spices", None), number),
            "created_at": at,
            "updated_at": at,
        }

    def _instances(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "occurred_at": at,
            "recorded_at": recorded_at,
            "kind": one_of(list(InstanceKind), number),
            "influencer_id": one_of((self._id("influencers", number % 3), None), number // 2),
            "campaign_id": one_of((None, self._id("campaigns", number % 3)), number // 3),
            "link_id": one_of((None, None, self._id("links", number % 4)), number),
            "code": one_of((word(number % 2).upper(), None, "WORDLESS"), number),
            "platform": one_of(PLATFORMS, number),
        }

    def _orders(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": word(number),
            "occurred_at": at,
            "recorded_at": recorded_at,
            "version": 1,
            "total_minor": 100 + number,
            "gross_minor": 100,
            "currency": one_of(("EUR", "GBP"), number // 3),
            "country": one_of(COUNTRIES, number),
            "codes": [],
            "is_test": number % 5 == 0,
        }

    def _order_versions(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "order_id": self._id("orders", number),
            "version": 1,
            "content_hash": NO_HASH,
            "total_minor": 100 + number,
            "gross_minor": 100,
            "recorded_at": at,
        }

    def _refunds(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        state, order_id = one_of(
            (("APPLIED", self._id("orders", number % 4)), ("WAITING", None), ("REJECTED", None)), number
        )
        return {
            "external_id": word(number),
            "order_external_id": word(number % 4),
            "order_id": order_id,
            "kind": one_of(list(RefundKind), number // 2),
            "state": state,
            "occurred_at": at,
            "recorded_at": recorded_at,
            "content_hash": NO_HASH,
            "request": {},
        }

    def _adjustments(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": word(number),
            "occurred_at": at,
            "recorded_at": recorded_at,
            "product_id": one_of((self._id("products", number % 3), None), number // 2),
            "quantity": 1,
            "currency": "GBP",
            "amount_minor": 100,
            "content_hash": NO_HASH,
        }

    def _engagement_snapshots(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "platform": one_of(("TIKTOK", "YOUTUBE", "X"), number),
            "post_id": word(number),
            "occurred_at": at,
            "recorded_at": recorded_at,
            "influencer_id": self._id("influencers", number % 3),
            "campaign_id": one_of((None, self._id("campaigns", number % 3)), number // 3),
            "likes": one_of((number, None), number),
            "views": 100,
            "content_hash": NO_HASH,
        }

    def _spend(self, number: int, at: datetime, recorded_at: datetime) -> Row:
        return {
            "external_id": word(number),
            "occurred_at": at,
            "recorded_at": recorded_at,
            "campaign_id": self._id("campaigns", number % 3),
            "influencer_id": one_of((None, self._id("influencers", number % 3)), number // 3),
            "currency": "GBP",
            "amount_minor": 100,
            "content_hash": NO_HASH,
        }
