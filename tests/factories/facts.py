"""A tenant's facts, made up but lawful: as the use cases would have written them, inserted without them.

For tests of what reads facts. Small numbers of everything, so that groups meet: several touches an order, edits,
refunds, orders nobody is credited for, three currencies, rates that are missing, keys that are unknown.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.analytics.rollups.deltas import Contribution, append
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE, allocate
from app.db.session import Database, WriteSession
from tests.factories.former import judged_again
from tests.factories.late import record_late
from tests.factories.reach import add_payout, add_post, add_spend

RATES = {"GBP": 1.0, "EUR": 0.85, "JPY": 0.5}
REVENUE = ("ITEM", "DISCOUNT")
TABLES = (
    "influencers",
    "campaigns",
    "customers",
    "products",
    "instances",
    "orders",
    "order_lines",
    "credits",
    "refunds",
    "refund_lines",
    "adjustments",
    "commissions",
    "commission_lines",
    "commission_events",
    "engagement_snapshots",
    "spend",
    "payout_methods",
    "payout_batches",
    "payout_items",
    "payout_payments",
)


@dataclass(slots=True)
class Facts:
    """Rows by table. former: those that another judgement replaced, which are stored and do not count."""

    tenant: TenantInfo
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in TABLES})
    former: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        """The row, added."""
        row = {"tenant_id": self.tenant.id, **values}
        self.rows[table].append(row)
        return row

    def ids(self, table: str) -> list[UUID]:
        """Ids of a table's rows."""
        return [row["id"] for row in self.rows[table]]

    def of_order(self, table: str, order_id: UUID) -> list[dict[str, Any]]:
        """A table's rows of an order."""
        return [row for row in self.rows[table] if row["order_id"] == order_id]


def made_up(
    tenant: TenantInfo, *, seed: int, start: datetime, days: float, orders: int = 120, instances: int = 400
) -> Facts:
    """Facts of a tenant between the start and so many days later (refunds up to 40 days later)."""
    facts = _Maker(tenant, random.Random(seed), start, days).make(orders, instances)
    record_late(facts.rows, seed=seed)
    facts.former = judged_again(facts.rows, seed=seed)
    return facts


async def insert(db: Database, facts: Facts) -> None:
    """Insert the rows into their tables, as the tenant."""
    async with db.write(facts.tenant.id) as session:
        await insert_rows(session, facts)


async def insert_rows(session: WriteSession, facts: Facts) -> None:
    """Insert the rows into their tables, in the session's transaction."""
    for table, rows in (*facts.rows.items(), *facts.former.items()):
        if rows:
            columns = ", ".join(rows[0])
            await session.execute(
                f"""/* test.insert_facts */ INSERT INTO {table} ({columns})
                SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)""",
                rows,
            )


async def contribute(db: Database, ctx: Ctx, facts: Facts) -> None:
    """Append what the facts contribute to rollups, as their writers would have."""
    async with db.write(ctx.tenant_id) as session:
        await append(ctx, session, contributions(facts))


def contributions(facts: Facts) -> list[Contribution]:
    """What the facts contribute."""
    rows = facts.rows
    found = [
        Contribution(
            row["occurred_at"],
            row["campaign_id"],
            row["influencer_id"],
            row["platform"],
            instances=1,
            clicks=int(row["kind"] == "CLICK"),
            purchases=int(row["kind"] == "PURCHASE"),
        )
        for row in rows["instances"]
    ]
    credits_of: dict[UUID, list[dict[str, Any]]] = {}
    for credit in rows["credits"]:
        credits_of.setdefault(credit["order_id"], []).append(credit)
        keys = (credit["campaign_id"], credit["influencer_id"], credit["platform"])
        found.append(Contribution(credit["occurred_at"], *keys, orders_e9=credit["weight_booked"]))
    for table in ("order_lines", "refund_lines"):
        for line in rows[table]:
            for credit in credits_of.get(line["order_id"], []):
                weight = credit["weight_booked"]
                if line["kind"] not in REVENUE or not weight:
                    continue
                keys = (credit["campaign_id"], credit["influencer_id"], credit["platform"])
                base = line["amount_base_minor"]
                sold = table == "order_lines"
                found.append(
                    Contribution(
                        line["occurred_at"],
                        *keys,
                        units_e9=line["quantity"] * weight if sold and line["kind"] == "ITEM" else 0,
                        gross_e9=(base or 0) * weight if sold else 0,
                        refunds_e9=0 if sold else (base or 0) * weight,
                        missing_rates=int(base is None),
                    )
                )
    for row in rows["adjustments"]:
        base = row["amount_base_minor"]
        found.append(
            Contribution(row["occurred_at"], refunds_e9=(base or 0) * WEIGHT_ONE, missing_rates=int(base is None))
        )
    for row in rows["commissions"]:
        base = row["amount_base_minor"]
        sign = -1 if row["state"] == "REVERSED" else 1
        sums: Any = {f"commission_{row['state'].lower()}": sign * (base or 0), "missing_rates": int(base is None)}
        found.append(Contribution(row["occurred_at"], row["campaign_id"], row["influencer_id"], **sums))
    return found


