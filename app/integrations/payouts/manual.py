"""Paying by hand: a batch is paid from a file, CSV or SEPA, or otherwise; a person confirms each payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from app.core.money import from_minor
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.exports.csv import END, text_field
from app.payouts.accounts import ManualAccount
from app.payouts.port import BadSignature, Message, Onboarding, OnboardingAsked, Payment, Report, Told

SEPA_SCHEMA = "pain.001.001.03"
SEPA_NAME_MAX = 70


class ByHand:
    """Nobody is called: what is approved waits for its confirmation."""

    name = PayoutProviderName.MANUAL

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """All are to be paid by somebody."""
        return [Report(Told.ACCEPTED, payment.item_id) for payment in payments]

    async def ask(self, payments: Sequence[Payment]) -> Sequence[Report]:
        """Nothing new: people tell by themselves."""
        return await self.pay(payments)

    async def take_back(self, payment: Payment, *, key: str) -> Report:
        """It cannot be done from here."""
        return Report(Told.FAILED, payment.item_id, code="by_hand", message="Payments by hand come back by hand.")

    async def onboarding_link(self, asked: OnboardingAsked) -> Onboarding:
        """There is no page."""
        raise DomainError("NOT_SUPPORTED", "Influencers who are paid by hand have no page to give their data.")

    async def read_message(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message:
        """Nobody sends webhooks."""
        raise BadSignature

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """A payment of a file. reference: an IBAN in SEPA files."""

    item_id: UUID
    name: str
    reference: str | None
    currency: str
    amount: int


def csv_file(lines: Sequence[FileLine]) -> str:
    """A CSV file: a header, and a line each payment."""
    rows = [
        (
            str(line.item_id),
            text_field(line.name),
            text_field(line.reference or ""),
            format(from_minor(line.amount, line.currency), "f"),
            line.currency,
        )
        for line in lines
    ]
    return "".join(",".join(row) + END for row in (("item", "name", "reference", "amount", "currency"), *rows))


def sepa_file(
    account: ManualAccount | None, batch_id: UUID, lines: Sequence[FileLine], *, execution: date, note: str
) -> bytes:
    """A pain.001 file, checked against its schema.

    Its message and end-to-end ids are those of batch and items, so that a bank knows a file that it gets twice. Names
    are written in Latin letters; one of which none are left is replaced by the item's id.

    Raises NOT_SUPPORTED without an account to pay from, or for other currencies than EUR; BAD_USER_INPUT for a line
    without an IBAN.
    """
    try:
        from sepaxml import SepaTransfer
        from text_unidecode import unidecode
    except ImportError:
        raise DomainError("NOT_SUPPORTED", "SEPA files need `pip install scoville[payouts]`.") from None
    if account is None:
        raise DomainError(
            "NOT_SUPPORTED", "The tenant has no bank account to pay from: see `manual` in SCOVILLE_PAYOUT_ACCOUNTS."
        )
    config: dict[str, Any] = {
        "name": account.name,
        "IBAN": account.iban.get_secret_value(),
        "batch": True,
        "currency": "EUR",
    }
    if account.bic is not None:
        config["BIC"] = account.bic

    class Transfer(SepaTransfer):  # type: ignore[misc]  # the library has no types
        """A file whose message id is the batch's: it is written as the header is made."""

        def _create_header(self) -> None:
            self.msg_id = batch_id.hex
            super()._create_header()

    file = Transfer(config, schema=SEPA_SCHEMA, clean=True)
    for line in lines:
        if line.currency != "EUR":
            raise DomainError("NOT_SUPPORTED", f"SEPA pays EUR, not {line.currency}. Take the CSV file.")
        if not is_iban(line.reference):
            raise DomainError(
                "BAD_USER_INPUT", f"The item {line.item_id} has no IBAN. Give its method one, or take the CSV file."
            )
        file.add_payment(
            {
                "name": unidecode(line.name).strip()[:SEPA_NAME_MAX].strip() or line.item_id.hex,
                "IBAN": plain_iban(line.reference or ""),
                "amount": line.amount,
                "execution_date": execution,
                "description": note,
                "endtoend_id": line.item_id.hex,
            }
        )
    made: bytes = file.export(validate=True)
    return made


def plain_iban(text: str) -> str:
    """The IBAN without blanks, in upper case."""
    return "".join(text.split()).upper()


def is_iban(text: str | None) -> bool:
    """Whether the text has the form and the check digits of an IBAN (ISO 13616)."""
    iban = plain_iban(text or "")
    if not (15 <= len(iban) <= 34 and iban.isascii() and iban.isalnum() and iban[:2].isalpha()):
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
