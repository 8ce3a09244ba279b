"""Exported files, read with DuckDB, as facts: each with every dimension it has and what is added up of it.

DuckDB joins and looks back; what it gives is kept in memory, because thousands of questions follow and each would wait
for several queries of it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

ONE = 1_000_000_000
"""A whole weight."""

MODELS = ("BOOKED", "LAST_TOUCH", "FIRST_TOUCH", "LINEAR", "TIME_DECAY", "POSITION_BASED")
FIGURES = ("likes", "comments", "shares", "views")

DIMENSIONS = {
    "influencer": ("instances", "orders", "commissions", "engagement", "spend", "payouts"),
    "campaign": ("instances", "orders", "commissions", "engagement", "spend"),
    "product": ("orders", "commissions"),
    "code": ("instances", "orders", "commissions"),
    "platform": ("instances", "orders", "engagement"),
    "channel": ("instances", "orders"),
    "country": ("instances", "orders"),
    "currency": ("orders", "commissions", "spend", "payouts"),
    "customer_kind": ("orders",),
    "commission_state": ("commissions",),
    "is_purchase": ("instances",),
    "hour_of_day": ("instances", "orders", "commissions", "engagement", "spend", "payouts"),
    "day_of_week": ("instances", "orders", "commissions", "engagement", "spend", "payouts"),
}
"""By which facts have them. Lines and refunds have what their orders have."""


@dataclass(slots=True)
class Fact:
    """One fact. Times are microseconds since 1970. rated_at: the time whose exchange rate counts.

    weights: 1e-9 by model. one: what counts once however often it stands here: visitor, or credit. adds: whole numbers
    that are added up. before: amount of the parts of the same whole that come first.
    """

    at: int
    influencer: str | None = None
    campaign: str | None = None
    product: str | None = None
    code: str | None = None
    platform: str | None = None
    channel: str | None = None
    country: str | None = None
    currency: str | None = None
    customer_kind: str | None = None
    commission_state: str | None = None
    is_purchase: str | None = None
    weights: tuple[int, ...] = ()
    kind: str | None = None
    one: str | None = None
    order: str | None = None
    customer: str | None = None
    first_at: int = 0
    quantity: int = 0
    amount: int = 0
    before: int = 0
    base: int | None = None
    rated_at: int = 0
    adds: tuple[int | None, ...] = ()


_VIEWS = """
CREATE OR REPLACE TEMP VIEW credited AS
SELECT id AS one, order_id, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
       currency, customer_id, occurred_at,
       [weight_booked, weight_last, weight_first, weight_linear, weight_time_decay, weight_position] AS weights,
       CASE WHEN customer_id IS NULL THEN NULL WHEN occurred_at > first_at THEN 'RETURNING' ELSE 'NEW' END
         AS customer_kind,
       first_at
FROM known_credits
LEFT JOIN (SELECT customer_id, min(occurred_at) AS first_at FROM known_credits GROUP BY ALL) USING (customer_id);

-- Products of an order that an edit has not taken away again.
CREATE OR REPLACE TEMP VIEW contained AS
SELECT order_id, product_id AS product
FROM known_order_lines
WHERE kind = 'ITEM'
GROUP BY ALL
HAVING count(*) FILTER (NOT is_reversal) > count(*) FILTER (is_reversal);

-- Whenever it was recorded, an order was placed when it was.
CREATE OR REPLACE TEMP VIEW placed AS SELECT DISTINCT order_id, occurred_at FROM credits;

