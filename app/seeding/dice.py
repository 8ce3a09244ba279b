"""Chance that repeats: every draw follows from a text, so that a second run of an import draws the same."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")

_DRAWS = 8
_SPAN = 2**64


class Dice:
    """A sequence of draws that depends on nothing but its seed."""

    __slots__ = ("_block", "_draws", "_seed")

    def __init__(self, *seed: object) -> None:
        self._seed = "/".join(map(str, seed)).encode()
        self._block = 0
        self._draws: list[int] = []

    def number(self) -> int:
        """0 to 2**64 - 1, evenly."""
        if not self._draws:
            digest = hashlib.blake2b(self._seed, digest_size=64, salt=self._block.to_bytes(8, "big")).digest()
            self._draws = [int.from_bytes(digest[at : at + 8], "big") for at in range(0, 8 * _DRAWS, 8)]
            self._block += 1
        return self._draws.pop()

    def below(self, bound: int) -> int:
        """0 to bound - 1, evenly."""
        return self.number() * bound // _SPAN

    def share(self) -> float:
        """0 to 1 (exclusive), evenly."""
        return self.number() / _SPAN

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.share() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, evenly."""
        return options[self.below(len(options))]


class Wheel(Generic[T]):
    """Options of different weight; `spin` draws one."""

    def __init__(self, options: Sequence[T], weights: Sequence[int]) -> None:
        assert len(options) == len(weights) > 0
        assert all(weight > 0 for weight in weights)
        self._options = tuple(options)
        self._edges = list(accumulate(weights))

    def spin(self, dice: Dice) -> T:
        """One of the options, by weight."""
        return self._options[bisect_right(self._edges, dice.below(self._edges[-1]))]
