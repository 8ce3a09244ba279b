"""What happens around every request: an id, a log line, metrics, and the last resort for errors. Pure ASGI."""

import asyncio
import logging
import time

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.ids import new_id
from app.db.session import statement_observers
from app.errors import DomainError, OutsideError
from app.observability import metrics
from app.observability.logs import describe
from app.web.errors import EdgeError, error_reply, unavailable
from app.web.observation import SCOPE_KEY, Observation, observation_of, request_id_of

log = structlog.get_logger(__name__)


class Observed:
    """Gives each request its id and tells what became of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request through the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        observation = scope[SCOPE_KEY] = Observation(request_id_of(scope), send)
        token = statement_observers.set((*statement_observers.get(), observation.count))
        started_s = time.perf_counter()
        metrics.http_in_progress.inc()
        try:
            bound = structlog.contextvars.bind_contextvars(request_id=observation.request_id)
            try:
                await self._app(scope, receive, observation.send)
            finally:
                statement_observers.reset(token)
                self._tell(scope["method"], observation, time.perf_counter() - started_s)
                structlog.contextvars.reset_contextvars(**bound)
        finally:
            metrics.http_in_progress.dec()

    @staticmethod
    def _tell(method: str, observation: Observation, duration_s: float) -> None:
        metrics.labelled(metrics.http_requests, observation.route, method, str(observation.status)).inc()
        metrics.labelled(metrics.http_duration, observation.route).observe(duration_s)
        if observation.statements:
            metrics.statements.inc(observation.statements)
        if not log.is_enabled_for(logging.INFO):
            return
        principal = observation.principal
        caller = (
            {}
            if principal is None
            else {
                "tenant_id": str(principal.tenant.id),
                "key_id": str(principal.key_id),
                "role": principal.role.value,
            }
        )
        log.info(
            "request_finished",
            method=method,
            route=observation.route,
            status=observation.status,
            duration_ms=round(duration_s * 1000, 2),
            statements=observation.statements,
            **caller,
            **observation.fields,
        )


class Refusing:
    """Turns what is raised below into an answer: refusals as they say, outages as 503, bugs as an opaque 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request through the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except EdgeError as error:
            await error_reply(error)(scope, receive, send)
        except DomainError as error:
            status = 403 if error.code == "FORBIDDEN" else 400
            await error_reply(EdgeError(status, error.code, error.message))(scope, receive, send)
        except OutsideError as error:
            log.warning("outside_failure", **describe(error))
            await error_reply(unavailable(error.message))(scope, receive, send)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The last resort: whatever it is, it is logged, and masked.
            error_id = str(new_id())
            log.error("internal_error", error_id=error_id, **describe(error))
            if observation_of(scope).is_started:
                raise
            masked = EdgeError(500, "INTERNAL_SERVER_ERROR", f"Internal error, logged under the id {error_id}.")
            await error_reply(masked)(scope, receive, send)
