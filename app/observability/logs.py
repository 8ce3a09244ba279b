"""Structured logs: one event a line, never a key, never a person, never what a caller sent.

`configure` is called once by each process. Everyone else: `log = structlog.get_logger(__name__)`, then
`log.info("payout_failed", payout_id=…)`: event names and fields, not prose.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, ClassVar, TextIO

import orjson
import structlog

from app.errors import OutsideError
from app.settings import Settings

SECRET_FIELDS = frozenset(
    {
        "authorization", "body", "cookie", "customer", "document", "email", "headers", "key", "name", "password",
        "phone", "query", "secret", "signature", "token", "variables",
    }
)  # fmt: skip
"""Fields that are dropped whatever they hold: a caller who logs one has made a mistake that must not be kept."""

_KEY = re.compile(r"sk_(?:live|test)_[0-9A-Za-z]+")
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")
_PROJECT = Path(__file__).resolve().parents[2]

REDACTED = "[redacted]"


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without secret fields, and without keys or passwords inside texts."""
    return {field: REDACTED if field.lower() in SECRET_FIELDS else _cleaned(value) for field, value in event.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        # Most texts hold neither: told by what both have, at a tenth of the cost.
        if "sk_" not in value and "://" not in value:
            return value
        return _URL_PASSWORD.sub(r"\1:" + REDACTED + "@", _KEY.sub(REDACTED, value))
    if isinstance(value, dict):
        return redact(None, "", value)
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def describe(error: BaseException) -> dict[str, Any]:
    """What may be logged of an exception: its kind and where it came from, never its text.

    A driver's text quotes the row it failed on. Our own assertions quote nothing, so theirs is kept, and of the
    database the SQLSTATE and the constraint's name. An OutsideError is worded by us, for people.
    """
    frames = [
        f"{_shown_path(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    described: dict[str, Any] = {"error": type(error).__qualname__, "frames": frames}
    if isinstance(error, AssertionError):
        described["assertion"] = str(error)
    if isinstance(error, OutsideError):
        described["message"] = error.message
    for field in ("sqlstate", "constraint_name"):
        value = getattr(error, field, None)
        if isinstance(value, str):
            described[field] = value
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__qualname__
    return described


def _shown_path(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_PROJECT)) if path.is_relative_to(_PROJECT) else path.name


def _describe_exc_info(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # Libraries log with exc_info: their text is replaced by our description, for the reason `describe` gives.
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event.update(describe(error))
    return event


def _to_json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


class _Lines:
    """Writes the lines of one logger of ours to the process's place for logs, past the library for others' logs."""

    stream: ClassVar[TextIO] = sys.stderr

    def __init__(self, name: str = "", *_: Any) -> None:
        self.name = name

    def line(self, text: str) -> None:
        """One event."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    debug = info = warning = error = critical = line


def _add_name(logger: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


def configure(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send the process's logs, our own and those of libraries, to one place in one form. stream: None for stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _describe_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json) if settings.log_json else structlog.dev.ConsoleRenderer()
    )
    _Lines.stream = stream or sys.stderr
    structlog.configure(
        processors=[_add_name, *shared, renderer],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Every request is logged by app/web/middleware with its id; uvicorn's own line would be a second one with the query
    # string in it.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = name != "uvicorn.access"
