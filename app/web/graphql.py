"""GraphQL over HTTP: POST a document, get its answer. Rules of bodies and statuses are here; execution is handed in."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive

from app.core.context import Ctx
from app.observability import metrics
from app.settings import Settings
from app.web.body import parse_json, read_body
from app.web.errors import RETRY_AFTER_S, EdgeError, error_reply
from app.web.head import head_of
from app.web.negotiation import GRAPHQL_JSON, choose, is_json
from app.web.observation import observation_of
from app.web.responses import JSON, answered
from app.web.routes import Caller
from app.web.sse import Streams, takes_streams

T = TypeVar("T")

WATCH_AFTER_S = 0.1
"""Seconds that an operation runs before it is watched whether its client is still there, which takes a task."""


class OperationReply(Protocol):
    """An operation's answer: see graphql_schema/execute.py. ending: executed, refused or expired."""

    @property
    def ending(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def kind(self) -> str: ...
    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def cost(self) -> int: ...


class LookedUp(Protocol):
    """What was found of an operation's answer before it is executed. reply: None where there is nothing."""

    @property
    def reply(self) -> OperationReply | None: ...


class Executes(Protocol):
    """Executes one operation. Cancelled when its caller leaves; it decides itself what then goes on."""

    async def execute(
        self,
        ctx: Ctx,
        *,
        document: str,
        operation_name: str | None,
        variables: Mapping[str, Any] | None,
        looked: Any = None,
    ) -> OperationReply:
        """The operation's answer. looked: what `look_up` gave the same caller."""
        ...

    async def look_up(
        self, ctx: Ctx, *, document: str, operation_name: str | None, variables: Mapping[str, Any] | None
    ) -> LookedUp:
        """What is kept of the operation's answer. Nothing is done: the caller may turn out to be nobody."""
        ...


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a body asks for."""

    document: str
    operation_name: str | None
    variables: dict[str, Any] | None


class GraphQLEndpoint:
    """POST /graphql."""

    def __init__(self, executor: Executes, settings: Settings, streams: Streams) -> None:
        self._executor = executor
        self._settings = settings
        self._streams = streams

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """The answer, in the media type the client prefers."""
        accept = head_of(request.scope).get("accept")
        media_type = choose(accept)
        if media_type is None and not takes_streams(accept):
            raise EdgeError(406, "BAD_REQUEST", f"The answer can be {JSON} or {GRAPHQL_JSON}; Accept takes neither.")
        try:
            asked = await read_request(request, self._settings)
        except EdgeError as error:
            return error_reply(error, media_type=media_type or JSON)
        document, operation_name, variables = asked.document, asked.operation_name, asked.variables
        if self._streams.is_wanted(accept, document, operation_name):
            return self._streams.of(
                request,
                await caller.ctx(),
                document=document,
                operation_name=operation_name,
                variables=variables,
            )
        started_s = time.perf_counter()
        looked = None
        if caller.assumed is not None:
            # One round trip to Redis, for the key and for the answer.
            looked = await self._executor.look_up(
                caller.assumed, document=document, operation_name=operation_name, variables=variables
            )
        ctx = await caller.ctx()
        if ctx is not caller.assumed:
            looked = None
        if looked is not None and looked.reply is not None:
            reply = looked.reply
        else:
            reply = await until_disconnect(
                request.receive,
                self._executor.execute(
                    ctx, document=document, operation_name=operation_name, variables=variables, looked=looked
                ),
            )
        self._tell(request, reply, time.perf_counter() - started_s)
        return self._streams.single(reply.payload) if media_type is None else _response(reply, media_type)

    @staticmethod
    def _tell(request: Request, reply: OperationReply, duration_s: float) -> None:
        count_operation(reply, duration_s)
        fields = observation_of(request.scope).fields
        fields["kind"], fields["ending"], fields["cost"] = reply.kind, reply.ending, reply.cost
        if reply.codes:
            fields["codes"] = list(reply.codes)


def count_operation(reply: OperationReply, duration_s: float) -> None:
    """Count an operation that came by any way."""
    metrics.labelled(metrics.operations, reply.kind, reply.ending).inc()
    metrics.labelled(metrics.operation_duration, reply.kind).observe(duration_s)
    if reply.cost:
        metrics.labelled(metrics.operation_cost, reply.kind).observe(reply.cost)
    for code in reply.codes:
        metrics.labelled(metrics.graphql_errors, code).inc()


async def read_request(request: Request, settings: Settings) -> GraphQLRequest:
    """The request in a body of JSON. Raises EdgeError when it is none, too long or too slow."""
    headers = head_of(request.scope)
    if not is_json(headers.get("content-type")):
        raise EdgeError(415, "BAD_REQUEST", f"Send the request as Content-Type: {JSON}, in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        # A few bytes of it can be gigabytes of JSON.
        raise EdgeError(415, "BAD_REQUEST", "Send the body without Content-Encoding.")
    body = await read_body(
        request.receive,
        declared=headers.get("content-length"),
        bytes_max=settings.body_bytes_max,
        timeout_s=settings.body_timeout_s,
    )
    return parse_request(parse_json(body))


def parse_request(body: Any) -> GraphQLRequest:
    """The request in a JSON body. Raises EdgeError 400 when it is none."""
    if isinstance(body, list):
        raise _malformed("Send one operation a request, not a list.")
    if not isinstance(body, dict):
        raise _malformed("The body must be a JSON object with `query`.")
    document = body.get("query")
    if not isinstance(document, str) or not document.strip():
        raise _malformed("`query` must be a GraphQL document.")
    operation_name = body.get("operationName")
    if not (operation_name is None or isinstance(operation_name, str)):
        raise _malformed("`operationName` must be a string or null.")
    for name in ("variables", "extensions"):
        if not (body.get(name) is None or isinstance(body[name], dict)):
            raise _malformed(f"`{name}` must be an object or null.")
    return GraphQLRequest(document=document, operation_name=operation_name, variables=body.get("variables"))


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; raises ClientDisconnect, and cancels it, when the client leaves before.

    Whether it leaves is watched from WATCH_AFTER_S on: most work is done by then, and needs no task to watch it.
    """
    task = asyncio.current_task()
    assert task is not None, "requests are answered in tasks"
    watcher: asyncio.Task[None] | None = None
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        await _disconnected(receive)
        has_left = True
        task.cancel()

    def start() -> None:
        nonlocal watcher
        watcher = asyncio.ensure_future(watch())

    timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, start)
    try:
        return await work
    except asyncio.CancelledError:
        if not has_left or task.uncancel() > 0:
            raise
        raise ClientDisconnect from None
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _response(reply: OperationReply, media_type: str) -> Response:
    # Plain JSON says nothing by its status: clients of it look at the body alone, and some hide the body of a 400.
    status = 200
    headers = {}
    if media_type == GRAPHQL_JSON and reply.ending == "refused":
        status = 400
    if reply.ending == "expired":
        status, headers = 503, {"Retry-After": str(RETRY_AFTER_S)}
    return answered(reply.body, status=status, media_type=media_type, headers=headers)


def _malformed(message: str) -> EdgeError:
    return EdgeError(400, "BAD_REQUEST", message)
