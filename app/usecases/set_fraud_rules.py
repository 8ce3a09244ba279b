"""Sets the tenant's rules of fraud. One transaction."""

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.fraud.rules import RULES, FraudRulesChange, changed
from app.runtime import Runtime
from app.usecases.door import perform


async def set_fraud_rules(
    runtime: Runtime, ctx: Ctx, change: FraudRulesChange, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of the change, under the tenant's id. What was earned before is not looked at again."""

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        before = await RULES.lock(ctx, session)
        after = changed(before, change)
        if after == before:
            return (ItemOutcome(0, Outcome.REPLAYED, ctx.tenant_id),)
        await RULES.save(ctx, session, after)
        return (ItemOutcome(0, Outcome.RECORDED, ctx.tenant_id),)

    return await perform(
        runtime, ctx, operation="setFraudRules", body=change, idempotency_key=idempotency_key, work=work
    )
