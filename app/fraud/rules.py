"""The tenant's rules of fraud: what they may be, and how they are kept."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.core.context import Ctx
from app.core.texts import checked_text
from app.core.unset import UNSET, Unset, given
from app.db.looks import Look, ask
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError

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


def look_for_rules() -> Look[FraudRules]:
    """The tenant's rules, as they are when it has set none."""
    return Look(
        """/* fraud_rules.load */
        SELECT velocity_orders, velocity_hours, refund_share, refund_orders_min, refund_days, duplicate_accounts,
          to_jsonb(suspicious_domains) AS suspicious_domains, own_purchases
        FROM fraud_rules
        WHERE tenant_id = $1""",
        tuple(FraudRules.__dataclass_fields__),
        lambda rows: _rules(zip(FraudRules.__dataclass_fields__, rows[0], strict=True)) if rows else FraudRules(),
    )


async def load_rules(ctx: Ctx, session: ReadSession) -> FraudRules:
    """The same, of these alone."""
    rules = look_for_rules()
    await ask(ctx, session, rules)
    return rules.found


async def lock_rules(ctx: Ctx, session: WriteSession) -> FraudRules:
    """The tenant's rules, locked until the transaction's end: who changes a part of them reads them here."""
    row = await session.fetchrow(
        """/* fraud_rules.lock */
        INSERT INTO fraud_rules (tenant_id, velocity_orders, velocity_hours, refund_share, refund_orders_min,
          refund_days, duplicate_accounts, suspicious_domains, own_purchases, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        ON CONFLICT (tenant_id) DO UPDATE SET updated_at = fraud_rules.updated_at
        RETURNING velocity_orders, velocity_hours, refund_share, refund_orders_min, refund_days, duplicate_accounts,
          suspicious_domains, own_purchases""",
        ctx.tenant_id,
        *_values(FraudRules()),
        ctx.now,
    )
    assert row is not None, "an upsert returns its row"
    return _rules(row)


async def save_rules(ctx: Ctx, session: WriteSession, rules: FraudRules) -> None:
    """Keep the tenant's rules, which are locked."""
    await session.execute(
        """/* fraud_rules.save */
        UPDATE fraud_rules
        SET velocity_orders = $2, velocity_hours = $3, refund_share = $4, refund_orders_min = $5, refund_days = $6,
          duplicate_accounts = $7, suspicious_domains = $8, own_purchases = $9, updated_at = $10
        WHERE tenant_id = $1""",
        ctx.tenant_id,
        *_values(rules),
        ctx.now,
    )


def _values(rules: FraudRules) -> tuple[Any, ...]:
    return (
        rules.velocity_orders,
        rules.velocity_hours,
        rules.refund_share,
        rules.refund_orders_min,
        rules.refund_days,
        rules.duplicate_accounts,
        list(rules.suspicious_domains),
        rules.own_purchases,
    )


def _rules(row: Any) -> FraudRules:
    values = dict(row)
    return FraudRules(**values | {"suspicious_domains": tuple(values["suspicious_domains"])})
