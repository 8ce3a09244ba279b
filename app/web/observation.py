"""What is known of a request while it is answered: for its log line, its metrics and its X-Request-ID."""

import re
from collections.abc import Awaitable
from typing import Any

from starlette.types import Message, Scope, Send

from app.core.context import Principal
from app.core.ids import new_text_id
from app.web.head import head_of

SCOPE_KEY = "scoville.observation"

CLIENT_LEFT = 499
"""Status that is logged and counted when nobody was there to be answered."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Observation:
    """One request, and what became of it: its answer goes out through here.

    route: its path's pattern, which has no ids in it. principal: who calls, once that is known. fields: what its log
    line says beside. status: of its answer; CLIENT_LEFT before there is one.
    """

    __slots__ = ("_id", "_send", "fields", "principal", "request_id", "route", "statements", "status")

    def __init__(self, request_id: str, send: Send) -> None:
        self.request_id = request_id
        self.route = "unmatched"
        self.principal: Principal | None = None
        self.fields: dict[str, Any] = {}
        self.status = CLIENT_LEFT
        self.statements = 0
        self._id = b"x-request-id", request_id.encode()
        self._send = send

    @property
    def is_started(self) -> bool:
        """Whether its answer has a status already."""
        return self.status != CLIENT_LEFT

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of its answer, which is given the request's id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], self._id]
        return self._send(message)

    def count(self, _: str) -> None:
        """Count a statement that was run for it."""
        self.statements += 1


def observation_of(scope: Scope) -> Observation:
    """The observation of a request under way."""
    found: Observation = scope[SCOPE_KEY]
    return found


def request_id_of(scope: Scope) -> str:
    """The caller's X-Request-ID if it is fit to be logged and returned, else a fresh one."""
    given = head_of(scope).get("x-request-id")
    return new_text_id() if given is None or not _REQUEST_ID.fullmatch(given) else given
