"""What happens around every request: an id, a log line, metrics, and the last resort for errors. Pure ASGI."""

import asyncio
import time

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.ids import new_id
from app.db.session import statement_observers
from app.errors import DomainError, OutsideError
from app.observability import metrics
from app.observability.logs import describe
from app.web.errors import EdgeError, error_reply, unavailable
from app.web.observation import SCOPE_KEY, Observation, request_id_of

log = structlog.get_logger(__name__)

CLIENT_LEFT = 499
"""Status that is logged and counted when nobody was there to be answered."""


class Observed:
    """Gives each request its id and tells what became of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request through the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        observation = Observation(request_id=request_id_of(scope))
        scope[SCOPE_KEY] = observation
        status = CLIENT_LEFT
        statements = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", observation.request_id.encode())]
            await send(message)

        def count(_: str) -> None:
            nonlocal statements
            statements += 1

        token = statement_observers.set((*statement_observers.get(), count))
        started_s = time.perf_counter()
        metrics.http_in_progress.inc()
        try:
            bound = structlog.contextvars.bind_contextvars(request_id=observation.request_id)
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                statement_observers.reset(token)
                self._tell(scope["method"], observation, status, time.perf_counter() - started_s, statements)
                structlog.contextvars.reset_contextvars(**bound)
        finally:
            metrics.http_in_progress.dec()

    @staticmethod
    def _tell(method: str, observation: Observation, status: int, duration_s: float, statements: int) -> None:
        metrics.labelled(metrics.http_requests, observation.route, method, str(status)).inc()
        metrics.labelled(metrics.http_duration, observation.route).observe(duration_s)
        if statements:
            metrics.statements.inc(statements)
        log.info(
            "request_finished",
            method=method,
            route=observation.route,
            status=status,
            duration_ms=round(duration_s * 1000, 2),
            statements=statements,
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
        is_started = False

        async def watch(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
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
            if is_started:
                raise
            masked = EdgeError(500, "INTERNAL_SERVER_ERROR", f"Internal error, logged under the id {error_id}.")
            await error_reply(masked)(scope, receive, send)
