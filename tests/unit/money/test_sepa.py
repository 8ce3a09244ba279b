"""Names in SEPA files, which hold Latin letters alone."""

from datetime import date
from uuid import UUID

import pytest
from pydantic import SecretStr

from app.integrations.payouts.manual import FileLine, sepa_file
from app.payouts.accounts import ManualAccount


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\N{CHEESE WEDGE}\N{HOT PEPPER}", UUID(int=1).hex),
        ("", UUID(int=1).hex),
        (" \N{CHEESE WEDGE} ", UUID(int=1).hex),
        ("Łucja \N{CHEESE WEDGE}", "Lucja"),
        ("x" * 90, "x" * 70),
    ],
)
def test_a_name_without_letters_takes_no_sepa_file_away(name: str, shown: str) -> None:
    account = ManualAccount(name="Brand", iban=SecretStr("GB33BUKB20201555555555"))
    lines = [FileLine(UUID(int=1), name, "DE89370400440532013000", "EUR", 1_250)]

    made = sepa_file(account, UUID(int=2), lines, execution=date(2026, 5, 4), note="Payout")

    assert f"<Cdtr><Nm>{shown}</Nm>".encode() in made
