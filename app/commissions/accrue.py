"""What credits earn, and what of it comes back. Pure integer arithmetic; every amount is in minor units.

Called by the use cases that record, edit and take back orders. The credits of one order are rounded together: each says
what it earns exactly, by a rate (`weighed`) or by a plan (plans/evaluate.py); the sum is rounded once and split over
them (`parts_of`), and each part over its lines (`spread`). An amount and its counterpart in the tenant's currency go
the same way side by side; the counterpart is None while a rate is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import lcm
from typing import NamedTuple
from uuid import UUID

from app.core.money import WEIGHT_ONE, allocate, apportion, divide_half_even

_MILLION = 10**6
"""A commission rate has six digits."""

Place = tuple[int, UUID | None]
"""Which part of an order a share of a commission belongs to: line position and product."""


class Revenue(NamedTuple):
    """What one revenue line is worth: amount in the order's currency, base in the tenant's."""

    place: Place
    amount: int
    base: int | None


class Share(NamedTuple):
    """The part of a commission that falls on one line. rule, rate: of the plan that gave it, if one did."""

    place: Place
    amount: int
    base: int | None
    rule: str | None = None
    rate: Decimal | None = None


class Exact(NamedTuple):
    """What a credit earns before anything is rounded: top ÷ under minor units, and base_top ÷ under in the tenant's
    currency, None while a rate is missing. under is positive."""

    top: int
    base_top: int | None
    under: int


class Part(NamedTuple):
    """The whole minor units that a credit gets of what its order earns. base: in the tenant's currency, if known."""

    amount: int
    base: int | None


class Refunded(NamedTuple):
    """A revenue line with what of it has come back so far."""

    place: Place
    amount: int
    refunded: int


