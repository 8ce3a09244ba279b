"""Groups add up to their total, to the minor unit, in whichever currency they are asked."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from app.analytics.query import Between, ByDimension, Filter, Groups, Matches, Parents, Question
from app.analytics.runner import Runner
from app.analytics.semantic.measures import MEASURES
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.runtime import Runtime
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import Facts, insert, made_up
from tests.factories.rates import OWN_CURRENCIES, add_own_rates, add_rates
from tests.integration.analytics.asking import asks, values

pytestmark = pytest.mark.database

START = datetime(2025, 9, 1, tzinfo=UTC)
DAYS = 60
END = START + timedelta(days=DAYS + 60)

WHOLE: dict[str, tuple[str, ...]] = {
    "commission": ("influencer", "campaign", "product", "code"),
    "spend": ("influencer", "campaign"),
    "payouts": ("influencer",),
    "grossRevenue": ("product", "country", "customer_kind"),
    "refunds": ("product", "country"),
}
"""Measures with dimensions by which they are split into whole minor units, never by credit."""


@pytest.fixture(scope="module")
async def facts(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> tuple[Ctx, Facts]:
    """Two months of facts, of a tenant with rates to several currencies."""
    tenant = TenantInfo(new_id(), f"rates {new_id()}", reporting_zone="Europe/London", currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant, now=END)
    await add_rates(admin, seed=31, first=START.date(), days=DAYS)
    await add_own_rates(runtime.db, ctx, seed=31, first=START.date(), days=DAYS)
    found = made_up(tenant, seed=31, start=START, days=DAYS, orders=150, instances=1)
    await insert(runtime.db, found)
    return ctx, found


@pytest.fixture
def asked(runtime: Runtime) -> Runner:
    """Answers that nobody remembers."""
    return Runner(runtime.db, NullAnswers(), runtime.settings)


def question(measure: str, currency: str, by: str, where: Filter | None = None) -> Question:
    """A measure in total and by a dimension, all of its groups."""
    columns = asks(measure)
    groups = Groups((ByDimension(by),), columns, first=100)
    return Question(Between(START, END), where=where, currency=currency, totals=columns, groups=(groups,))


@pytest.mark.parametrize("currency", ["GBP", *OWN_CURRENCIES])
@pytest.mark.parametrize(("measure", "by"), [(measure, by) for measure, names in WHOLE.items() for by in names])
async def test_groups_add_up_to_their_total(
    asked: Runner, facts: tuple[Ctx, Facts], measure: str, by: str, currency: str
) -> None:
    ctx, _ = facts

    answer = await asked.run(ctx, question(measure, currency, by))

    parts = [Fraction(_one(values(group.figures))) for group in answer.groups[0].groups]
    assert by in MEASURES[measure].dimensions
    assert len(parts) > 1
    assert sum(parts) == Fraction(_one(values(answer.totals)))


@pytest.mark.parametrize("currency", OWN_CURRENCIES)
async def test_a_product_has_the_same_part_of_commissions_however_it_is_asked(
    asked: Runner, facts: tuple[Ctx, Facts], currency: str
) -> None:
    ctx, made = facts
    products = made.ids("products")
    answer = await asked.run(ctx, question("commission", currency, "product"))
    by_product = {group.keys[0]: _one(values(group.figures)) for group in answer.groups[0].groups}
    columns = Question(Between(START, END), currency=currency, totals=asks("commission"))

    together = await asked.run_many(ctx, columns, Parents("product", tuple(products)))
    others = await asked.run(
        ctx, question("commission", currency, "influencer", Matches("product", not_in=(products[0],)))
    )

    assert len(set(by_product) & set(products)) == len(products)
    for product in products:
        filtered = question("commission", currency, "influencer", Matches("product", isin=(product,)))
        alone = await asked.run(ctx, filtered)
        assert _one(values(alone.totals)) == _one(values(together[product].totals)) == by_product[product]
    rest = sum(Fraction(amount) for key, amount in by_product.items() if key != products[0])
    assert Fraction(_one(values(others.totals))) == rest


def _one(shown: tuple[Any, ...]) -> Any:
    assert len(shown) == 1
    return shown[0]
