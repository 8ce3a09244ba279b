"""Cursors: opaque, exact, and bound to their question."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.paging import decode_cursor, encode_cursor, page_of
from app.errors import DomainError

VALUES = [None, "ü", 3, True, Decimal("1.50"), datetime(2026, 1, 1, tzinfo=UTC), UUID(int=7)]


def test_a_cursor_gives_back_its_values() -> None:
    assert decode_cursor({"a": 1}, encode_cursor({"a": 1}, VALUES)) == VALUES


def test_a_cursor_of_another_question_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        decode_cursor({"a": 2}, encode_cursor({"a": 1}, VALUES))

    assert refused.value.code == "INVALID_CURSOR"


@given(st.text(max_size=60))
def test_garbage_is_refused_without_detail(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        decode_cursor("q", text)

    assert refused.value.code == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("first", "after", "last", "before"),
    [(1, None, 1, None), (None, "a", 1, None), (1, None, None, "b"), (-1, None, None, None), (1001, None, None, None)],
)
def test_pages_that_mean_nothing_are_refused(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> None:
    with pytest.raises(DomainError) as refused:
        page_of(first, after, last, before, default=50, limit_max=1000)

    assert refused.value.code == "INVALID_PAGE"
