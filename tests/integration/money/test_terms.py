"""Terms and rules of a tenant, of which a change names a part: changes that come at once keep each other."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.attribution import rules as attribution_rules
from app.attribution.rules import RulesChange
from app.commissions.inputs import MoneyTermsInput
from app.commissions.terms import TERMS, MoneyTerms
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.words import Approval, AttributionModel, Clawback, CodePolicy, EarnedWhen, PaidSearch
from app.db.one_row import OneRow
from app.fraud import rules as fraud_rules
from app.fraud.rules import FraudRulesChange
from app.runtime import Runtime
from app.tables import FraudRules
from app.usecases.set_attribution_rules import set_attribution_rules
from app.usecases.set_fraud_rules import set_fraud_rules
from app.usecases.set_money_terms import set_money_terms
from tests.conftest import add_tenant, make_ctx
from tests.factories.orders import Look, ProgramRows

pytestmark = pytest.mark.database

TIMES = 10

Change = Callable[[Runtime, Ctx, UUID, int], Awaitable[Any]]


async def of_money(runtime: Runtime, ctx: Ctx, _: UUID, number: int) -> Any:
    halves = MoneyTermsInput(hold_days=5), MoneyTermsInput(clawback=Clawback.INVOICE)
    return await set_money_terms(runtime, ctx, [halves[number]])


async def of_a_campaign(runtime: Runtime, ctx: Ctx, campaign_id: UUID, number: int) -> Any:
    halves = MoneyTermsInput(campaign_id, hold_days=5), MoneyTermsInput(campaign_id, approval=Approval.MANUAL)
    return await set_money_terms(runtime, ctx, [halves[number]])


async def of_fraud(runtime: Runtime, ctx: Ctx, _: UUID, number: int) -> Any:
    halves = FraudRulesChange(velocity_orders=5), FraudRulesChange(duplicate_accounts=True)
    return await set_fraud_rules(runtime, ctx, halves[number])


async def of_attribution(runtime: Runtime, ctx: Ctx, _: UUID, number: int) -> Any:
    halves = RulesChange(half_life_days=5), RulesChange(paid_search=PaidSearch.ALLOW)
    return await set_attribution_rules(runtime, ctx, halves[number])


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("money_terms", of_money, {"hold_days": 5, "clawback": "INVOICE"}),
        ("approval_terms", of_a_campaign, {"hold_days": 5, "approval": "MANUAL"}),
        ("fraud_rules", of_fraud, {"velocity_orders": 5, "duplicate_accounts": True}),
        ("attribution_rules", of_attribution, {"half_life_days": 5, "paid_search": "ALLOW"}),
    ],
)
async def test_changes_that_come_at_once_keep_each_other(
    runtime: Runtime, program: ProgramRows, ctx: Ctx, table: str, change: Change, expected: dict[str, Any]
) -> None:
    for _ in range(TIMES):
        # Each time a tenant that has said nothing yet: then there is no row to lock.
        fresh = make_ctx(dataclasses.replace(ctx.tenant, id=new_id(), name=str(new_id())))
        await add_tenant(program.admin, fresh.tenant)
        campaign_id = await ProgramRows(runtime.db, program.admin, fresh).campaign()

        made = await asyncio.gather(*(change(runtime, fresh, campaign_id, number) for number in range(2)))

        assert [outcome.outcome for (outcome,) in made] == [Outcome.RECORDED] * 2
        (row,) = await Look(runtime.db, fresh).rows(table)
        assert {name: row[name] for name in expected} == expected
        ((again,),) = [await change(runtime, fresh, campaign_id, 0)]
        assert again.outcome is Outcome.REPLAYED


EVERY: list[tuple[OneRow[Any], Any]] = [
    (
        TERMS,
        MoneyTerms(Approval.MANUAL, EarnedWhen.FULFILLED, 7, Clawback.INVOICE, adjustment_limit_minor=1_234),
    ),
    (
        attribution_rules.RULES,
        attribution_rules.OwnRules(AttributionModel.LINEAR, 3, 14, CodePolicy.WINNER, PaidSearch.ALLOW),
    ),
    (
        fraud_rules.RULES,
        fraud_rules.FraudRules(5, 12, Decimal("0.25"), 20, 30, True, ("a.example", "b.example"), True),
    ),
]


@pytest.mark.parametrize(("kept", "value"), EVERY, ids=["money", "attribution", "fraud"])
async def test_all_of_it_is_read_as_it_was_saved(runtime: Runtime, ctx: Ctx, kept: OneRow[Any], value: Any) -> None:
    async with runtime.db.read(ctx.tenant_id) as session:
        unsaid = await kept.load(ctx, session)
    assert all(getattr(unsaid, name) != getattr(value, name) for name in kept.columns), "every field is another"
    async with runtime.db.write(ctx.tenant_id) as session:
        assert await kept.lock(ctx, session) == unsaid
        await kept.save(ctx, session, value)
        assert await kept.lock(ctx, session) == value

    async with runtime.db.read(ctx.tenant_id) as session:
        found = await kept.load(ctx, session)
    assert found == value
    assert [type(getattr(found, name)) for name in kept.columns] == [
        type(getattr(value, name)) for name in kept.columns
    ]


def test_a_value_whose_field_has_no_column_is_not_declared() -> None:
    with pytest.raises(AssertionError, match="fraud_rules lacks columns of MoneyTerms"):
        OneRow(FraudRules, MoneyTerms, lambda _: MoneyTerms())
