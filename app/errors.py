"""Every error a caller can meet: codes declared once, here. Rendered in graphql_schema/errors.py and app/web/errors.py.

Three kinds: a caller's mistake is a DomainError; a failure outside is an OutsideError with `retryable`; a bug of ours
is any other exception and reaches the caller as an opaque id.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# code → what it means and the way out. The README's table is checked against this one.
CODES: dict[str, str] = {
    "UNAUTHENTICATED": "No key, or one that is unknown or revoked. Send `Authorization: Bearer sk_live_…`.",
    "FORBIDDEN": "The key's role lacks the scope named. Use a key of one of the roles named.",
    "BAD_USER_INPUT": "A value is malformed; the message names it and what fits.",
    "GRAPHQL_PARSE_FAILED": "The document is not GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document does not fit the schema.",
    "OPERATION_RESOLUTION_FAILURE": "The document has several operations, or not the one named.",
    "BAD_REQUEST": "The HTTP request is malformed.",
    "PAYLOAD_TOO_LARGE": "The body, document or batch exceeds its limit. Send smaller ones.",
    "QUERY_TOO_DEEP": "The selection is nested too deeply. Split the query.",
    "QUERY_TOO_COSTLY": "The estimated cost exceeds the limit. Ask for smaller pages or fewer fields.",
    "TOO_MANY_SUBSCRIPTIONS": "A connection, key or process holds as many subscriptions as it may. End some first.",
    "TOO_MANY_EXPORTS": "The process writes as many files as it may at once. Come again in a while.",
    "SERVICE_UNAVAILABLE": "A database is away or busy. Repeat the request with the same idempotency key.",
    "INTERNAL_SERVER_ERROR": "A bug of ours, logged under the id given.",
    "NOT_FOUND": "No such row in this tenant; of a command: no such tenant, key or data directory.",
    "BATCH_TOO_LARGE": "More items, or lines taken back, than one call may hold. Split the batch.",
    "IDEMPOTENCY_CONFLICT": "The idempotency key was used with another body. Use a new key for new content.",
    "CONFLICTING_DUPLICATE": "The external id is known with other content. Edit the row instead.",
    "DUPLICATE_IN_BATCH": "The external id occurs twice in the batch with different content.",
    "OCCURRED_IN_FUTURE": "The occurrence time lies further in the future than allowed.",
    "INVALID_AMOUNT": "A decimal cannot be read, or an amount has more digits than its currency, or is out of range.",
    "INVALID_CURRENCY": "Not an ISO 4217 currency code.",
    "INVALID_TIME_ZONE": "Not an IANA time zone.",
    "LINES_DO_NOT_ADD_UP": "The lines' amounts do not sum to the total.",
    "REFUND_EXCEEDS_ORDER": "More than what is open on the order or line.",
    "UNKNOWN_ORDER": "No order with this external id.",
    "UNKNOWN_LINE": "The order has no such line.",
    "UNKNOWN_INFLUENCER": "No influencer with this id.",
    "UNKNOWN_CAMPAIGN": "No campaign with this id.",
    "UNKNOWN_LINK": "No link with this id or slug.",
    "UNKNOWN_CODE": "No coupon code with this text.",
    "UNKNOWN_CUSTOMER": "No customer with this external id.",
    "UNKNOWN_COMMISSION": "No commission with this id.",
    "UNKNOWN_PRODUCT": "No product with this id.",
    "NAME_TAKEN": "Another row of this tenant (or, for slugs, of anyone) has this name.",
    "VERSION_CONFLICT": "The order is at another version than the edit expects. Read it again.",
    "WRONG_STATE": "The commission's state has no passage to the one asked for; the message names both.",
    "ORDER_NOT_EARNED": "The commission's order was not paid, or not fulfilled, as the terms ask.",
    "SECOND_KEY_NEEDED": "Whoever proposed it cannot decide it as well. Use another key with the scope money:write.",
    "UNKNOWN_FRAUD_HIT": "No hit of the rules of fraud with this id.",
    "FRAUD_REVIEWED": "The hit of the rules of fraud was decided otherwise before.",
    "FRAUD_TO_BE_REVIEWED": "The commission has open hits of the rules of fraud, and moves by their review alone.",
    "UNKNOWN_ADJUSTMENT": "No adjustment of commissions with this id.",
    "PREVIEW_OUTDATED": "What would change is not what the preview showed. Preview again, and post by its mark.",
    "INVALID_CURSOR": "The cursor is not one of this connection and question.",
    "INVALID_PAGE": "`first`/`last`/`after`/`before` do not go together or exceed the limit.",
    "MEASURE_NOT_BY_DIMENSION": "The measure's facts lack the dimension; the message lists what fits.",
    "RANGE_INVALID": "The range is empty, reversed or too wide for the granularity.",
    "COMPARE_MISSING": "A previous value or a change is sought without a compared time. Give `compare`.",
    "NOT_ADDITIVE": "The measure does not add up, so that it has no share and no running total.",
    "TOO_MANY_GROUPS": "More grouping elements than allowed.",
    "NOTHING_DUE": "Nothing is payable, or not this way now. `payoutPreview` tells why.",
    "PAYOUT_STATE": "The payout batch or item is in a state that does not allow it.",
    "NOT_SUPPORTED": "The combination is not supported; the message says what is.",
}


class DomainError(Exception):
    """A caller's mistake, with a stable code.

    path: where in the input, from its root, e.g. ("orders", "3", "lines", "0", "amount").
    """

    def __init__(self, code: str, message: str, *, path: Sequence[str | int] = ()) -> None:
        assert code in CODES, f"undeclared error code {code}"
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = tuple(str(part) for part in path)


class OutsideError(Exception):
    """A failure of something outside the process, worded by us: never a driver's text."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.code = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class QueryIssue:
    """One mistake in an analytics question: data, so that all are reported at once.

    path: of the argument, e.g. ("groups", "by", "0"). suggestion: the way out, or "".
    """

    code: str
    message: str
    path: tuple[str, ...] = ()
    suggestion: str = ""

    def __post_init__(self) -> None:
        assert self.code in CODES, f"undeclared error code {self.code}"


class QueryIssues(Exception):
    """All mistakes of one analytics question. Raised once, by app/analytics/resolve."""

    def __init__(self, issues: Sequence[QueryIssue]) -> None:
        assert issues
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = tuple(issues)
