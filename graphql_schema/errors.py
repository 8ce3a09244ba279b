"""Every GraphQL error, rendered: an allow-list. What is not a caller's mistake or an outage is masked and logged.

Apollo's codes in `extensions.code`; no suggestion of names, ever; at most so many errors, the rest counted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import GraphQLError

from app.core.ids import new_id
from app.errors import CODES, DomainError, OutsideError, QueryIssues
from app.observability.logs import describe

log = structlog.get_logger(__name__)

# graphql-core is told to hide suggestions; this catches those of rules that are not asked.
_SUGGESTION = re.compile(r"Did you mean [^?]*(?:\?|$)")

# graphql-core tells where in a variable it stopped in its message alone, before any text of the caller's.
_COERCED = re.compile(
    r"Variable '\$(?P<name>\w+)' has invalid (?:default )?value(?: at (?P<steps>(?:\.\w+|\[\d+\])+))?: "
)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

ISSUES_MAX = 50
"""Mistakes of one question that are told, whatever else an answer may tell."""

MESSAGE_LENGTH_MAX = 500
"""Characters of a library's message: it echoes values, and values can be long."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Errors as they go out, and how many more there were."""

    errors: list[dict[str, Any]]
    omitted: int

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the errors that go out."""
        return tuple(error["extensions"]["code"] for error in self.errors)


def render_refusal(errors: Sequence[GraphQLError], code: str, *, errors_max: int) -> Rendered:
    """Errors found before execution, all of one code: the document or its variables do not fit."""
    assert code in CODES
    shown = [_library_error(error, code) for error in errors[:errors_max]]
    return Rendered(errors=shown, omitted=len(errors) - len(shown))


def render_domain(error: DomainError) -> Rendered:
    """A caller's mistake that is no field's: a limit exceeded."""
    return Rendered(errors=[{"message": error.message, "extensions": _domain_extensions(error)}], omitted=0)


def render_field_errors(errors: Sequence[GraphQLError], *, errors_max: int) -> Rendered:
    """Errors of fields that were executed. The mistakes of the first question are told all at once."""
    shown: list[dict[str, Any]] = []
    omitted = 0
    if not errors:
        return Rendered(errors=shown, omitted=omitted)
    first = _cause(errors[0])
    if isinstance(first, QueryIssues):
        errors_max = max(errors_max, min(len(first.issues), ISSUES_MAX))
    unlogged: Counter[str] = Counter()
    for error in errors:
        if len(shown) < errors_max:
            shown.extend(_field_errors(error))
            continue
        cause = _cause(error)
        omitted += len(cause.issues) if isinstance(cause, QueryIssues) else 1
        if not isinstance(cause, DomainError | QueryIssues | OutsideError):
            unlogged[type(cause).__qualname__] += 1
    if unlogged:
        # A list of a thousand items that all fail is one bug, not a thousand lines.
        log.error("internal_errors_omitted", errors=dict(unlogged))
    omitted += max(0, len(shown) - errors_max)
    return Rendered(errors=shown[:errors_max], omitted=omitted)


def _field_errors(error: GraphQLError) -> Iterator[dict[str, Any]]:
    match cause := _cause(error):
        case DomainError():
            yield {"message": cause.message, **_place(error), "extensions": _domain_extensions(cause)}
        case QueryIssues():
            for issue in cause.issues:
                extensions: dict[str, Any] = {"code": issue.code}
                if issue.path:
                    extensions["path"] = list(issue.path)
                if issue.suggestion:
                    extensions["suggestion"] = issue.suggestion
                yield {"message": issue.message, **_place(error), "extensions": extensions}
        case OutsideError():
            log.warning("outside_failure", **describe(cause))
            extensions = {"code": cause.code, "retryable": cause.retryable}
            yield {"message": cause.message, **_place(error), "extensions": extensions}
        case GraphQLError() if cause.nodes:
            # Raised while arguments were read, at the argument: a variable's null where it takes none. What is raised
            # while a result is completed has no node, and is our mistake.
            yield _library_error(error, "BAD_USER_INPUT")
        case _:
            error_id = _log_bug(error, cause)
            message = f"Internal error, logged under the id {error_id}."
            extensions = {"code": "INTERNAL_SERVER_ERROR", "id": error_id}
            yield {"message": message, **_place(error), "extensions": extensions}


def _cause(error: GraphQLError) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _log_bug(error: GraphQLError, cause: BaseException) -> str:
    error_id = str(new_id())
    # The field's path without indices: which field failed, not whose row.
    field = ".".join(str(part) for part in error.path or () if isinstance(part, str))
    log.error("internal_error", error_id=error_id, field=field, **describe(cause))
    return error_id


def _library_error(error: GraphQLError, code: str) -> dict[str, Any]:
    # What a scalar refuses has a code of its own, whichever way its value came.
    known = error.extensions or {}
    extensions: dict[str, Any] = {"code": known.get("code", code)}
    assert extensions["code"] in CODES
    if "path" in known:
        extensions["path"] = known["path"]
    coerced = _COERCED.match(error.message)
    if coerced is not None:
        steps = _STEP.findall(coerced["steps"] or "")
        extensions["path"] = [coerced["name"], *(name or int(index) for name, index in steps)]
    # Cut before it is looked through: the value that it echoes may be megabytes.
    message = error.message[:MESSAGE_LENGTH_MAX]
    message = message if message == error.message else f"{message}…"
    message = _SUGGESTION.sub("", message).rstrip()
    return {"message": message, **_place(error), "extensions": extensions}


def _place(error: GraphQLError) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if error.locations:
        place["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path is not None:
        place["path"] = list(error.path)
    return place


def _domain_extensions(error: DomainError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code}
    if error.path:
        extensions["path"] = list(error.path)
    return extensions
