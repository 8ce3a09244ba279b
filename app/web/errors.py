"""Every error of the edge in one shape, GraphQL's own: {"errors": [{"message", "extensions": {"code"}}]}.

What GraphQL fields answer is rendered in graphql_schema/errors.py; here is what happens before and around it.
"""

from collections.abc import Mapping

from app.errors import CODES
from app.web.responses import JSON, Reply, json_reply

RETRY_AFTER_S = 1
"""Seconds after which a client may repeat a request that met a database away."""


class EdgeError(Exception):
    """A request that is refused before any field is executed."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        assert code in CODES, f"undeclared error code {code}"
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def error_reply(error: EdgeError, *, media_type: str = JSON) -> Reply:
    """The error as a response."""
    payload = {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}
    return json_reply(payload, status=error.status, headers=error.headers, media_type=media_type)


def unauthenticated(message: str, *, known_scheme: bool) -> EdgeError:
    """401, with the challenge that says how to come back."""
    challenge = 'Bearer realm="scoville"' + (', error="invalid_token"' if known_scheme else "")
    return EdgeError(401, "UNAUTHENTICATED", message, headers={"WWW-Authenticate": challenge})


def unavailable(message: str) -> EdgeError:
    """503, with the time to wait."""
    return EdgeError(503, "SERVICE_UNAVAILABLE", message, headers={"Retry-After": str(RETRY_AFTER_S)})
