"""Webhooks of payout providers: open to anybody, believed when their signature is the provider's.

`POST /webhooks/payouts/{provider}/{tenant}`: a provider is told this address in its own settings. A refusal says
nothing of why, nor of who the tenants are.
"""

from collections import OrderedDict
from uuid import UUID

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core.context import TenantInfo
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.integrations.payouts import opened
from app.payouts.accounts import accounts_of
from app.payouts.port import BadSignature
from app.runtime import Runtime
from app.tenancy.queries import find_tenant_by_id
from app.usecases.receive_payout_message import receive_payout_message
from app.web.body import read_body
from app.web.errors import EdgeError, error_reply

log = structlog.get_logger(__name__)

ROUTE = "/webhooks/payouts/{provider}/{tenant}"
BODY_BYTES_MAX = 1_000_000
REMEMBERED_MAX = 1_000


class PayoutWebhooks:
    """Takes the webhooks of all providers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tenants: OrderedDict[UUID, TenantInfo] = OrderedDict()

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
            async with opened(settings, tenant_id, provider) as account:
                message = await account.read_message(headers, body, now=self._runtime.clock.now())
        except (BadSignature, DomainError):
            log.warning("payout_webhook_refused", provider=provider.value, tenant_id=str(tenant_id))
            return _refused()
        tenant = await self._tenant(tenant_id)
        if tenant is None:
            return _refused()
        is_new = await receive_payout_message(self._runtime, tenant, provider, message)
        log.info("payout_webhook", provider=provider.value, kind=message.kind[:100], is_new=is_new)
        return Response(status_code=204)

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
