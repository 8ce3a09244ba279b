"""Responses: bytes made once, with the headers that keep browsers from guessing."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

JSON = "application/json"

Reply = Response


def json_reply(
    payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Reply:
    """The payload as JSON in UTF-8, never kept by a cache between us and the caller."""
    return answered(orjson.dumps(payload), status=status, headers=headers, media_type=media_type)


def answered(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Reply:
    """The same of what is JSON already."""
    response = Response(status_code=status)
    response.body = body
    response.raw_headers = [
        (b"content-length", b"%d" % len(body)),
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()),
    ]
    return response
