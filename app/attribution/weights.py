"""The attribution models: how one order is shared among its touches, as integer weights in 1e-9.

Pure. Every model takes touches oldest first and gives weights in the same order that sum to exactly 10**9: exact
shares are split by largest remainder, ties to the older touch. Called once per order, when it is booked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache

from app.attribution.program import HALF_LIFE
from app.core.money import WEIGHT_ONE, allocate
from app.core.words import AttributionModel

_BITS = 160
_CONTEXT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights in 1e-9 of one order's touches under each model, oldest touch first; each sums to 10**9."""

    last: tuple[int, ...]
    first: tuple[int, ...]
    linear: tuple[int, ...]
    time_decay: tuple[int, ...]
    position: tuple[int, ...]

    def of(self, model: AttributionModel) -> tuple[int, ...]:
        """The weights under one model."""
        match model:
            case AttributionModel.LAST_TOUCH:
                return self.last
            case AttributionModel.FIRST_TOUCH:
                return self.first
            case AttributionModel.LINEAR:
                return self.linear
            case AttributionModel.TIME_DECAY:
                return self.time_decay
            case AttributionModel.POSITION_BASED:
                return self.position


_WHOLE = (WEIGHT_ONE,)
SINGLE = Weights(last=_WHOLE, first=_WHOLE, linear=_WHOLE, time_decay=_WHOLE, position=_WHOLE)
"""A lone touch, or nobody, has all of it under every model."""


def weigh(touched_at: Sequence[datetime], *, is_decided: bool = False, half_life: timedelta = HALF_LIFE) -> Weights:
    """Weights for the touches at these times, oldest first, at least one.

    is_decided: the newest is a code given at checkout. It beats clicks, so a model that credits one touch credits it.
    half_life: of time decay; whole seconds, and ages in microseconds.
    """
    count = len(touched_at)
    assert count > 0, "nobody to credit is credited as one: SINGLE"
    if count == 1:
        return SINGLE
    return Weights(
        last=last_touch(count),
        first=last_touch(count) if is_decided else first_touch(count),
        linear=linear(count),
        time_decay=time_decay(touched_at, half_life),
        position=position_based(count),
    )


def last_touch(count: int) -> tuple[int, ...]:
    """All to the newest touch."""
    return (0,) * (count - 1) + _WHOLE


def first_touch(count: int) -> tuple[int, ...]:
    """All to the oldest touch."""
    return _WHOLE + (0,) * (count - 1)


@lru_cache(maxsize=512)
def linear(count: int) -> tuple[int, ...]:
    """The same to every touch."""
    return tuple(allocate(WEIGHT_ONE, [1] * count))


@lru_cache(maxsize=512)
def position_based(count: int) -> tuple[int, ...]:
    """40 % to the first, 40 % to the last, 20 % evenly to those between; two share evenly, one has all."""
    if count < 3:
        return linear(count)
    # first : one of those between : last = 40 : 20 ÷ (count − 2) : 40
    end = 2 * (count - 2)
    return tuple(allocate(WEIGHT_ONE, [end, *([1] * (count - 2)), end]))


def time_decay(touched_at: Sequence[datetime], half_life: timedelta = HALF_LIFE) -> tuple[int, ...]:
    """Each touch half as much as one a half-life newer; ages in microseconds behind the newest touch.

    Ages behind the order instead would give the same weights: only their ratio counts.
    """
    newest = touched_at[-1]
    half_life_s = int(half_life.total_seconds())
    shares = [_decayed(newest - at, half_life_s) for at in touched_at]
    return tuple(allocate(WEIGHT_ONE, shares))


def _decayed(age: timedelta, half_life_s: int) -> int:
    # 2 ** (−age ÷ half-life) as a binary fraction of _BITS digits: whole half-lives shift, the rest is the product of
    # tabulated powers. Integers throughout, so that every machine gives the same weights.
    assert age >= timedelta(0), "touches come oldest first"
    halvings, rest = divmod(age.days * 86_400 + age.seconds, half_life_s)
    hours, seconds = divmod(rest, 3_600)
    found = (_power(hours * 3_600, half_life_s) * _power(seconds, half_life_s)) >> _BITS
    if age.microseconds:
        milliseconds, microseconds = divmod(age.microseconds, 1_000)
        found = (found * _power(milliseconds, half_life_s * 1_000)) >> _BITS
        found = (found * _power(microseconds, half_life_s * 1_000_000)) >> _BITS
    return found >> halvings


@lru_cache(maxsize=65_536)
def _power(units: int, per_half_life: int) -> int:
    exponent = _CONTEXT.divide(Decimal(-units), Decimal(per_half_life))
    return int(_CONTEXT.multiply(_CONTEXT.power(Decimal(2), exponent), Decimal(2**_BITS)))