class _Maker:
    def __init__(self, tenant: TenantInfo, chance: random.Random, start: datetime, days: float) -> None:
        self.facts = Facts(tenant)
        self.chance = chance
        self.start = start
        self.span_s = days * 86_400

    def make(self, orders: int, instances: int) -> Facts:
        facts, chance, now = self.facts, self.chance, self.start
        dated = {"created_at": now, "updated_at": now}
        for number in range(5):
            facts.add("influencers", id=new_id(), name=f"Influencer {number}", status="ACTIVE", **dated)
        for number in range(3):
            facts.add(
                "campaigns",
                id=new_id(),
                name=f"Campaign {number}",
                status="ACTIVE",
                starts_at=now,
                currency="GBP",
                attribution_model="LAST_TOUCH",
                click_window_days=30,
                commission_rate="0.1",
                **dated,
            )
        for number in range(12):
            facts.add("customers", id=new_id(), external_id=f"customer-{number}", **dated)
        for number in range(6):
            facts.add("products", id=new_id(), external_id=f"sku-{number}", title=f"Product {number}", **dated)
        for _ in range(instances):
            self._instance(self.chance.choice(("CLICK", "CLICK", "CLICK", "VIEW", "CODE")), self._time(), self._touch())
        for number in range(orders):
            self._order(number)
        for number in range(orders // 10):
            self._adjustment(number)
        for _ in range(max(orders // 12, 2)):
            add_post(facts, chance, time=self._time)
        for _ in range(orders // 6):
            add_spend(facts, chance, at=self._time(), rates=RATES)
        for _ in range(orders // 6):
            add_payout(facts, chance, time=self._time, rates=RATES)
        return facts

    def _time(self) -> datetime:
        return self.start + timedelta(microseconds=self.chance.randrange(int(self.span_s * 10**6)))

    def _maybe(self, values: Any, share: float = 0.8) -> Any:
        return self.chance.choice(list(values)) if self.chance.random() < share else None

    def _touch(self) -> dict[str, Any]:
        return {
            "influencer_id": self._maybe(self.facts.ids("influencers")),
            "campaign_id": self._maybe(self.facts.ids("campaigns")),
            "code": self._maybe(("SPICY20", "SPICY10", "HOT"), 0.4),
            "platform": self._maybe(("TIKTOK", "YOUTUBE", "X")),
            "channel": self._maybe(("social", "email"), 0.6),
        }

    def _instance(self, kind: str, at: datetime, touch: dict[str, Any]) -> None:
        self.facts.add(
            "instances",
            id=new_id(),
            occurred_at=at,
            kind=kind,
            country=self._maybe(("GB", "DE", "FR")),
            visitor_id=self._maybe([f"visitor-{number}" for number in range(30)]),
            recorded_at=at,
            **touch,
        )

    def _order(self, number: int) -> None:
        facts, chance, at = self.facts, self.chance, self._time()
        is_test = chance.random() < 0.05
        currency = chance.choice(("GBP", "GBP", "GBP", "EUR", "JPY"))
        rate = None if currency == "JPY" and chance.random() < 0.3 else RATES[currency]
        country = self._maybe(("GB", "DE", "FR"))
        customer = self._maybe(facts.ids("customers"), 0.9)
        order = facts.add(
            "orders",
            id=new_id(),
            external_id=f"order-{number}",
            occurred_at=at,
            recorded_at=at,
            version=1,
            total_minor=0,
            gross_minor=0,
            currency=currency,
            customer_id=customer,
            country=country,
            is_test=is_test,
        )
        lines = self._lines(order, rate)
        if is_test:
            return
        credits_ = self._credits(order)
        winner = next((credit for credit in credits_ if credit["influencer_id"]), None)
        if winner is not None:
            touch = {key: winner[key] for key in ("influencer_id", "campaign_id", "code", "platform", "channel")}
            self._instance("PURCHASE", at, touch)
        refunded = self._refund(order, lines, rate) if chance.random() < 0.3 else []
        for credit in credits_:
            if credit["influencer_id"] is not None and credit["weight_booked"]:
                self._commission(credit, lines, refunded, rate)

    def _line(
        self, order: dict[str, Any], position: int, kind: str, rate: float | None, **values: Any
    ) -> dict[str, Any]:
        amount = values["amount_minor"]
        line: dict[str, Any] = {
            "id": new_id(),
            "order_id": order["id"],
            "version": 1,
            "position": position,
            "kind": kind,
            "product_id": None,
            "currency": order["currency"],
            "amount_base_minor": None if rate is None else round(amount * rate),
            "is_reversal": False,
            "occurred_at": order["occurred_at"],
            "recorded_at": order["recorded_at"],
            **values,
        }
        return self._added(order, line)

    def _added(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        order["total_minor"] += line["amount_minor"]
        order["gross_minor"] += line["amount_minor"] if line["kind"] in ("ITEM", "DISCOUNT") else 0
        return self.facts.add("order_lines", **line)

    def _lines(self, order: dict[str, Any], rate: float | None) -> list[dict[str, Any]]:
        chance = self.chance
        live = []
        for position in range(chance.randint(1, 4)):
            product = self._maybe(self.facts.ids("products"), 0.9)
            quantity = chance.randint(1, 5)
            amount = chance.randint(1, 5_000)
            line = self._line(order, position, "ITEM", rate, product_id=product, quantity=quantity, amount_minor=amount)
            if chance.random() < 0.2:
                back = {**line, "id": new_id(), "version": 2, "is_reversal": True}
                for column in ("quantity", "amount_minor", "amount_base_minor"):
                    back[column] = None if line[column] is None else -line[column]
                self._added(order, back)
                if chance.random() < 0.3:
                    continue
                line = self._line(
                    order,
                    position,
                    "ITEM",
                    rate,
                    version=2,
                    product_id=self._maybe(self.facts.ids("products"), 0.9),
                    quantity=chance.randint(1, 5),
                    amount_minor=chance.randint(1, 5_000),
                )
            live.append(line)
        if chance.random() < 0.3:
            live.append(self._line(order, 8, "DISCOUNT", rate, quantity=1, amount_minor=-chance.randint(1, 300)))
        if chance.random() < 0.5:
            self._line(order, 9, "SHIPPING", rate, quantity=1, amount_minor=499)
            self._line(order, 10, "TAX", rate, quantity=1, amount_minor=83)
        return live

    def _credits(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        count = self.chance.choice((0, 1, 1, 1, 2, 3))
        weights = [WEIGHT_ONE]
        if count:
            linear = allocate(WEIGHT_ONE, [1] * count)
            weights = linear if self.chance.random() < 0.5 else [0] * (count - 1) + [WEIGHT_ONE]
        models = _models(max(count, 1))
        found = []
        for position, weight in enumerate(weights):
            touch = self._touch() if count else dict.fromkeys(self._touch())
            found.append(
                self.facts.add(
                    "credits",
                    id=new_id(),
                    order_id=order["id"],
                    position=position,
                    weight_booked=weight,
                    **{f"weight_{model}": shares[position] for model, shares in models.items()},
                    occurred_at=order["occurred_at"],
                    country=order["country"],
                    currency=order["currency"],
                    customer_id=order["customer_id"],
                    recorded_at=order["recorded_at"],
                    **touch,
                )
            )
        return found

    def _refund(self, order: dict[str, Any], lines: list[dict[str, Any]], rate: float | None) -> list[dict[str, Any]]:
        at = order["occurred_at"] + timedelta(days=self.chance.random() * 40)
        refund = self.facts.add(
            "refunds",
            id=new_id(),
            external_id=f"refund-{order['external_id']}",
            order_external_id=order["external_id"],
            order_id=order["id"],
            kind="REFUND",
            state="APPLIED",
            occurred_at=at,
            recorded_at=at,
            content_hash="\\x00",
            request={},
        )
        found = []
        for line in lines:
            if self.chance.random() < 0.6:
                amount = line["amount_minor"] // self.chance.choice((1, 2))
                found.append(
                    self.facts.add(
                        "refund_lines",
                        id=new_id(),
                        refund_id=refund["id"],
                        order_id=order["id"],
                        position=line["position"],
                        kind=line["kind"],
                        product_id=line["product_id"],
                        quantity=1,
                        currency=order["currency"],
                        amount_minor=amount,
                        amount_base_minor=None if rate is None else round(amount * rate),
                        occurred_at=at,
                        recorded_at=at,
                    )
                )
        return found

    def _adjustment(self, number: int) -> None:
        at = self._time()
        amount = self.chance.randint(1, 900)
        known = self.chance.random() < 0.9
        self.facts.add(
            "adjustments",
            id=new_id(),
            external_id=f"adjustment-{number}",
            occurred_at=at,
            recorded_at=at,
            product_id=self._maybe(self.facts.ids("products")),
            country=self._maybe(("GB", "DE")),
            quantity=1,
            currency="EUR",
            amount_minor=amount,
            amount_base_minor=round(amount * RATES["EUR"]) if known else None,
            content_hash="\\x00",
        )

    def _commission(
        self,
        credit: dict[str, Any],
        lines: list[dict[str, Any]],
        refunded: list[dict[str, Any]],
        rate: float | None,
    ) -> None:
        state = self.chance.choice(("PENDING", "HELD", "APPROVED", "PAID"))
        shares = [line["amount_minor"] for line in lines]
        if sum(shares) <= 0:
            return
        amount = sum(shares) * credit["weight_booked"] // WEIGHT_ONE // 10
        self._commission_row(credit, "ACCRUAL", state, credit["occurred_at"], amount, rate, lines)
        if refunded:
            self._commission_row(
                credit, "REVERSAL", "REVERSED", refunded[0]["occurred_at"], -(amount // 2), rate, lines
            )

    def _commission_row(
        self,
        credit: dict[str, Any],
        kind: str,
        state: str,
        at: datetime,
        amount: int,
        rate: float | None,
        lines: list[dict[str, Any]],
    ) -> None:
        parts = allocate(amount, [line["amount_minor"] for line in lines])
        later = at + timedelta(hours=1 + len(self.facts.rows["commissions"]) % 90)
        bases = [None if rate is None else round(part * rate) for part in parts]
        commission = self.facts.add(
            "commissions",
            id=new_id(),
            kind=kind,
            state=state,
            order_id=credit["order_id"],
            credit_id=credit["id"],
            influencer_id=credit["influencer_id"],
            campaign_id=credit["campaign_id"],
            code=credit["code"],
            basis_minor=0,
            currency=credit["currency"],
            amount_minor=amount,
            amount_base_minor=None if rate is None else sum(base or 0 for base in bases),
            taken_minor=0,
            occurred_at=at,
            recorded_at=at,
            updated_at=at if state in ("PENDING", "REVERSED") else later,
        )
        for line, part, base in zip(lines, parts, bases, strict=True):
            self.facts.add(
                "commission_lines",
                id=new_id(),
                commission_id=commission["id"],
                position=line["position"],
                product_id=line["product_id"],
                amount_minor=part,
                amount_base_minor=base,
                occurred_at=at,
                recorded_at=at,
            )
        # It went its way within days: as of then it was PENDING.
        passages = [(None, state, at)] if kind == "REVERSAL" else [(None, "PENDING", at), ("PENDING", state, later)]
        for before, after, passed_at in passages:
            if before != after:
                self.facts.add(
                    "commission_events",
                    id=new_id(),
                    commission_id=commission["id"],
                    from_state=before,
                    to_state=after,
                    recorded_at=passed_at,
                )


def _models(count: int) -> dict[str, list[int]]:
    # Weights of so many touches, the oldest first, under each model.
    alone = [0] * (count - 1)
    ends = [4, *[1] * (count - 2), 4] if count > 2 else [1] * count
    return {
        "last": [*alone, WEIGHT_ONE],
        "first": [WEIGHT_ONE, *alone],
        "linear": allocate(WEIGHT_ONE, [1] * count),
        "time_decay": allocate(WEIGHT_ONE, [2**place for place in range(count)]),
        "position": allocate(WEIGHT_ONE, ends),
    }
