"""What is known of a request while it is answered: for its log line, its metrics and its X-Request-ID."""

import re
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

from app.core.ids import new_id

SCOPE_KEY = "scoville.observation"

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


@dataclass(slots=True)
class Observation:
    """One request. route: its path's pattern, which has no ids in it. fields: what its log line says beside."""

    request_id: str
    route: str = "unmatched"
    fields: dict[str, Any] = field(default_factory=dict)


def observation_of(scope: Scope) -> Observation:
    """The observation of a request under way."""
    found: Observation = scope[SCOPE_KEY]
    return found


def request_id_of(scope: Scope) -> str:
    """The caller's X-Request-ID if it is fit to be logged and returned, else a fresh one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _REQUEST_ID.fullmatch(value) else str(new_id())
    return str(new_id())
