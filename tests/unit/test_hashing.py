"""Hashes that values remember."""

from dataclasses import dataclass, replace

from app.core.hashing import canonical_json, hashed_once

WORKED_OUT: list[int] = []


class Deep:
    """Something whose hash is noted when it is worked out."""

    def __hash__(self) -> int:
        WORKED_OUT.append(1)
        return 7

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Deep)


@hashed_once
@dataclass(frozen=True)
class Value:
    """A value of something deep."""

    part: Deep
    number: int = 0


def test_a_hash_is_worked_out_once() -> None:
    value = Value(Deep())
    WORKED_OUT.clear()

    assert len({hash(value) for _ in range(5)}) == 1
    assert WORKED_OUT == [1]


def test_equal_values_have_equal_hashes() -> None:
    first, second = Value(Deep(), 1), Value(Deep(), 1)
    hash(first)

    assert first == second
    assert {first: "found"}[second] == "found"
    assert hash(replace(first, number=2)) == hash(Value(Deep(), 2)) != hash(first)


def test_a_remembered_hash_is_no_content() -> None:
    @hashed_once
    @dataclass(frozen=True)
    class Plain:
        number: int

    value = Plain(3)
    before = canonical_json(value), repr(value)
    hash(value)

    assert (canonical_json(value), repr(value)) == before
