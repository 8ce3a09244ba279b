"""Texts from outside: what is kept as it is, and what is refused."""

import pytest

from app.core.texts import checked_external_id, checked_optional, checked_text
from app.errors import DomainError

BLANK = [" ", "\t\n", "\u00a0", "\u200b", "\u200d \u2060", "\x07", " " * 200]


@pytest.mark.parametrize("value", BLANK)
def test_what_cannot_be_seen_is_no_id_and_no_name(value: str) -> None:
    for check in (checked_text, checked_external_id, checked_optional):
        with pytest.raises(DomainError, match="`name` has no character that can be seen") as refused:
            check(value, "name")
        assert (refused.value.code, refused.value.path) == ("BAD_USER_INPUT", ("name",))


@pytest.mark.parametrize("value", ["x", " x", "\u200bx", "0", "é", "辣", "🌶", "\u200d🌶"])
def test_whatever_shows_something_is_kept_as_it_is(value: str) -> None:
    assert checked_text(value, "name") == value


@pytest.mark.parametrize("value", ["", *BLANK])
def test_a_blank_title_is_kept_where_it_only_describes(value: str) -> None:
    assert checked_text(value, "title", is_blank_fine=True) == value


@pytest.mark.parametrize("value", ["x" * 501, " " * 501, " \0", " \ud83d"])
def test_neither_too_long_nor_unstorable_texts_are_kept(value: str) -> None:
    for is_blank_fine in (False, True):
        with pytest.raises(DomainError, match="title"):
            checked_text(value, "title", is_blank_fine=is_blank_fine)
