"""What providers are told and how: account numbers, smallest units, kinds of receivers; settings that keep secrets."""

import json
from datetime import date
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.integrations.payouts import opened
from app.integrations.payouts.manual import FileLine, csv_file, is_iban, sepa_file
from app.integrations.payouts.paypal import _recipient_type
from app.integrations.payouts.stripe import _amount
from app.payouts.accounts import ManualAccount, accounts_of
from app.payouts.port import OnboardingAsked, Payment
from app.settings import Settings
from app.usecases.send_payouts import CALLS_AT_ONCE, CALLS_MAX, _calls_max
from tests.fakes.tipalti import FakeTipalti

TENANT = UUID(int=7)
STRIPE = {"secret_key": "sk_live_topsecret", "webhook_secret": "whsec_topsecret"}


@pytest.mark.parametrize("iban", ["DE89370400440532013000", "gb82 west 1234 5698 7654 32", "NO9386011117947"])
def test_account_numbers_are_known(iban: str) -> None:
    assert is_iban(iban)


@pytest.mark.parametrize("text", [None, "", "DE88370400440532013000", "acct_1", "DE89", "ÄE89370400440532013000"])
def test_what_is_no_account_number_is_told(text: str | None) -> None:
    assert not is_iban(text)


@pytest.mark.parametrize(
    ("currency", "minor", "sent"),
    [("EUR", 1_234, 1_234), ("JPY", 50, 50), ("ISK", 50, 5_000), ("UGX", 9, 900), ("MGA", 500, 5), ("MGA", 501, None)],
)
def test_stripe_is_told_in_its_own_smallest_units(currency: str, minor: int, sent: int | None) -> None:
    assert _amount(Payment(uuid4(), "key", "acct_1", currency, minor, "note")) == sent


def test_paypal_is_told_what_kind_a_receiver_is() -> None:
    assert [_recipient_type(text) for text in ("a@example.com", "+4915112345678", "FSMRBANCV8PSG")] == [
        "EMAIL",
        "PHONE",
        "PAYPAL_ID",
    ]


def test_accounts_are_of_one_tenant_alone() -> None:
    setting = SecretStr(json.dumps({str(TENANT): {"stripe": STRIPE}}))
    own, other = accounts_of(setting, TENANT), accounts_of(setting, UUID(int=8))
    assert [name.value for name in PayoutProviderName if own.has(name)] == ["MANUAL", "STRIPE"]
    assert [name.value for name in PayoutProviderName if other.has(name)] == ["MANUAL"]
    assert "topsecret" not in f"{own!r} {own} {own.model_dump_json()}"
    assert not accounts_of(SecretStr(""), TENANT).has(PayoutProviderName.STRIPE)


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_topsecret",
        json.dumps({"sk_live_topsecret": {"stripe": STRIPE}}),
        json.dumps({str(TENANT): {"stripe": {**STRIPE, "webhook_secret": ["topsecret"]}}}),
        json.dumps({str(TENANT): {"stripe": {**STRIPE, "topsecret": 1}}}),
    ],
)
def test_accounts_that_cannot_be_read_are_not_repeated(text: str) -> None:
    with pytest.raises(DomainError) as refusal:
        accounts_of(SecretStr(text), TENANT)
    assert refusal.value.code == "NOT_SUPPORTED"
    assert "topsecret" not in refusal.value.message
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_a_lease_is_longer_than_a_call() -> None:
    with pytest.raises(ValueError, match="SCOVILLE_PAYOUT_LEASE_S must be more"):
        Settings(payout_lease_s=30, payout_call_timeout_s=30)
    assert _calls_max(Settings(payout_lease_s=120, payout_call_timeout_s=30)) == 4 * CALLS_AT_ONCE
    assert _calls_max(Settings(payout_lease_s=31, payout_call_timeout_s=30)) == CALLS_AT_ONCE
    assert _calls_max(Settings(payout_lease_s=3_600, payout_call_timeout_s=1)) == CALLS_MAX


async def test_a_provider_without_an_account_is_not_opened() -> None:
    with pytest.raises(DomainError, match="no account at PAYPAL"):
        async with opened(Settings(), TENANT, PayoutProviderName.PAYPAL):
            pass


async def test_tipalti_has_a_page_that_its_key_signs() -> None:
    with FakeTipalti() as server:
        accounts = {str(TENANT): {"tipalti": server.account()}}
        settings = Settings(payout_accounts=SecretStr(json.dumps(accounts)))
        async with opened(settings, TENANT, PayoutProviderName.TIPALTI) as provider:
            asked = OnboardingAsked(
                "onboard-1", None, "DE", "https://brand.example/done", "https://brand.example/again"
            )
            page = await provider.onboarding_link(asked)
    assert page.reference == "onboard-1"
    assert page.url.startswith("https://ui2.tipalti.com/payeedashboard/home?idap=onboard-1&payer=FakePayer&ts=")
    assert "fake-master-key" not in page.url


def test_files_hold_what_a_spreadsheet_does_not_run() -> None:
    line = FileLine(UUID(int=1), "=HYPERLINK(1)", "+49 170", "EUR", 1_250)
    assert csv_file([line]).splitlines()[1].endswith(",'=HYPERLINK(1),'+49 170,12.50,EUR")


def test_sepa_pays_euros_to_account_numbers_only() -> None:
    account = ManualAccount(name="Brand", iban=SecretStr("GB33BUKB20201555555555"))
    good = FileLine(UUID(int=1), "Ina", "DE89370400440532013000", "EUR", 1_250)

    def made(line: FileLine, of: ManualAccount | None = account) -> bytes:
        return sepa_file(of, UUID(int=2), [line], execution=date(2026, 5, 4), note="Payout")

    assert b"DE89370400440532013000" in made(good)
    for line, of, code in (
        (good, None, "NOT_SUPPORTED"),
        (FileLine(UUID(int=1), "Ina", "DE89370400440532013000", "GBP", 1_250), account, "NOT_SUPPORTED"),
        (FileLine(UUID(int=1), "Ina", "PO box 7", "EUR", 1_250), account, "BAD_USER_INPUT"),
    ):
        with pytest.raises(DomainError) as refusal:
            made(line, of)
        assert refusal.value.code == code
        assert "PO box" not in refusal.value.message
