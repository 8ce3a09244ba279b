"""Webhooks of payout providers: open to anybody, believed when their signature is the provider's.

`POST /webhooks/payouts/{provider}/{tenant}`: a provider is told this address in its own settings. A refusal says
nothing of why, nor of who the tenants are. Some providers are asked whether a message is theirs: what anybody sends may
have them asked a few times at once, and no more.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core.context import TenantInfo
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.integrations.payouts import made
from app.payouts.accounts import accounts_of
from app.payouts.port import BadSignature, PayoutProvider
from app.runtime import Runtime
from app.tenancy.queries import find_tenant_by_id
from app.usecases.receive_payout_message import receive_payout_message
from app.web.body import read_body
from app.web.errors import EdgeError, error_reply, unavailable

log = structlog.get_logger(__name__)

ROUTE = "/webhooks/payouts/{provider}/{tenant}"
BODY_BYTES_MAX = 1_000_000
REMEMBERED_MAX = 1_000

CHECKS_MAX = 4
"""Messages of one account that are checked at once: beyond, a provider is to send its message again."""

CHECK_TIMEOUT_S = 10.0
"""Seconds that a check may take; a provider does not wait longer for its answer."""


@dataclass(frozen=True, slots=True)
class _Account:
    """A provider of a tenant, open as long as the process runs, and its messages that may be checked."""

    provider: PayoutProvider
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKS_MAX))


class PayoutWebhooks:
    """Takes the webhooks of all providers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tenants: OrderedDict[UUID, TenantInfo] = OrderedDict()
        # As many as the settings name, however many are asked for.
        self._accounts: dict[tuple[UUID, PayoutProviderName], _Account] = {}

    async def __call__(self, request: Request) -> Response:
        """204 once the message is kept, also when it was before: the provider then sends it no more."""
        try:
            provider = PayoutProviderName(request.path_params["provider"].upper())
            tenant_id = UUID(request.path_params["tenant"])
        except ValueError:
            return _refused()
        settings = self._runtime.settings
        if provider is PayoutProviderName.MANUAL or not accounts_of(settings.payout_accounts, tenant_id).has(provider):
            return _refused()
        try:
            body = await read_body(
                request.receive,
                declared=request.headers.get("content-length"),
                bytes_max=BODY_BYTES_MAX,
                timeout_s=settings.body_timeout_s,
            )
        except ClientDisconnect:
            return Response(status_code=400)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            account = self._account(tenant_id, provider)
            if account.checks.locked():
                return error_reply(unavailable("Too many messages are checked at the moment. Send it again."))
            async with account.checks, asyncio.timeout(CHECK_TIMEOUT_S):
                message = await account.provider.read_message(headers, body, now=self._runtime.clock.now())
        except TimeoutError:
            return error_reply(unavailable("The message could not be checked in time. Send it again."))
        except (BadSignature, DomainError):
            log.warning("payout_webhook_refused", provider=provider.value, tenant_id=str(tenant_id))
            return _refused()
        tenant = await self._tenant(tenant_id)
        if tenant is None:
            return _refused()
        is_new = await receive_payout_message(self._runtime, tenant, provider, message)
        log.info("payout_webhook", provider=provider.value, kind=message.kind[:100], is_new=is_new)
        return Response(status_code=204)

    def _account(self, tenant_id: UUID, provider: PayoutProviderName) -> _Account:
        key = tenant_id, provider
        if key not in self._accounts:
            self._accounts[key] = _Account(made(self._runtime.settings, tenant_id, provider))
            self._runtime.at_end.push_async_callback(self._accounts[key].provider.close)
        return self._accounts[key]

    async def _tenant(self, tenant_id: UUID) -> TenantInfo | None:
        if tenant_id not in self._tenants:
            async with self._runtime.db.directory() as session:
                found = await find_tenant_by_id(session, tenant_id)
            if found is None:
                return None
            self._tenants[tenant_id] = found
            if len(self._tenants) > REMEMBERED_MAX:
                self._tenants.popitem(last=False)
        return self._tenants[tenant_id]


def _refused() -> Response:
    return error_reply(EdgeError(404, "NOT_FOUND", "There is nothing at this path for this message."))
