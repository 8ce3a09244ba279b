"""Every metric of a process, declared once: name with its unit, kind, what it tells. /metrics shows them.

A metric is declared here and nowhere else, so that the reference and the test that it is described see all of them.
Labels have few values, known in advance: never an id, a key, or text from a caller.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

REGISTRY = CollectorRegistry()

Labelled = TypeVar("Labelled", Counter, Histogram)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Directory in which a server's workers share their counts; prometheus_client reads it itself when it is imported."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as the reference shows it."""

    name: str
    kind: str
    description: str
    labels: tuple[str, ...]


DECLARED: list[Declared] = []


def _counter(name: str, description: str, labels: Sequence[str] = ()) -> Counter:
    DECLARED.append(Declared(name, "counter", description, tuple(labels)))
    return Counter(name, description, labels, registry=REGISTRY)


def _gauge(name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
    DECLARED.append(Declared(name, "gauge", description, tuple(labels)))
    return Gauge(name, description, labels, registry=REGISTRY, multiprocess_mode="livesum")


def _histogram(name: str, description: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> Histogram:
    DECLARED.append(Declared(name, "histogram", description, tuple(labels)))
    return Histogram(name, description, labels, registry=REGISTRY, buckets=buckets)


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_POINTS = (1, 10, 100, 500, 1_000, 5_000, 10_000, 25_000, 50_000)

http_requests = _counter(
    "scoville_http_requests_total",
    "HTTP requests answered, by route, method and status. Status 499: the client left before the answer.",
    ("route", "method", "status"),
)
http_duration = _histogram(
    "scoville_http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    ("route",),
    buckets=_SECONDS,
)
http_in_progress = _gauge("scoville_http_in_progress_requests", "HTTP requests being answered now.")
operations = _counter(
    "scoville_graphql_operations_total",
    "GraphQL operations, by kind (query, mutation, subscription, unknown) and ending (executed, refused, expired).",
    ("kind", "ending"),
)
operation_duration = _histogram(
    "scoville_graphql_operation_duration_seconds",
    "Time of a GraphQL operation from its text to its answer, by kind.",
    ("kind",),
    buckets=_SECONDS,
)
operation_cost = _histogram(
    "scoville_graphql_operation_cost_points",
    "Estimated cost of GraphQL operations that could be measured, by kind.",
    ("kind",),
    buckets=_POINTS,
)
graphql_errors = _counter("scoville_graphql_errors_total", "Errors in GraphQL answers, by code.", ("code",))
fallbacks = _counter(
    "scoville_graphql_fallbacks_total",
    "GraphQL operations left to graphql-core's executor, by why no plan was compiled: introspection, directive "
    "(on the operation, or with a value that does not fit), type (that tells its own kind), size, off.",
    ("reason",),
)
principal_lookups = _counter(
    "scoville_principal_lookups_total",
    "Keys turned into principals, by where the principal was found (memory, database).",
    ("source",),
)
answer_lookups = _counter(
    "scoville_answer_lookups_total",
    "Look-ups of cached answers, by what was found: hit, miss, or off (Redis is away, or a note is owed).",
    ("found",),
)
row_lookups = _counter(
    "scoville_row_lookups_total",
    "Ids by which rows were looked up that a process may keep from one request to the next, by where it looked "
    "(memory, database).",
    ("source",),
)
answer_notes = _counter(
    "scoville_answer_notes_total",
    "Notes of what a write touched, by whether they were written before the write was acknowledged (written, owed).",
    ("outcome",),
)
redis_failures = _counter(
    "scoville_redis_failures_total", "Commands to Redis that failed, by kind (away, refused).", ("kind",)
)
statements = _counter("scoville_database_statements_total", "SQL statements run for requests and subscriptions.")
changes_up = _gauge(
    "scoville_changes_connections",
    "Connections on which Redis tells of changes; a process without one looks by itself.",
)
live_connections = _gauge(
    "scoville_live_connections",
    "Connections that carry subscriptions now, by protocol (websocket, sse).",
    ("protocol",),
)
live_subscriptions = _gauge("scoville_live_subscriptions", "Subscriptions answered now.")
live_questions = _gauge("scoville_live_questions", "Different questions of the subscriptions answered now.")
live_computations = _counter(
    "scoville_live_computations_total",
    "Answers computed for subscriptions, each for all who ask the same, by outcome (changed, unchanged, failed).",
    ("outcome",),
)
live_answers = _counter("scoville_live_answers_total", "Answers sent to subscribers.")
live_refusals = _counter(
    "scoville_live_refusals_total",
    "Connections and subscriptions refused, by the limit (process, key, connection).",
    ("limit",),
)
live_closes = _counter(
    "scoville_live_closes_total",
    "WebSocket connections that ended, by the code of the close; other: one of the client's own.",
    ("code",),
)

exports = _counter(
    "scoville_exports_total",
    "Files asked for, by format (csv, parquet, arrow) and ending (finished, refused, left, expired, revoked, stopped, "
    "failed).",
    ("format", "ending"),
)
exports_in_progress = _gauge("scoville_in_progress_exports", "Files being written now.")
export_rows = _counter("scoville_export_rows_total", "Rows written to files, by format.", ("format",))
export_bytes = _counter("scoville_export_bytes_total", "Bytes of files that were sent, by format.", ("format",))
export_duration = _histogram(
    "scoville_export_duration_seconds",
    "Time from a file's request to its end, by format.",
    ("format",),
    buckets=(0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0),
)


@cache
def labelled(metric: Labelled, *values: str) -> Labelled:
    """A metric with the values of its labels, looked up once: they are few."""
    return metric.labels(*values)


def exposition() -> bytes:
    """All metrics in Prometheus' text form: of this process, or of all workers where they share a directory."""
    if MULTIPROCESS_DIR not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def forget_process(pid: int) -> None:
    """Leave out the gauges of a worker that ended: nothing of it is under way. What it counted stays counted."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
