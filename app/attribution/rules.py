"""The tenant's own rules of attribution: what they may be, and how they are kept."""

from dataclasses import dataclass, replace
from typing import Any

from app.core.context import Ctx
from app.core.unset import UNSET, Unset, given
from app.core.words import AttributionModel, CodePolicy, PaidSearch
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError

WINDOW_DAYS_MAX = 730
HALF_LIFE_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class OwnRules:
    """For touches outside campaigns, and for campaigns that do not say otherwise.

    window_days: of touches outside campaigns; None means the server's setting.
    """

    model: AttributionModel = AttributionModel.LAST_TOUCH
    half_life_days: int = 7
    window_days: int | None = None
    code_policy: CodePolicy = CodePolicy.ALWAYS
    paid_search: PaidSearch = PaidSearch.REJECT


@dataclass(frozen=True, slots=True)
class RulesChange:
    """What changes of the tenant's rules."""

    model: AttributionModel | Unset | None = UNSET
    half_life_days: int | Unset | None = UNSET
    window_days: int | Unset | None = UNSET
    code_policy: CodePolicy | Unset | None = UNSET
    paid_search: PaidSearch | Unset | None = UNSET


def changed(rules: OwnRules, change: RulesChange) -> OwnRules:
    """The rules after the change. Raises DomainError."""
    values: dict[str, Any] = given(change, required=("model", "half_life_days", "code_policy", "paid_search"))
    after = replace(rules, **values)
    for value, name, most in (
        (after.half_life_days, "halfLifeDays", HALF_LIFE_DAYS_MAX),
        (after.window_days, "windowDays", WINDOW_DAYS_MAX),
    ):
        if value is not None and not 1 <= value <= most:
            raise DomainError("BAD_USER_INPUT", f"`{name}` must be 1 to {most}.", path=(name,))
    return after


async def load_own(ctx: Ctx, session: ReadSession) -> OwnRules:
    """The tenant's rules, as they are when it has set none."""
    row = await session.fetchrow(
        """/* attribution_rules.own */
        SELECT model, half_life_days, window_days, code_policy, paid_search
        FROM attribution_rules
        WHERE tenant_id = $1""",
        ctx.tenant_id,
    )
    return OwnRules() if row is None else _rules(row)


async def lock_own(ctx: Ctx, session: WriteSession) -> OwnRules:
    """The tenant's rules, locked until the transaction's end: who changes a part of them reads them here."""
    unsaid = OwnRules()
    row = await session.fetchrow(
        """/* attribution_rules.lock */
        INSERT INTO attribution_rules
          (tenant_id, model, half_life_days, window_days, code_policy, paid_search, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (tenant_id) DO UPDATE SET updated_at = attribution_rules.updated_at
        RETURNING model, half_life_days, window_days, code_policy, paid_search""",
        ctx.tenant_id,
        unsaid.model,
        unsaid.half_life_days,
        unsaid.window_days,
        unsaid.code_policy,
        unsaid.paid_search,
        ctx.now,
    )
    assert row is not None, "an upsert returns its row"
    return _rules(row)


async def save_own(ctx: Ctx, session: WriteSession, rules: OwnRules) -> None:
    """Keep the tenant's rules, which are locked."""
    await session.execute(
        """/* attribution_rules.save */
        UPDATE attribution_rules
        SET model = $2, half_life_days = $3, window_days = $4, code_policy = $5, paid_search = $6, updated_at = $7
        WHERE tenant_id = $1""",
        ctx.tenant_id,
        rules.model,
        rules.half_life_days,
        rules.window_days,
        rules.code_policy,
        rules.paid_search,
        ctx.now,
    )


def _rules(row: Any) -> OwnRules:
    return OwnRules(
        model=AttributionModel(row["model"]),
        half_life_days=row["half_life_days"],
        window_days=row["window_days"],
        code_policy=CodePolicy(row["code_policy"]),
        paid_search=PaidSearch(row["paid_search"]),
    )
