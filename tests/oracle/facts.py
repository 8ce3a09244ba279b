"""Exported files as DuckDB views: one view for each kind of fact, with every dimension it has as a column."""

import json
from pathlib import Path
from typing import Any

import duckdb

ONE = 1_000_000_000
"""A whole weight."""

# Who is credited: rows that earned a share of the order under the booked model. An order nobody is credited for has
# one row without names.
_CREDITED = """
CREATE VIEW credited AS
SELECT id AS credit_id, order_id, influencer_id, campaign_id, code, platform, channel, country, currency, customer_id,
       occurred_at, weight_booked AS weight
FROM credits
WHERE weight_booked > 0;

-- Products of an order that an edit has not taken away again.
CREATE VIEW contained AS
SELECT order_id, product_id
FROM order_lines
WHERE kind = 'ITEM'
GROUP BY order_id, product_id
HAVING count(*) FILTER (NOT is_reversal) > count(*) FILTER (is_reversal);

CREATE VIEW first_orders AS
SELECT customer_id, min(occurred_at) AS first_at
FROM credits
WHERE customer_id IS NOT NULL
GROUP BY customer_id;
"""

_FACTS = {
    "instances": """
        SELECT occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
               kind, visitor_id
        FROM instances""",
    "orders": """
        SELECT occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
               currency, weight, credit_id, customer_id, first_at
        FROM credited LEFT JOIN first_orders USING (customer_id)""",
    # An order stands here once for each product it contains.
    "orders_by_product": """
        SELECT occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
               currency, weight, credit_id, customer_id, first_at, product_id AS product
        FROM credited JOIN contained USING (order_id) LEFT JOIN first_orders USING (customer_id)""",
    "lines": """
        SELECT line.occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
               line.currency, weight, product_id AS product, kind, quantity, amount_minor, amount_base_minor
        FROM order_lines AS line JOIN credited USING (order_id)
        WHERE kind IN ('ITEM', 'DISCOUNT')""",
    "refunds": """
        SELECT line.occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, platform, channel, country,
               line.currency, weight, product_id AS product, amount_minor, amount_base_minor
        FROM refund_lines AS line JOIN credited USING (order_id)
        WHERE kind IN ('ITEM', 'DISCOUNT')
        UNION ALL
        SELECT occurred_at, NULL, NULL, NULL, NULL, NULL, country, currency, 1000000000, product_id, amount_minor,
               amount_base_minor
        FROM adjustments""",
    "commissions": """
        SELECT occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, currency, state, amount_minor,
               amount_base_minor
        FROM commissions""",
    "commissions_by_product": """
        SELECT part.occurred_at, influencer_id AS influencer, campaign_id AS campaign, code, currency, state,
               part.product_id AS product, part.amount_minor, part.amount_base_minor
        FROM commission_lines AS part JOIN commissions AS whole ON whole.id = part.commission_id""",
}


def opened(directory: Path) -> tuple[duckdb.DuckDBPyConnection, dict[str, Any]]:
    """A database over the files of an export, and its manifest."""
    manifest = json.loads((directory / "export.json").read_text())
    database = duckdb.connect()
    for name in manifest["families"]:
        # Read once into memory: thousands of questions follow.
        database.execute(f"CREATE TABLE {name} AS FROM read_parquet('{directory / name}.parquet')")
    database.execute(_CREDITED)
    for name, text in _FACTS.items():
        database.execute(f"CREATE TABLE fact_{name} AS {text}")
    return database, manifest
