"""The tenant's rules of fraud: what they may be, and how they are kept."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.core.texts import checked_text
from app.core.unset import UNSET, Unset, given
from app.db.looks import Look
from app.db.one_row import OneRow
from app.errors import DomainError
from app.tables import FraudRules as FraudRulesRow

DOMAINS_MAX = 1_000
DOMAIN_LENGTH_MAX = 253
SHARE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class FraudRules:
    """What is suspicious; nothing is, as long as a tenant says nothing.

    velocity_orders: more than so many orders of one influencer within velocity_hours; None: however many. refund_share:
    a greater share of an influencer's orders of the last refund_days, of which there are refund_orders_min at least;
    None: however great. duplicate_accounts: an influencer who shares an identity with another. suspicious_domains: of
    buyers' e-mail addresses, lower case, their subdomains with them. own_purchases: who bought seems to be who earns.
    """

    velocity_orders: int | None = None
    velocity_hours: int = 24
    refund_share: Decimal | None = None
    refund_orders_min: int = 10
    refund_days: int = 90
    duplicate_accounts: bool = False
    suspicious_domains: tuple[str, ...] = ()
    own_purchases: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is suspicious."""
        return (
            self.velocity_orders is None
            and self.refund_share is None
            and not (self.duplicate_accounts or self.suspicious_domains or self.own_purchases)
        )


@dataclass(frozen=True, slots=True)
class FraudRulesChange:
    """What changes of the tenant's rules."""

    velocity_orders: int | Unset | None = UNSET
    velocity_hours: int | Unset | None = UNSET
    refund_share: Decimal | Unset | None = UNSET
    refund_orders_min: int | Unset | None = UNSET
    refund_days: int | Unset | None = UNSET
    duplicate_accounts: bool | Unset | None = UNSET
    suspicious_domains: tuple[str, ...] | Unset | None = UNSET
    own_purchases: bool | Unset | None = UNSET


_CLEARED = ("velocity_orders", "refund_share")
_KEPT = tuple(name for name in FraudRulesChange.__dataclass_fields__ if name not in _CLEARED)


def changed(rules: FraudRules, change: FraudRulesChange) -> FraudRules:
    """The rules after the change. Raises DomainError."""
    values: dict[str, Any] = given(change, required=_KEPT)
    if "suspicious_domains" in values:
        values["suspicious_domains"] = _domains(values["suspicious_domains"])
    after = replace(rules, **values)
    for value, name, most in (
        (after.velocity_orders, "velocityOrders", 10_000),
        (after.velocity_hours, "velocityHours", 8_760),
        (after.refund_orders_min, "refundOrdersMin", 1_000),
        (after.refund_days, "refundDays", 730),
    ):
        if value is not None and not 1 <= value <= most:
            raise DomainError("BAD_USER_INPUT", f"`{name}` is {value}; it must be 1 to {most}.", path=(name,))
    share = after.refund_share
    if share is not None and not (0 <= share < 1 and share == round(share, SHARE_DIGITS)):
        raise DomainError(
            "BAD_USER_INPUT",
            "`refundShare` must be at least 0 and less than 1, with six digits at most.",
            path=("refundShare",),
        )
    return after


def _domains(given: tuple[str, ...]) -> tuple[str, ...]:
    name = "suspiciousDomains"
    if len(given) > DOMAINS_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"`{name}` has {len(given)} domains; at most {DOMAINS_MAX} fit.", path=(name,)
        )
    found = set()
    for each in given:
        domain = checked_text(each.strip().casefold(), name, length_max=DOMAIN_LENGTH_MAX)
        if "@" in domain or "." not in domain.strip(".") or any(character.isspace() for character in domain):
            raise DomainError("BAD_USER_INPUT", f"`{name}` holds what is no domain such as example.com.", path=(name,))
        found.add(domain.strip("."))
    return tuple(sorted(found))


RULES = OneRow(FraudRulesRow, FraudRules, lambda _: FraudRules())
"""The rules that each tenant has set."""


def look_for_rules() -> Look[FraudRules]:
    """The tenant's rules, as they are when it has set none."""
    return RULES.look(lambda own: own or FraudRules())
