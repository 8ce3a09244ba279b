"""GraphQL over WebSockets: the protocol graphql-transport-ws, of the library graphql-ws, and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The key comes in the payload of `connection_init` as
{"authorization": "Bearer sk_…"}, for browsers cannot send headers here, or in the Authorization header of the request.
Queries and mutations are executed too. Strawberry's handler is not used: it executes by the schema's own way, which has
none of our limits, deadlines, shared answers and error codes.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected, WebSocketState

from app.core.context import Ctx, Principal
from app.core.ids import new_id
from app.db.session import statement_observers
from app.errors import DomainError, OutsideError
from app.observability import metrics
from app.observability.logs import describe
from app.runtime import Runtime
from app.web.auth import Authenticator
from app.web.errors import EdgeError
from app.web.graphql import Executes, GraphQLRequest, count_operation, parse_request
from app.web.live import Follows, KeyWatch, Places, revoked
from app.web.observation import request_id_of

PROTOCOL = "graphql-transport-ws"

ID_LENGTH_MAX = 256
"""Characters of an operation's id, which each of its messages repeats."""

REASON_BYTES_MAX = 123
"""Bytes of a close's reason: what fits its frame."""

INVALID, UNAUTHORIZED, FORBIDDEN, NO_PROTOCOL = 4400, 4401, 4403, 4406
SLOW_INIT, DUPLICATE, SECOND_INIT = 4408, 4409, 4429
INTERNAL, TRY_LATER = 1011, 1013

GONE = 1006
"""Told of a client that left without a word; never sent."""

OUR_CODES = (
    INVALID, UNAUTHORIZED, FORBIDDEN, NO_PROTOCOL, SLOW_INIT, DUPLICATE, SECOND_INIT, INTERNAL, TRY_LATER,
    1000, 1001, 1005, GONE, 1007, 1009, 1012,
)  # fmt: skip
"""Codes that are counted by their number."""

log = structlog.get_logger(__name__)


