"""Payout providers behind the port of app/payouts/port.py: Stripe Connect, PayPal Payouts, Tipalti, and by hand.

A provider is opened for one tenant and closed again. What it needs beyond the core is in the extra `payouts`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.payouts.accounts import TenantAccounts, accounts_of
from app.payouts.port import PayoutProvider
from app.settings import Settings


@asynccontextmanager
async def opened(settings: Settings, tenant_id: UUID, name: PayoutProviderName) -> AsyncIterator[PayoutProvider]:
    """The tenant's provider of this name. Raises NOT_SUPPORTED when there is no account, or the extra is missing."""
    provider = made(settings, tenant_id, name)
    try:
        yield provider
    finally:
        await provider.close()


def made(settings: Settings, tenant_id: UUID, name: PayoutProviderName) -> PayoutProvider:
    """The same, for who keeps it and closes it: its connections and its TLS context cost some 20 ms to make."""
    accounts = accounts_of(settings.payout_accounts, tenant_id)
    try:
        provider = _made(accounts, name, settings.payout_call_timeout_s)
    except ImportError as error:
        raise DomainError(
            "NOT_SUPPORTED", f"{name.value} needs `pip install scoville[payouts]` ({error.name} is missing)."
        ) from None
    if provider is None:
        raise DomainError("NOT_SUPPORTED", f"The tenant has no account at {name.value}: see SCOVILLE_PAYOUT_ACCOUNTS.")
    return provider


def _made(accounts: TenantAccounts, name: PayoutProviderName, timeout_s: float) -> PayoutProvider | None:
    # Imported where they are used: what nobody pays by need not be installed.
    match name:
        case PayoutProviderName.STRIPE if accounts.stripe is not None:
            from app.integrations.payouts.stripe import StripeConnect

            return StripeConnect(accounts.stripe, timeout_s=timeout_s)
        case PayoutProviderName.PAYPAL if accounts.paypal is not None:
            from app.integrations.payouts.paypal import PayPalPayouts

            return PayPalPayouts(accounts.paypal, timeout_s=timeout_s)
        case PayoutProviderName.TIPALTI if accounts.tipalti is not None:
            from app.integrations.payouts.tipalti import Tipalti

            return Tipalti(accounts.tipalti, timeout_s=timeout_s)
        case PayoutProviderName.MANUAL:
            from app.integrations.payouts.manual import ByHand

            return ByHand()
        case _:
            return None
