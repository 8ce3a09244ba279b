"""Amounts in the tenant's currency at the day's rate: the last one known within seven days before the occurrence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

from app.core.context import Ctx
from app.core.money import RATE_AGE_MAX, divide_half_even, exponent
from app.db.session import ReadSession
from app.errors import DomainError

BASE_MAX = 10**18
"""Largest converted amount: fits 64 bits with room for sums."""

Key = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Rates:
    """Factors from minor units of a currency, on a day, to minor units of the tenant's; absent where none is known."""

    currency: str
    factors: Mapping[Key, Fraction]

    def convert(self, amounts: Iterable[int], currency: str, at: datetime) -> list[int | None]:
        """The amounts in the tenant's currency, each rounded half-even; None for all when no rate is known."""
        if currency == self.currency:
            return list(amounts)
        factor = self.factors.get((currency, at.astimezone(UTC).date()))
        if factor is None:
            return [None for _ in amounts]
        numerator, denominator = factor.numerator, factor.denominator
        converted: list[int | None] = []
        for amount in amounts:
            base = divide_half_even(amount * numerator, denominator)
            if abs(base) > BASE_MAX:
                raise DomainError(
                    "INVALID_AMOUNT", f"The amount exceeds what can be kept in {self.currency}.", path=("total",)
                )
            converted.append(base)
        return converted

    def convert_one(self, amount: int, currency: str, at: datetime) -> int | None:
        """One amount, which is called `amount` where it came in."""
        try:
            return self.convert([amount], currency, at)[0]
        except DomainError as error:
            raise DomainError(error.code, error.message, path=("amount",)) from None


def key_of(currency: str, at: datetime) -> Key:
    """What a rate is asked by: currency and UTC day."""
    return currency, at.astimezone(UTC).date()


async def load_rates(ctx: Ctx, session: ReadSession, keys: Iterable[Key]) -> Rates:
    """Rates for these currencies and days, in one statement, none if all are in the tenant's currency.

    A rate is taken as published, or as the inverse of the opposite direction, whichever is newer; of one day the
    tenant's own before those of all tenants.
    """
    own = ctx.tenant.currency
    asked = sorted({key for key in keys if key[0] != own})
    if not asked:
        return Rates(own, {})
    rows = await session.fetch(
        """/* orders.rates */
        SELECT asked.currency, asked.day, known.rate, known.is_inverse
        FROM unnest($2::text[], $3::date[], $4::date[]) AS asked (currency, day, oldest)
        CROSS JOIN LATERAL (
          SELECT rate, is_inverse
          FROM (
            SELECT day, rate, false AS is_inverse, false AS is_own, NULL::uuid AS id
            FROM exchange_rates
            WHERE base = asked.currency AND quote = $5 AND day BETWEEN asked.oldest AND asked.day
            UNION ALL
            SELECT day, rate, true, false, NULL
            FROM exchange_rates
            WHERE base = $5 AND quote = asked.currency AND day BETWEEN asked.oldest AND asked.day
            UNION ALL
            SELECT day, rate, false, true, id
            FROM own_rates
            WHERE tenant_id = $1 AND base = asked.currency AND quote = $5 AND day BETWEEN asked.oldest AND asked.day
            UNION ALL
            SELECT day, rate, true, true, id
            FROM own_rates
            WHERE tenant_id = $1 AND base = $5 AND quote = asked.currency AND day BETWEEN asked.oldest AND asked.day
          ) AS rates
          ORDER BY day DESC, is_own DESC, is_inverse, id DESC
          LIMIT 1
        ) AS known""",
        ctx.tenant_id,
        [currency for currency, _ in asked],
        [day for _, day in asked],
        [day - RATE_AGE_MAX for _, day in asked],
        own,
    )
    factors = {}
    for row in rows:
        rate = 1 / Fraction(row["rate"]) if row["is_inverse"] else Fraction(row["rate"])
        digits = exponent(own) - exponent(row["currency"])
        factors[row["currency"], row["day"]] = rate * Fraction(10) ** digits
    return Rates(own, factors)
