"""The tenants' accounts at payout providers: from the settings, never from the database. Pure.

The setting is JSON: {"<tenant's id>": {"stripe": {"secret_key": "…", "webhook_secret": "…"}, "paypal": {…}}}. A TEST
twin has its own id, and so its own accounts or none: no test pays with a live key.
"""

from functools import lru_cache
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from app.core.payout_words import PayoutProviderName
from app.errors import DomainError


class _Account(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StripeAccount(_Account):
    """Stripe Connect: the platform's secret key, and the signing secret of its webhook endpoint."""

    secret_key: SecretStr
    webhook_secret: SecretStr
    country: str = "US"
    api_url: str = "https://api.stripe.com"


class PayPalAccount(_Account):
    """PayPal Payouts: the app's credentials, and the id of its webhook."""

    client_id: str
    client_secret: SecretStr
    webhook_id: str
    api_url: str = "https://api-m.paypal.com"


class TipaltiAccount(_Account):
    """Tipalti: the payer's name and master key. approves: payments wait for approval in Tipalti's own hub."""

    payer: str
    master_key: SecretStr
    api_url: str = "https://api.tipalti.com"
    console_url: str = "https://console.tipalti.com"
    pages_url: str = "https://ui2.tipalti.com"


class ManualAccount(_Account):
    """The tenant's own bank account, from which SEPA files pay. Without it batches are paid from CSV files."""

    name: str
    iban: SecretStr
    bic: str | None = None


class TenantAccounts(_Account):
    """What one tenant has."""

    stripe: StripeAccount | None = None
    paypal: PayPalAccount | None = None
    tipalti: TipaltiAccount | None = None
    manual: ManualAccount | None = None

    def has(self, provider: PayoutProviderName) -> bool:
        """Whether the provider can be used. Paying by hand needs no account."""
        return provider is PayoutProviderName.MANUAL or getattr(self, provider.value.lower()) is not None


_ACCOUNTS = TypeAdapter(dict[UUID, TenantAccounts])
_NONE = TenantAccounts()


@lru_cache(maxsize=4)
def _read(text: str) -> dict[UUID, TenantAccounts]:
    try:
        return _ACCOUNTS.validate_json(text)
    except ValidationError as error:
        # Not `from error`: pydantic repeats what it was given.
        wrong = sorted({_place(issue["loc"]) for issue in error.errors()})
    raise DomainError("NOT_SUPPORTED", f"SCOVILLE_PAYOUT_ACCOUNTS cannot be read at: {', '.join(wrong)}.")


def _place(path: tuple[int | str, ...]) -> str:
    # Names of ours only: what stands where a name should may be a secret.
    names = {*TenantAccounts.model_fields}
    for account in (StripeAccount, PayPalAccount, TipaltiAccount, ManualAccount):
        names |= {*account.model_fields}
    return ".".join(str(part) for part in path if part in names) or "its outline"


def accounts_of(setting: SecretStr | None, tenant_id: UUID) -> TenantAccounts:
    """The tenant's accounts. Raises NOT_SUPPORTED, which repeats nothing of the setting, when it cannot be read."""
    text = "" if setting is None else setting.get_secret_value().strip()
    return _read(text).get(tenant_id, _NONE) if text else _NONE
