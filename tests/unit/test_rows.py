"""Rows by column: read as they are of, added to, and shown as objects."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import CheckConstraint

from app.commissions.queries import COMMISSIONS
from app.db.columns import Rows, by_column, forms, listed
from app.tables import TenantRow
from app.tables.base import WORD
from graphql_schema.commissions import Commission
from graphql_schema.execution.columns import Sparse
from graphql_schema.rows import Shown, shown, shown_some

FIRST: dict[str, list[Any] | str | None] = {
    "rate": ["0.100000", None],
    "occurred_at": ["2026-01-31 08:00:00.5+00", "1900-02-28 00:00:00+00"],
}
MORE: dict[str, list[Any] | str | None] = {"rate": ["0.250000"], "occurred_at": ["2200-12-31 23:59:59.000001+00"]}


def test_columns_are_read_as_what_they_are_of_also_those_added_later() -> None:
    rows = Rows(FIRST, forms("commissions"))

    assert rows.column("rate") == [Decimal("0.100000"), None]
    rows.add(Rows(MORE, forms("commissions")))

    assert rows.column("rate") == [Decimal("0.100000"), None, Decimal("0.250000")]
    assert rows.column("occurred_at")[2] == datetime(2200, 12, 31, 23, 59, 59, 1, tzinfo=UTC)
    assert all(each.tzinfo is UTC for each in rows.column("occurred_at"))
    assert len(rows) == 3


def test_rows_that_are_as_they_are_stay_so_above_those_that_are_read() -> None:
    rows = Rows({"rate": [Decimal("0.5"), None]})

    rows.add(Rows({"rate": ["0.100000", None]}, forms("commissions")))
    rows.add(Rows({"rate": ["0.2"]}, forms("commissions")))

    assert rows.column("rate") == [Decimal("0.5"), None, Decimal("0.1"), None, Decimal("0.2")]
    assert len(rows) == 5


def test_a_statement_without_rows_gives_none() -> None:
    rows = Rows({"rate": None}, forms("commissions"))

    assert (len(rows), rows.column("rate")) == (0, [])
    with pytest.raises(KeyError):
        rows.column("basis_minor")


def test_columns_of_arrays_need_not_be_rectangular() -> None:
    sql = by_column("SELECT item.codes FROM orders AS item", ["codes"], forms("orders"))

    assert "array_agg(to_jsonb(rows.codes)) AS codes" in sql


def test_a_joined_column_is_taken_apart() -> None:
    known = forms("commissions")
    rows = Rows({"rate": "0.100000,,0.25", "amount_minor": [1, 2, 3], "order_id": ",,"}, known)

    assert rows.column("rate") == [Decimal("0.1"), None, Decimal("0.25")]
    assert (rows.column("amount_minor"), rows.column("order_id")) == ([1, 2, 3], [None] * 3)
    assert listed("") == [None]
    assert (listed("one"), listed(None)) == (["one"], [])


def test_columns_of_different_rows_are_no_rows() -> None:
    with pytest.raises(AssertionError):
        Rows({"rate": "0.1,0.2", "amount_minor": [1]}, forms("commissions"))


def test_what_is_put_together_is_what_was_taken_apart() -> None:
    known = forms("commissions")
    rows = Rows({"rate": "0.1,", "amount_minor": [1, 2]}, known)

    for count in (2, 1, 0):
        again = Rows.together(["rate", "amount_minor"], known, rows.apart()[:count])
        assert len(again) == count
        assert again.column("rate") == [Decimal("0.1"), None][:count]


@pytest.mark.database
async def test_what_is_joined_has_no_commas(admin: "asyncpg.Pool[Any]") -> None:
    """Words, in the texts of their constraints, and what Postgres writes for the types that are joined."""
    for table in TenantRow.metadata.tables.values():
        for constraint in table.constraints:
            if WORD in constraint.info:
                assert isinstance(constraint, CheckConstraint)
                words = re.findall("'([^']*)'", str(constraint.sqltext))
                assert words
                assert not any("," in word or not word for word in words), constraint.name
    row = await admin.fetchrow(
        """SELECT gen_random_uuid()::text, now()::text, 'infinity'::timestamptz::text, (-1e20)::numeric(38, 6)::text,
        'NaN'::numeric::text"""
    )
    assert row is not None
    assert not any("," in text or not text for text in row)


def test_the_same_row_in_two_places_is_one_object() -> None:
    rows = Rows({"amount_minor": [100, 250], "currency": ["EUR", "JPY"]}, forms(COMMISSIONS.table))

    found = shown(Commission.of, rows, [1, 0, 1])
    some = shown_some(Commission.of, rows, [None, 1])

    assert isinstance(found, Shown)
    assert (
        [each.amount for each in found] == list(found.column("amount")) == [Decimal(250), Decimal("1.00"), Decimal(250)]
    )
    once, places = found.distinct() or ([], [])
    assert [list(once)[place].amount for place in places] == list(found.column("amount"))
    assert found[:2].distinct() is None
    assert isinstance(some, Sparse)
    assert [each and each.amount for each in some] == [None, Decimal(250)]


def test_amounts_of_several_currencies_are_written_with_the_digits_of_each() -> None:
    several = Rows({"amount_minor": [100, -250, None, 7], "currency": ["EUR", "JPY", "EUR", "KWD"]})
    one = Rows({"amount_minor": [100, -5, None], "currency": ["EUR"] * 3})

    mixed, same = shown(Commission.of, several, range(4)), shown(Commission.of, one, range(3))

    assert isinstance(mixed, Shown)
    assert isinstance(same, Shown)
    assert mixed.column("amount").written() == ["1.00", "-250", None, "0.007"]
    assert same.column("amount").written() == ["1.00", "-0.05", None]
    assert list(same.column("amount")) == [Decimal("1.00"), Decimal("-0.05"), None]
