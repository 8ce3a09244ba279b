"""The schema: every feature's root fields, merged. A root field without a scope, or named twice, stops the build.

Adding a feature is one line in FEATURES. `schema.graphql` beside this file is the printed schema, checked in so that a
change of the API shows in review; `scoville schema` prints it.
"""

from collections import Counter
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import get_object_definition

from graphql_schema import (
    analytics,
    attribution,
    attribution_writes,
    balances,
    campaign_writes,
    campaigns,
    catalog,
    codes,
    cohorts,
    commission_plan_writes,
    commission_plans,
    commission_preview,
    commission_rerating,
    commission_writes,
    commissions,
    customers,
    engagements,
    enrollments,
    fraud,
    influencer_writes,
    influencers,
    instances,
    links,
    live,
    money_terms,
    node,
    order_writes,
    orders,
    payout_due,
    payout_method_writes,
    payout_methods,
    payout_writes,
    payouts,
    products,
    rates,
    refund_writes,
    refunds,
    spend,
    viewer,
)
from graphql_schema.permissions import check_declared
from graphql_schema.scalars import SCALARS

FEATURES: tuple[ModuleType, ...] = (
    viewer,
    node,
    influencers,
    influencer_writes,
    campaigns,
    campaign_writes,
    enrollments,
    links,
    codes,
    instances,
    customers,
    products,
    orders,
    order_writes,
    attribution,
    attribution_writes,
    refunds,
    refund_writes,
    commissions,
    commission_plans,
    commission_plan_writes,
    commission_preview,
    commission_rerating,
    commission_writes,
    money_terms,
    fraud,
    balances,
    rates,
    payout_methods,
    payout_method_writes,
    payouts,
    payout_due,
    payout_writes,
    engagements,
    spend,
    analytics,
    live,
    cohorts,
    catalog,
)
"""Modules with a `Query`, a `Mutation`, a `Subscription` or several of these, and `TYPES` for types that no field names
(a node's kinds)."""


def build(features: Sequence[ModuleType] = FEATURES) -> strawberry.Schema:
    """The schema of the features. Raises UndeclaredScope when a root field declares no scope."""
    query = _merged("Query", "What can be read. Reading changes nothing.", features)
    mutation = _merged("Mutation", "What can be written. Each field is one transaction.", features)
    assert query is not None, "a schema without a query"
    subscription = _merged("Subscription", "What can be followed: each field is answered again and again.", features)
    check_declared([root for root in (query, mutation, subscription) if root is not None])
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[listed for feature in features for listed in getattr(feature, "TYPES", ())],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )


def _merged(name: str, description: str, features: Sequence[ModuleType]) -> Any | None:
    parts = [part for feature in features if (part := getattr(feature, name, None)) is not None]
    if not parts:
        return None
    fields = Counter(field.python_name for part in parts for field in get_object_definition(part, strict=True).fields)
    twice = sorted(field for field, times in fields.items() if times > 1)
    assert not twice, f"{name} has fields of two features with one name: {', '.join(twice)}"
    return strawberry.type(type(name, tuple(parts), {}), description=description)


schema = build()


def printed() -> str:
    """The schema in the schema definition language, as checked in."""
    return f"{schema.as_str().strip()}\n"
