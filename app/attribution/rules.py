"""The tenant's own rules of attribution: what they may be, and how they are kept."""

from dataclasses import dataclass, replace
from typing import Any

from app.core.unset import UNSET, Unset, given
from app.core.words import AttributionModel, CodePolicy, PaidSearch
from app.db.one_row import OneRow
from app.errors import DomainError
from app.tables import AttributionRules

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


RULES = OneRow(AttributionRules, OwnRules, lambda _: OwnRules())
"""The rules that each tenant has set."""
