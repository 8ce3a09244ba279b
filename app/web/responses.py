"""Responses: bytes made once, with the headers that keep browsers from guessing."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

JSON = "application/json"

Reply = Response


class _Answer(Response):
    """A body and headers as they are sent."""

    def __init__(self, body: bytes, *, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        # Past Starlette's own, which makes both of other things.
        self.status_code = status
        self.body = body
        self.raw_headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def json_reply(
    payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Reply:
    """The payload as JSON in UTF-8, never kept by a cache between us and the caller."""
    return answered(orjson.dumps(payload), status=status, headers=headers, media_type=media_type)


def answered(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Reply:
    """The same of what is JSON already."""
    length = b"content-length", b"%d" % len(body)
    more = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return _Answer(body, status=status, headers=[length, *_told(media_type), *more])


@cache
def _told(media_type: str) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
