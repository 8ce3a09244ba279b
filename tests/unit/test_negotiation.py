"""Which media type is answered with, and which bodies are read."""

import pytest

from app.web.negotiation import GRAPHQL_JSON, choose, is_json, wants_html
from app.web.responses import JSON


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("APPLICATION/JSON", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json;q=0.9", GRAPHQL_JSON),
        (f"application/json;q=0.9, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.8, application/json;q=0.9", JSON),
        (f"{GRAPHQL_JSON}, application/json", GRAPHQL_JSON),
        (f"application/json, {GRAPHQL_JSON}", JSON),
        (f"{GRAPHQL_JSON}, application/json, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        (f"*/*, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"*/*;q=0.5, {GRAPHQL_JSON};q=0.1", JSON),
        ("application/json;q=0, */*", GRAPHQL_JSON),
        ("text/html", None),
        ("text/*", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
        ("application/json;q=-1", None),
        ("nonsense", None),
        ("," * 10_000, None),
    ],
)
def test_choice(accept: str | None, chosen: str | None) -> None:
    assert choose(accept) == chosen


def test_only_who_names_html_is_a_browser() -> None:
    assert wants_html("text/html,application/xhtml+xml,*/*;q=0.8")
    assert not wants_html("*/*")
    assert not wants_html(None)
    assert not wants_html("text/html;q=0")


@pytest.mark.parametrize(
    ("content_type", "is_read"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('application/json; charset="UTF-8"', True),
        ("Application/JSON;charset=UTF8", True),
        ("application/json; charset=latin-1", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/graphql", False),
        ("", False),
        (None, False),
    ],
)
def test_bodies_are_json_in_utf8(content_type: str | None, is_read: bool) -> None:
    assert is_json(content_type) == is_read