class _Close(Exception):
    """The connection ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")


class LiveEndpoint:
    """WebSockets at /graphql."""

    def __init__(
        self,
        runtime: Runtime,
        executor: Executes,
        live: Follows,
        authenticator: Authenticator,
        places: Places,
        keys: KeyWatch,
    ) -> None:
        self.runtime = runtime
        self.executor = executor
        self.live = live
        self.authenticator = authenticator
        self.places = places
        self.keys = keys

    async def __call__(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        connection = _Connection(self, websocket, request_id_of(websocket.scope))
        with structlog.contextvars.bound_contextvars(request_id=connection.request_id):
            await connection.serve()


@dataclass(slots=True, eq=False)
class _Connection:
    """One client. operations: those under way, by its ids for them; tasks: also those that say their last word."""

    endpoint: LiveEndpoint
    websocket: WebSocket
    request_id: str
    principal: Principal | None = None
    operations: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    why: _Close | None = None
    served: int = 0
    held: ExitStack = field(default_factory=ExitStack)

    async def serve(self) -> None:
        """Answer the client until one of both ends it."""
        started_s = time.perf_counter()
        code = INTERNAL
        try:
            with self.held:
                try:
                    await self._converse()
                finally:
                    await self._stop()
        except _Close as close:
            code = close.code
            await self._close(close)
        except WebSocketDisconnect as left:
            code = left.code
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it is logged, and masked
            log.error("internal_error", error_id=self.request_id, **describe(error))
            await self._close(_Close(INTERNAL, f"Internal error, logged under the id {self.request_id}."))
        finally:
            metrics.live_closes.labels(code=str(code) if code in OUR_CODES else "other").inc()
            who = self.principal
            log.info(
                "websocket_finished",
                code=code,
                duration_ms=round((time.perf_counter() - started_s) * 1000, 2),
                operations=self.served,
                **({} if who is None else {"tenant_id": str(who.tenant.id), "key_id": str(who.key_id)}),
            )

    async def _converse(self) -> None:
        offered = self.websocket.scope["subprotocols"]
        try:
            await self.websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
        except OSError:
            raise WebSocketDisconnect(GONE) from None
        if PROTOCOL not in offered:
            raise _Close(NO_PROTOCOL, "Subprotocol not acceptable")
        self._take_place(self.endpoint.places.one("websocket"))
        try:
            async with asyncio.timeout(self.endpoint.runtime.settings.live_init_timeout_s):
                while self.principal is None:
                    await self._handle_first(await self._message())
        except TimeoutError:
            raise _Close(SLOW_INIT, "Connection initialisation timeout") from None
        await self._serve_operations()

    async def _serve_operations(self) -> None:
        """Read messages until the connection ends, from whichever side."""
        ending = asyncio.ensure_future(self.ended.wait())
        try:
            while self.why is None:
                reading = asyncio.ensure_future(self._message())
                try:
                    await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
                    if reading.done():
                        await self._handle(reading.result())
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
            raise self.why
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    def end(self, why: _Close) -> None:
        """End the connection as soon as what is being read or sent is."""
        self.why = self.why or why
        self.ended.set()

    async def _message(self) -> dict[str, Any]:
        """The next message. Raises _Close for what is none, WebSocketDisconnect when there is no next."""
        event = await self.websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005), event.get("reason"))
        text = event.get("text")
        try:
            message = None if text is None else orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(INVALID, "A message must be a JSON object with a `type`, as text.")
        return message

    async def _handle_first(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._init(message.get("payload"))
            case "subscribe":
                raise _Close(UNAUTHORIZED, "Unauthorized")
            case _:
                await self._handle(message)

    async def _init(self, payload: Any) -> None:
        if not (payload is None or isinstance(payload, dict)):
            raise _Close(INVALID, "The payload of connection_init must be an object.")
        header = _authorization(payload or {}) or self.websocket.headers.get("authorization")
        try:
            principal = await self.endpoint.authenticator.authenticate(header)
        except EdgeError as error:
            raise _Close(FORBIDDEN, error.message) from None
        except OutsideError as error:
            raise _Close(TRY_LATER, error.message) from None
        assert header is not None, "nobody is known without one"
        self._take_place(self.endpoint.places.of_key(principal.key_id))
        self.held.enter_context(
            self.endpoint.keys.watching(header, principal, lambda: self.end(_Close(FORBIDDEN, revoked().message)))
        )
        self.principal = principal
        await self._send({"type": "connection_ack"})

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._pong(message)
            case "pong":
                return
            case "subscribe":
                self._subscribe(_id_of(message), message.get("payload"))
            case "complete":
                task = self.operations.pop(_id_of(message), None)
                if task is not None:
                    task.cancel()
            case "connection_init":
                raise _Close(SECOND_INIT, "Too many initialisation requests")
            case kind:
                raise _Close(INVALID, f"There is no message of type {kind[:40]!r}.")

    async def _pong(self, ping: Mapping[str, Any]) -> None:
        pong = {"type": "pong"} | ({"payload": ping["payload"]} if "payload" in ping else {})
        try:
            text = _json(pong)
        except orjson.JSONEncodeError:
            # JSON is read to a greater depth than it is written.
            raise _Close(INVALID, "The payload of the ping is nested too deeply.") from None
        await self._send_text(text)

    def _subscribe(self, id: str, payload: Any) -> None:
        if id in self.operations:
            raise _Close(DUPLICATE, f"Subscriber for {id} already exists")
        try:
            asked = parse_request(payload)
        except EdgeError as error:
            raise _Close(INVALID, error.message) from None
        limit = self.endpoint.runtime.settings.live_operations_max
        is_full = len(self.operations) >= limit
        if is_full:
            metrics.live_refusals.labels(limit="connection").inc()
        work = self._refuse(id, limit) if is_full else self._operate(id, asked)
        task = asyncio.create_task(work)
        self.operations[id] = task
        self.tasks.add(task)
        task.add_done_callback(lambda done: self._forget(id, done))
        self.served += 1

    def _forget(self, id: str, done: "asyncio.Task[None]") -> None:
        self.tasks.discard(done)
        if self.operations.get(id) is done:
            del self.operations[id]
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect):
            self.end(_Close(INTERNAL, "Internal error"))

    async def _refuse(self, id: str, limit: int) -> None:
        await self._send_errors(
            id,
            "TOO_MANY_SUBSCRIPTIONS",
            f"This connection has {limit} operations under way already, and no more.",
        )

    async def _operate(self, id: str, asked: GraphQLRequest) -> None:
        try:
            if self.endpoint.live.is_subscription(asked.document, asked.operation_name):
                await self._follow(id, asked)
            else:
                await self._execute(id, asked)
        except WebSocketDisconnect:
            return
        except DomainError as error:
            await self._send_errors(id, error.code, error.message)
        except OutsideError as error:
            log.warning("outside_failure", **describe(error))
            await self._send_errors(id, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it is logged, and masked
            error_id = str(new_id())
            log.error("internal_error", error_id=error_id, **describe(error))
            await self._send_errors(id, "INTERNAL_SERVER_ERROR", f"Internal error, logged under the id {error_id}.")

    async def _follow(self, id: str, asked: GraphQLRequest) -> None:
        updates = self.endpoint.live.follow(
            self._ctx(), document=asked.document, operation_name=asked.operation_name, variables=asked.variables
        )
        async with aclosing(updates):  # type: ignore[type-var]  # it is a generator
            async for update in updates:
                if update.errors is not None:
                    self._free(id)
                    await self._send_text(f'{{"id":{_json(id)},"type":"error","payload":{update.errors}}}')
                    return
                await self._send_text(f'{{"id":{_json(id)},"type":"next","payload":{update.body}}}')

    async def _execute(self, id: str, asked: GraphQLRequest) -> None:
        started_s = time.perf_counter()
        # Of the operation's own task, which ends with it.
        statement_observers.set((*statement_observers.get(), lambda _: metrics.statements.inc()))
        reply = await self.endpoint.executor.execute(
            self._ctx(), document=asked.document, operation_name=asked.operation_name, variables=asked.variables
        )
        count_operation(reply, time.perf_counter() - started_s)
        if reply.ending == "refused":
            self._free(id)
            await self._send({"id": id, "type": "error", "payload": reply.payload["errors"]})
            return
        await self._send({"id": id, "type": "next", "payload": reply.payload})
        self._free(id)
        await self._send({"id": id, "type": "complete"})

    async def _send_errors(self, id: str, code: str, message: str) -> None:
        self._free(id)
        await self._send({"id": id, "type": "error", "payload": [{"message": message, "extensions": {"code": code}}]})

    def _free(self, id: str) -> None:
        # Before the last message is sent: its reader may use the id again at once.
        if self.operations.get(id) is asyncio.current_task():
            del self.operations[id]

    def _ctx(self) -> Ctx:
        assert self.principal is not None, "operations come after the key"
        return Ctx(principal=self.principal, request_id=self.request_id, now=self.endpoint.runtime.clock.now())

    def _take_place(self, place: Any) -> None:
        try:
            self.held.enter_context(place)
        except EdgeError as error:
            raise _Close(TRY_LATER, error.message) from None

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(_json(message))

    async def _send_text(self, text: str) -> None:
        try:
            await self.websocket.send({"type": "websocket.send", "text": text})
        except WebSocketDisconnected:
            # Another operation was the first to find out that the client left.
            raise WebSocketDisconnect(GONE) from None

    async def _close(self, close: _Close) -> None:
        # There may be nobody left to be told.
        if self.websocket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect):
                await self.websocket.close(close.code, close.reason)

    async def _stop(self) -> None:
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _authorization(payload: Mapping[str, Any]) -> str | None:
    """The Authorization header in a payload, under this name in any case, or among `headers`."""
    for holder in (payload, payload.get("headers")):
        if isinstance(holder, dict):
            for name, value in holder.items():
                if name.lower() == "authorization" and isinstance(value, str):
                    return value
    return None


def _id_of(message: Mapping[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= ID_LENGTH_MAX:
        raise _Close(INVALID, f"`id` must be a text of 1 to {ID_LENGTH_MAX} characters.")
    return found


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