class Amount(NamedTuple):
    """An amount and its shares, which sum to it. basis: the order's gross that it was computed from."""

    basis: int
    amount: int
    base: int | None
    shares: tuple[Share, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing moves, on the whole and on every line."""
        return not self.shares and self.amount == 0 and not self.base


@dataclass(frozen=True, slots=True)
class Balance:
    """Sums of a credit's commissions so far: of one kind, on the whole and by line."""

    amount: int = 0
    base: int | None = 0
    shares: Mapping[Place, tuple[int, int | None]] | None = None


def added(balance: Balance, amount: Amount) -> Balance:
    """The sums with one more commission in them."""
    shares = dict(balance.shares or {})
    for share in amount.shares:
        before = shares.get(share.place)
        shares[share.place] = (
            (share.amount, share.base)
            if before is None
            else (before[0] + share.amount, None if before[1] is None or share.base is None else before[1] + share.base)
        )
    base = None if balance.base is None or amount.base is None else balance.base + amount.base
    return Balance(balance.amount + amount.amount, base, shares)


def rate_millionths(rate: Decimal) -> int:
    """The rate as an integer in 1e-6. Rates have at most six digits."""
    scaled = rate.scaleb(6)
    assert scaled == int(scaled), "rates have six digits"
    return int(scaled)


def weighed(revenue: Sequence[Revenue], *, weight: int, rate: Decimal) -> Exact:
    """What the credit earns of these revenue lines at a rate: their sum × weight (1e-9) × rate."""
    unit = weight * rate_millionths(rate)
    known = _whole([line.base for line in revenue])
    return Exact(
        sum(line.amount for line in revenue) * unit,
        None if known is None else sum(known) * unit,
        WEIGHT_ONE * _MILLION,
    )


def parts_of(credits: Sequence[Exact]) -> list[Part]:
    """What each of an order's credits gets, the oldest first: what they earn together is rounded half-even once.

    That whole is split by largest remainder, ties to the older; in the tenant's currency likewise, among the credits
    whose amounts in it are known.
    """
    if len(credits) == 1:
        top, base_top, under = credits[0]
        amount = divide_half_even(top, under)
        if base_top is None or base_top == top:
            return [Part(amount, None if base_top is None else amount)]
        return [Part(amount, divide_half_even(base_top, under))]
    under = lcm(*(credit.under for credit in credits))
    amounts = apportion([credit.top * (under // credit.under) for credit in credits], under)
    if all(credit.base_top is None or credit.base_top == credit.top for credit in credits):
        return [
            Part(amount, None if credit.base_top is None else amount)
            for credit, amount in zip(credits, amounts, strict=True)
        ]
    known = [number for number, credit in enumerate(credits) if credit.base_top is not None]
    base_tops = [(credits[number].base_top or 0) * (under // credits[number].under) for number in known]
    bases = dict(zip(known, apportion(base_tops, under), strict=True))
    return [Part(amount, bases.get(number)) for number, amount in enumerate(amounts)]


def spread(revenue: Sequence[Revenue], part: Part) -> Amount:
    """A part of what the order earns, split over its revenue lines."""
    amounts = split(part.amount, [line.amount for line in revenue])
    known = _whole([line.base for line in revenue])
    bases: list[int | None]
    if part.base is None or known is None:
        bases = [None] * len(amounts)
    elif all(line.amount == line.base for line in revenue):
        bases = list(amounts)
    else:
        bases = list(split(part.base, known))
    shares = tuple(
        Share(line.place, amount, base)
        for line, amount, base in zip(revenue, amounts, bases, strict=True)
        if amount or base
    )
    return Amount(sum(line.amount for line in revenue), part.amount, part.base, shares)


def reversal(basis: int, refunded: Sequence[Revenue], *, earned_so_far: Balance, reversed_so_far: Balance) -> Amount:
    """What a refund takes back of a credit's commission, as a negative amount; on the whole and by line.

    basis: sum of the order's revenue lines. refunded: what of them has come back so far, this refund included; lines
    that are whole may be left out. reversed_so_far: what earlier refunds took back (negative). Cumulative, so that
    rounding never piles up and a full refund leaves zero: round(earned × refunded ÷ revenue) − reversed so far.
    """
    back = sum(line.amount for line in refunded)
    amount = cumulative(earned_so_far.amount, part=back, whole=basis)
    base = None if earned_so_far.base is None else cumulative(earned_so_far.base, part=back, whole=basis)
    # Split as earnings are and then negated: what a full refund takes back of a line is what the line had earned.
    amounts = split(amount, [line.amount for line in refunded])
    known = _whole([line.base for line in refunded])
    if base is None:
        bases: list[int | None] = [None] * len(amounts)
    elif known is None or sum(known) == 0:
        # Unknown or rounded away in the tenant's currency: by the original amounts instead.
        bases = list(split(base, [line.amount for line in refunded]))
    else:
        bases = list(split(base, known))
    shares = tuple(
        Share(line.place, -part, None if base_part is None else -base_part)
        for line, part, base_part in zip(refunded, amounts, bases, strict=True)
    )
    return difference(Amount(basis, -amount, None if base is None else -base, shares), reversed_so_far)


def reversal_by_line(lines: Sequence[Refunded], *, earned_so_far: Balance, reversed_so_far: Balance) -> Amount:
    """The same of a commission whose lines earned by rules of their own: each gives back of what it had earned.

    lines: all revenue lines. Per line round(earned × refunded ÷ amount), half-even; all of it once all revenue is back.
    """
    basis = sum(line.amount for line in lines)
    is_whole = basis == sum(line.refunded for line in lines) and any(line.refunded for line in lines)
    earned = earned_so_far.shares or {}
    known = {line.place: line for line in lines}
    shares: list[Share] = []
    for place, (amount, base) in earned.items():
        line = known.get(place)
        if line is None:
            assert amount == 0, "a line that an edit took off the order has earned nothing any more"
            continue
        part, whole = (1, 1) if is_whole else (line.refunded, line.amount)
        shares.append(
            Share(
                place,
                -cumulative(amount, part=part, whole=whole),
                None if base is None else -cumulative(base, part=part, whole=whole),
            )
        )
    bases = _whole([share.base for share in shares])
    total = Amount(
        basis,
        sum(share.amount for share in shares),
        None if bases is None or earned_so_far.base is None else sum(bases),
        tuple(shares),
    )
    return difference(total, reversed_so_far)


def cumulative(total: int, *, part: int, whole: int) -> int:
    """total × part ÷ whole, half-even; all of it when part is the whole, nothing when there is no whole."""
    if part == whole:
        return total
    if whole == 0:
        return 0
    return divide_half_even(total * part, whole)


def split(amount: int, shares: Sequence[int]) -> list[int]:
    """The amount split by largest remainder; nothing anywhere when there is nothing to split by."""
    if len(shares) == 1:
        return [amount]
    if amount == 0 or not any(shares):
        assert amount == 0, "an amount needs lines to fall on"
        return [0] * len(shares)
    return allocate(amount, shares)


def difference(target: Amount, so_far: Balance) -> Amount:
    """What brings the sums so far to the target, on the whole and by line."""
    # Per place as well: a line that lost its product gives back to the old one and gains for the new.
    before = so_far.shares or {}
    shares: list[Share] = []
    met = 0
    for place, amount, base, rule, rate in target.shares:
        if (known := before.get(place)) is not None:
            met += 1
            amount, base = amount - known[0], _minus(base, known[1])
        if amount or base:
            shares.append(Share(place, amount, base, rule, rate))
    if met < len(before):
        places = {share.place for share in target.shares}
        shares.extend(
            Share(place, -amount, None if base is None else -base)
            for place, (amount, base) in before.items()
            if (amount or base) and place not in places
        )
    return Amount(
        basis=target.basis,
        amount=target.amount - so_far.amount,
        base=_minus(target.base, so_far.base),
        shares=tuple(shares),
    )


def _minus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left - right


def _whole(values: Sequence[int | None]) -> list[int] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None