-- The state that a commission had gone into last.
CREATE OR REPLACE TEMP VIEW stated AS
SELECT * EXCLUDE (state), coalesce(to_state, state) AS state
FROM known_commissions
LEFT JOIN (
  SELECT commission_id AS id, to_state
  FROM known_commission_events
  QUALIFY row_number() OVER (PARTITION BY commission_id ORDER BY recorded_at DESC, id DESC) = 1
) USING (id);
"""

_CREDIT = """influencer, campaign, code, platform, channel, credited.country, customer_kind, weights,
               order_id AS "order" """

_FACTS = {
    "instances": """
        SELECT occurred_at AS "at", influencer_id AS influencer, campaign_id AS campaign, code, platform, channel,
               country, (kind = 'PURCHASE')::VARCHAR AS is_purchase, kind, visitor_id AS one
        FROM known_instances""",
    "orders": f"""
        SELECT occurred_at AS "at", {_CREDIT}, currency, one, customer_id AS customer, first_at FROM credited""",
    # An order stands here once for each product it contains.
    "orders_by_product": f"""
        SELECT occurred_at AS "at", {_CREDIT}, currency, one, customer_id AS customer, first_at, product
        FROM credited JOIN contained USING (order_id)""",
    "lines": f"""
        SELECT line.occurred_at AS "at", {_CREDIT}, line.currency, product_id AS product, kind, quantity,
               amount_minor AS amount, amount_base_minor AS base, line.occurred_at AS rated_at
        FROM known_order_lines AS line JOIN credited USING (order_id)
        WHERE kind IN ('ITEM', 'DISCOUNT')""",
    "refunds": f"""
        SELECT line.occurred_at AS "at", {_CREDIT}, line.currency, product_id AS product,
               amount_minor AS amount, amount_base_minor AS base, credited.occurred_at AS rated_at
        FROM known_refund_lines AS line JOIN credited USING (order_id)
        WHERE kind IN ('ITEM', 'DISCOUNT')""",
    "adjustments": f"""
        SELECT occurred_at AS "at", [{ONE}, {ONE}, {ONE}, {ONE}, {ONE}, {ONE}] AS weights, country, currency,
               product_id AS product, amount_minor AS amount, amount_base_minor AS base, occurred_at AS rated_at
        FROM known_adjustments""",
    "commissions": """
        SELECT stated.occurred_at AS "at", influencer_id AS influencer, campaign_id AS campaign, code, stated.currency,
               state AS commission_state, amount_minor AS amount, amount_base_minor AS base,
               coalesce(placed.occurred_at, stated.occurred_at) AS rated_at
        FROM stated LEFT JOIN placed USING (order_id)""",
    "commissions_by_product": """
        SELECT part.occurred_at AS "at", influencer_id AS influencer, campaign_id AS campaign, code, stated.currency,
               state AS commission_state, part.product_id AS product, part.amount_minor AS amount,
               part.amount_base_minor AS base, coalesce(placed.occurred_at, stated.occurred_at) AS rated_at,
               coalesce(sum(part.amount_minor) OVER earlier, 0)::BIGINT AS before
        FROM known_commission_lines AS part JOIN stated ON stated.id = part.commission_id
        LEFT JOIN placed USING (order_id)
        WINDOW earlier AS (
          PARTITION BY part.commission_id ORDER BY part.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )""",
    "engagement": f"""
        SELECT occurred_at AS "at", influencer_id AS influencer, campaign_id AS campaign, platform,
               [{
        ", ".join(f"{name} - coalesce(last_value({name} IGNORE NULLS) OVER before, 0)" for name in FIGURES)
    }] AS adds
        FROM known_engagement_snapshots
        WINDOW before AS (
          PARTITION BY platform, post_id ORDER BY occurred_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )""",
    "spend": """
        SELECT occurred_at AS "at", influencer_id AS influencer, campaign_id AS campaign, currency,
               amount_minor AS amount, amount_base_minor AS base, occurred_at AS rated_at
        FROM known_spend""",
    "payouts": """
        SELECT occurred_at AS "at", influencer_id AS influencer, currency,
               amount_minor AS amount, amount_base_minor AS base, occurred_at AS rated_at
        FROM known_payout_payments""",
}

_TIMES = frozenset({"at", "rated_at", "first_at"})


class Files:
    """An export. rates: by pair of currencies and day, in the files' own text."""

    def __init__(self, directory: Path) -> None:
        manifest = json.loads((directory / "export.json").read_text())
        self.zone: str = manifest["reportingZone"]
        self.currency: str = manifest["currency"]
        self._families = {name: set(family["columns"]) for name, family in manifest["families"].items()}
        self._database = duckdb.connect()
        self._database.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for name in self._families:
            self._database.execute(f"CREATE TABLE {name} AS FROM read_parquet('{directory / name}.parquet')")

    def facts(self, as_of: datetime | None) -> dict[str, list[Fact]]:
        """All facts by kind, in the order of time. as_of: what was recorded later is left out."""
        for name, columns in self._families.items():
            then = "true"
            if as_of is not None and "recorded_at" in columns:
                then = f"recorded_at <= TIMESTAMPTZ '{as_of.isoformat()}'"
            if "superseded_at" in columns:
                # A judgement that another replaced held until then.
                held = "" if as_of is None else f" OR superseded_at > TIMESTAMPTZ '{as_of.isoformat()}'"
                then = f"{then} AND (superseded_at IS NULL{held})"
            self._database.execute(f"CREATE OR REPLACE TEMP VIEW known_{name} AS FROM {name} WHERE {then}")
        self._database.execute(_VIEWS)
        found = {name: self._read(text) for name, text in _FACTS.items()}
        found["refunds"] = sorted([*found["refunds"], *found.pop("adjustments")], key=lambda fact: fact.at)
        return found

    def rates(self) -> list[tuple[str, str, int, int, str]]:
        """Base, quote, day (days since 1970), place (0 of all tenants, else the own one's number), rate."""
        rows = self._database.execute(
            """SELECT base, quote, date_diff('day', DATE '1970-01-01', day), 0, rate::VARCHAR FROM exchange_rates
            UNION ALL
            SELECT base, quote, date_diff('day', DATE '1970-01-01', day), row_number() OVER (ORDER BY id), rate::VARCHAR
            FROM own_rates"""
        )
        return rows.fetchall()

    def orders_lines(self, as_of: datetime | None) -> dict[str, list[Fact]]:
        """What whole orders are worth: their revenue lines, by order."""
        found: dict[str, list[Fact]] = {}
        then = "true" if as_of is None else f"recorded_at <= TIMESTAMPTZ '{as_of.isoformat()}'"
        text = f"""
            SELECT occurred_at AS "at", order_id AS "order", currency, occurred_at AS rated_at,
                   amount_minor AS amount, amount_base_minor AS base
            FROM order_lines WHERE kind IN ('ITEM', 'DISCOUNT') AND {then}"""
        for fact in self._read(text):
            found.setdefault(str(fact.order), []).append(fact)
        return found

    def _read(self, text: str) -> list[Fact]:
        columns = [row[0] for row in self._database.execute(f"DESCRIBE {text}").fetchall()]
        read = ", ".join(f'epoch_us("{name}") AS "{name}"' if name in _TIMES else f'"{name}"' for name in columns)
        rows = self._database.execute(f'SELECT {read} FROM ({text}) ORDER BY "at"').fetchall()
        return [Fact(**{name: _value(value) for name, value in zip(columns, row, strict=True)}) for row in rows]


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
