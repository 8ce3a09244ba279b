"""The head of a request, as its parts look at it."""

from typing import Any

from starlette.requests import Request

from app.web.head import head_of


def test_a_head_is_what_starlette_reads() -> None:
    lines = [(b"accept", b"text/html"), (b"x-name", "Jürgen".encode("latin-1")), (b"accept", b"application/json")]
    scope: dict[str, Any] = {"type": "http", "headers": lines}
    request = Request(scope)

    head = head_of(scope)

    assert dict(head) == {name: request.headers.get(name) for name in ("accept", "x-name")}
    assert head_of(scope) is head
    assert head.get("cookie") is None
