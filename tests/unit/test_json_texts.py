"""Columns as JSON are, byte for byte, what orjson writes of their values."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from graphql_schema.execution import texts
from graphql_schema.execution.columns import Texts
from graphql_schema.execution.objects import builder

STRINGS = some.text(
    some.characters(exclude_categories=["Cs"]) | some.sampled_from('",\\\n\x00\x7f[]{}é日😀'), max_size=5
)
WORDS = some.sampled_from(["CLICK", "VIEW", "", "a,b"])
TIMES = some.datetimes(timezones=some.just(UTC))
PLAIN = (
    some.integers(-(2**53), 2**53)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.booleans()
    | TIMES
    | some.dates()
)
JSON = some.recursive(
    some.none() | STRINGS | PLAIN,
    lambda below: some.lists(below, max_size=2) | some.dictionaries(STRINGS, below, max_size=2),
    max_leaves=3,
)
SIMPLE = some.none() | WORDS | some.integers(0, 9) | some.just(["é"])
VALUES = (
    some.lists(WORDS)
    | some.lists(STRINGS)
    | some.lists(some.none() | STRINGS)
    | some.lists(some.none() | PLAIN)
    | some.lists(JSON)
)


def dumped(value: Any) -> bytes:
    """What orjson writes."""
    return orjson.dumps(value, option=texts.OPTIONS)


@given(VALUES)
def test_columns_as_texts_are_what_is_written_of_them(values: list[Any]) -> None:
    column = texts.texts_of(values)

    assert f"[{','.join(column.whole())}]".encode("latin-1") == dumped(values)
    assert dumped(list(column)) == dumped(values)
    assert dumped(list(column[1:])) == dumped(values[1:])
    assert not values or dumped(column[-1]) == dumped(values[-1])
    assert len(column) == len(values)


@given(some.lists(some.lists(JSON | WORDS, max_size=4)))
def test_lists_are_cut_where_they_were_laid(lists: list[list[Any]]) -> None:
    laid = [value for each in lists for value in each]
    sizes = list(map(len, lists))

    assert dumped(texts.cut(laid, sizes)) == dumped(lists)
    assert dumped(list(texts.cut(texts.texts_of(laid), sizes))) == dumped(lists)


@given(some.lists(WORDS | JSON.filter(lambda value: value is not None) | some.none()))
def test_nulls_are_spread_among_what_is_there(values: list[Any]) -> None:
    there = [value for value in values if value is not None]
    are_there = [value is not None for value in values]

    for column in (there, texts.texts_of(there)):
        assert dumped(list(texts.spread(column, are_there))) == dumped(values)


@given(some.data(), some.lists(JSON | WORDS, min_size=1))
def test_what_stands_in_many_places_is_picked(data: some.DataObject, values: list[Any]) -> None:
    places = data.draw(some.lists(some.integers(0, len(values) - 1)))

    for column in (values, texts.texts_of(values)):
        assert dumped(list(texts.picked(column, places))) == dumped([values[place] for place in places])


@given(some.data(), some.integers(1, 8), some.integers(0, 4))
def test_objects_are_the_same_written_at_once(data: some.DataObject, width: int, count: int) -> None:
    keys = [f"key_{number}" for number in range(width)]
    columns = [data.draw(some.lists(SIMPLE, min_size=count, max_size=count)) for _ in keys]
    mixed = [data.draw(some.sampled_from([column, texts.texts_of(column)])) for column in columns]
    made = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]

    for least in (0, count + 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(texts, "TEXTS_MIN", least)
            built = builder(keys)(mixed, count)
        assert isinstance(built, Texts) == (least == 0)
        assert dumped(list(built)) == dumped(made)


def test_objects_of_one_key_take_nothing_for_each() -> None:
    ids = texts.strings(["a"] * texts.TEXTS_MIN)
    (outer,) = [builder(["id"])([ids], len(ids))]

    assert isinstance(ids, Texts)
    assert isinstance(outer, Texts)
    assert outer.items is ids.items
    assert outer.whole()[0] == '{"id":"a"}'


def test_columns_of_other_lengths_are_no_columns_of_the_same_objects() -> None:
    count = texts.TEXTS_MIN

    with pytest.raises(AssertionError):
        builder(["a", "b"])([[1] * count, [1] * (count - 1)], count)


def test_what_cannot_be_written_is_left_for_later() -> None:
    count = texts.TEXTS_MIN

    built = builder(["a", "b"])([["\ud800"] * count, [1] * count], count)

    assert list(built) == [{"a": "\ud800", "b": 1}] * count


def test_wide_characters_make_no_text_wider() -> None:
    names = [f"name {number}" for number in range(texts.TEXTS_MIN - 1)]

    for name in ("Zoë", "花子", "😀"):
        column = builder(["id", "name"])([texts.strings(["a"] * texts.TEXTS_MIN), [*names, name]], texts.TEXTS_MIN)
        assert isinstance(column, Texts)
        assert all(max(map(ord, item)) < 256 for item in column.items)
        assert dumped(column[-1]).decode() == f'{{"id":"a","name":"{name}"}}'


def test_few_values_stay_what_they_are() -> None:
    few = ["a"] * (texts.TEXTS_MIN - 1)

    assert texts.strings(few) is few
    assert texts.plain([1]) == [1]


@pytest.mark.parametrize(
    "value", [datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), date(2026, 1, 2), 1e300]
)
def test_no_comma_is_in_what_is_split_at_commas(value: Any) -> None:
    assert len(texts.plain([value] * texts.TEXTS_MIN)) == texts.TEXTS_MIN
