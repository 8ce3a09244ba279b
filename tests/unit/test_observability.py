"""Logs hold no secret, metrics are all described."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from app.errors import OutsideError
from app.observability import logs, metrics
from app.settings import Settings

KEY = "sk_live_" + "a1B2" * 8
UNITS = (
    "total",
    "seconds",
    "bytes",
    "points",
    "requests",
    "rows",
    "connections",
    "deltas",
    "items",
    "ratio",
    "subscriptions",
    "questions",
    "exports",
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a process with our configuration writes."""
    written = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure(Settings(), stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def logged(lines: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_request(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("app.test").info("order_recorded", count=3)

    (line,) = logged(lines)
    assert line["event"] == "order_recorded"
    assert line["count"] == 3
    assert line["level"] == "info"
    assert line["logger"] == "app.test"
    assert line["request_id"] == "r1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["at"])


def test_secrets_are_redacted_wherever_they_are(lines: io.StringIO) -> None:
    structlog.get_logger("app.test").info(
        f"with {KEY} inside",
        variables={"email": "a@b.example"},
        Authorization=f"Bearer {KEY}",
        nested={"list": [f"x {KEY}"], "email": "a@b.example"},
        url="postgresql://owner:hunter2@db.example/scoville",
        email="a@b.example",
    )
    logging.getLogger("some.library").warning("request with %s failed", KEY)

    text = lines.getvalue()
    assert KEY not in text
    assert "a@b.example" not in text
    assert "hunter2" not in text
    assert text.count(logs.REDACTED) >= 7
    assert "db.example" in text


def test_exceptions_are_logged_without_their_text(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("a@b.example")
        except KeyError as cause:
            raise ValueError("duplicate key (email)=(a@b.example)") from cause
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
        structlog.get_logger("app.test").error("it_failed", exc_info=True)

    library, ours = logged(lines)
    assert "a@b.example" not in lines.getvalue()
    for line in (library, ours):
        assert line["error"] == "ValueError"
        assert line["cause"] == "KeyError"
        assert "test_observability.py" in line["frames"][0]


def test_assertions_keep_their_text() -> None:
    try:
        raise AssertionError("weights sum to one")
    except AssertionError as error:
        described = logs.describe(error)

    assert described["assertion"] == "weights sum to one"


def test_a_failure_outside_keeps_our_words_and_not_its_causes() -> None:
    try:
        try:
            raise ValueError("the row ('ann@example.com')")
        except ValueError as error:
            raise OutsideError("The database is away.", retryable=True) from error
    except OutsideError as error:
        described = logs.describe(error)

    assert described["message"] == "The database is away."
    assert described["cause"] == "ValueError"
    assert "example.com" not in str(described)


def test_level_of_the_settings_holds(lines: io.StringIO) -> None:
    logs.configure(Settings(log_level="WARNING"), stream=lines)
    structlog.get_logger("app.test").info("not_this")
    structlog.get_logger("app.test").warning("but_this")

    assert [line["event"] for line in logged(lines)] == ["but_this"]


def test_every_metric_is_described_and_named_with_its_unit() -> None:
    assert metrics.DECLARED
    for metric in metrics.DECLARED:
        assert metric.name.startswith("scoville_")
        assert metric.name.rpartition("_")[2] in UNITS, metric.name
        assert metric.description.endswith("."), metric.name
        assert (metric.kind == "counter") == metric.name.endswith("_total")


def test_declared_metrics_are_those_exposed() -> None:
    families = text_string_to_metric_families(metrics.exposition().decode())
    shown = {family.name for family in families if not family.name.endswith("_created")}

    assert shown == {metric.name.removesuffix("_total") for metric in metrics.DECLARED}
