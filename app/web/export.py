"""Tables as files over HTTP: POST a document as to /graphql, get its one table as CSV, Parquet or an Arrow stream.

A file is sent while it is read, however long it is, and is bounded in time and in number. What is wrong before the
first byte is an error in JSON with its code. What fails later breaks the connection off, in the middle of a chunked
answer: a client never takes a part for the whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.context import Ctx
from app.core.context import Scope as Needed
from app.core.ids import new_id
from app.errors import OutsideError
from app.exports.columns import FileColumn, Notes, Values, Writer
from app.exports.formats import FORMATS, Format
from app.observability import metrics
from app.observability.logs import describe
from app.settings import Settings
from app.web.errors import EdgeError, unavailable
from app.web.graphql import read_request
from app.web.head import head_of
from app.web.live import KeyWatch, revoked
from app.web.negotiation import HEADERS_KEPT_MAX, choose, parse_accept
from app.web.observation import observation_of
from app.web.responses import json_reply
from app.web.routes import Caller, CallerEndpoint

log = structlog.get_logger(__name__)

ROUTE = "/export"

RETRY_AFTER_S = 5
"""Seconds after which a client may come again that found no place."""

MEDIA_TYPES = tuple(each.media_type for each in FORMATS)

KeyEndpoint = Callable[[Request, Ctx], Awaitable[Response]]


class RenderedErrors(Protocol):
    """Errors as they go out: see graphql_schema/errors.py."""

    @property
    def errors(self) -> list[dict[str, Any]]: ...
    @property
    def omitted(self) -> int: ...
    @property
    def codes(self) -> tuple[str, ...]: ...


class AskedTable(Protocol):
    """A table that a document asks. name: of its file."""

    @property
    def name(self) -> str: ...


class OpenedTable(Protocol):
    """A table that is being read: see graphql_schema/exports.py. told: headers about it. values: rows by column."""

    @property
    def columns(self) -> tuple[FileColumn, ...]: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def told(self) -> Mapping[str, str]: ...
    @property
    def values(self) -> AsyncIterator[tuple[int, Values]]: ...


class Tables(Protocol):
    """Reads the tables that documents ask."""

    def asked(self, document: str, operation_name: str | None, variables: Mapping[str, Any] | None) -> Any:
        """The table of a document. Raises what `render` renders."""
        ...

    def open(self, ctx: Ctx, ask: Any, *, timeout_s: float) -> AbstractAsyncContextManager[OpenedTable]:
        """The table, to be read in this context. Raises what `render` renders."""
        ...

    def render(self, error: BaseException) -> RenderedErrors | None:
        """A caller's mistake as errors of GraphQL; None for anything else."""
        ...


class Ending(StrEnum):
    """How an export ended."""

    FINISHED = "finished"
    REFUSED = "refused"
    LEFT = "left"
    EXPIRED = "expired"
    REVOKED = "revoked"
    STOPPED = "stopped"
    FAILED = "failed"


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def wants_file(accept: str | None) -> bool:
    """Whether a client of /graphql asks for a file: it names a format itself, and prefers none of JSON to it."""
    named = {each.kind: each.quality for each in parse_accept(accept or "")}
    best = max((named.get(each, 0.0) for each in MEDIA_TYPES), default=0.0)
    return best > 0 and best >= max((each.quality for each in parse_accept(accept or "")), default=0.0)


class FileOr:
    """POST /graphql: a file for those who name its format, else what it is without."""

    def __init__(self, export: "ExportEndpoint", otherwise: CallerEndpoint) -> None:
        self._export = export
        self._otherwise = otherwise

    def __call__(self, request: Request, caller: Caller) -> Awaitable[Response]:
        """The answer of one of both."""
        if wants_file(head_of(request.scope).get("accept")):
            return self._file(request, caller)
        return self._otherwise(request, caller)

    async def _file(self, request: Request, caller: Caller) -> Response:
        return await self._export(request, await caller.ctx())


class ExportEndpoint:
    """POST /export."""

    def __init__(self, tables: Tables, keys: KeyWatch, settings: Settings) -> None:
        self.tables = tables
        self.keys = keys
        self.settings = settings
        self._taken = 0

    async def __call__(self, request: Request, ctx: Ctx) -> Response:
        """The file, in the format that the client prefers."""
        observation_of(request.scope).route = ROUTE
        ctx.require(Needed.ANALYTICS_READ)
        format = _format(request.headers.get("accept"))
        asked = await read_request(request, self.settings)
        try:
            ask = self.tables.asked(asked.document, asked.operation_name, asked.variables)
        except Exception as error:
            refused = self.refusal(request.scope, format, error)
            if refused is None:
                raise
            return refused
        return _File(self, ctx, request.headers["authorization"], format, ask)

    def refusal(self, scope: Scope, format: Format, error: BaseException) -> Response | None:
        """The answer to a caller's mistake; None for what is none."""
        rendered = self.tables.render(error)
        if rendered is None:
            return None
        for code in rendered.codes:
            metrics.graphql_errors.labels(code=code).inc()
        metrics.exports.labels(format=format.name, ending=Ending.REFUSED).inc()
        observation_of(scope).fields |= {"ending": Ending.REFUSED.value, "codes": list(rendered.codes)}
        payload: dict[str, Any] = {"errors": rendered.errors}
        if rendered.omitted:
            payload["extensions"] = {"errorsOmitted": rendered.omitted}
        return json_reply(payload, status=400)

    @contextmanager
    def place(self, format: Format) -> Iterator[None]:
        """A place for one export: each holds a connection to the database. Raises EdgeError 429 when there is none."""
        if self._taken >= self.settings.exports_max:
            metrics.exports.labels(format=format.name, ending=Ending.REFUSED).inc()
            raise EdgeError(
                429,
                "TOO_MANY_EXPORTS",
                f"This process writes {self._taken} files already, and no more at once. Come again in a while.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._taken += 1
        metrics.exports_in_progress.inc()
        try:
            yield
        finally:
            self._taken -= 1
            metrics.exports_in_progress.dec()


def _format(accept: str | None) -> Format:
    available = {each.media_type: each for each in FORMATS if each.is_available}
    chosen = choose(accept, tuple(available))
    if chosen is not None:
        return available[chosen]
    if choose(accept, MEDIA_TYPES) is not None:
        message = "This server writes no Parquet and no Arrow: it has no pyarrow. Accept text/csv, or install it with: "
        raise EdgeError(501, "NOT_SUPPORTED", f"{message}pip install 'scoville[export]'")
    raise EdgeError(406, "BAD_REQUEST", f"A file can be {', '.join(MEDIA_TYPES)}; Accept takes none of them.")


@dataclass(slots=True)
class _Sent:
    """What went out of a file."""

    rows: int = 0
    bytes: int = 0
    is_started: bool = False


class _File(Response):
    """The response that is written while its table is read."""

    def __init__(self, endpoint: ExportEndpoint, ctx: Ctx, header: str, format: Format, ask: AskedTable) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._ctx = ctx
        self._header = header
        self._format = format
        self._ask = ask
        self._sent = _Sent()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file until it is whole, its client leaves, or it must end."""
        endpoint = self._endpoint
        with endpoint.place(self._format):
            started_s = time.perf_counter()
            sending = asyncio.ensure_future(self._send_in_time(send))
            leaving = asyncio.ensure_future(_left(receive))
            ending = Ending.FAILED
            why: list[Ending] = []

            def revoke() -> None:
                why.append(Ending.REVOKED)
                sending.cancel()

            try:
                with endpoint.keys.watching(self._header, self._ctx.principal, revoke):
                    await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                if why and sending.cancelled():
                    ending = why[0]
                    if not self._sent.is_started:
                        raise revoked()
                elif sending.done():
                    if isinstance(sending.exception(), TimeoutError):
                        ending = Ending.EXPIRED
                    ending = await self._ended(sending, scope, receive, send)
                else:
                    ending = Ending.LEFT
            except asyncio.CancelledError:
                # The server stops, and waits no longer.
                ending = Ending.STOPPED
                raise
            finally:
                for task in (sending, leaving):
                    task.cancel()
                # Both have ended before the request does: nothing of it runs on unseen.
                await asyncio.gather(sending, leaving, return_exceptions=True)
                self._tell(scope, ending, time.perf_counter() - started_s)

    async def _ended(self, sending: "asyncio.Future[None]", scope: Scope, receive: Receive, send: Send) -> Ending:
        error = sending.exception()
        if error is None:
            return Ending.FINISHED
        if isinstance(error, TimeoutError):
            if self._sent.is_started:
                return Ending.EXPIRED
            limit = self._endpoint.settings.export_timeout_s
            raise unavailable(f"The export took longer than {limit:g} s. Ask for less at once.") from error
        if not self._sent.is_started:
            refused = self._endpoint.refusal(scope, self._format, error)
            if refused is None:
                raise error
            await refused(scope, receive, send)
            return Ending.REFUSED
        # The head is out: all that is left to say is that the file is not whole. The server breaks off an answer that
        # its application leaves unfinished.
        if isinstance(error, OutsideError):
            log.warning("outside_failure", **describe(error))
        else:
            log.error("internal_error", error_id=str(new_id()), **describe(error))
        return Ending.FAILED

    async def _send_in_time(self, send: Send) -> None:
        async with asyncio.timeout(self._endpoint.settings.export_timeout_s):
            await self._send_all(send)

    async def _send_all(self, send: Send) -> None:
        endpoint = self._endpoint
        timeout_s = endpoint.settings.export_timeout_s
        async with (
            endpoint.tables.open(self._ctx, self._ask, timeout_s=timeout_s) as table,
            aclosing(table.values) as values,  # type: ignore[type-var]  # it is a generator
        ):
            # Not before there are rows: what is refused is refused by its status.
            first = await anext(values, None)
            second = None if first is None else await anext(values, None)
            told = dict(table.told)
            if second is None:
                told["Scoville-Rows"] = str(0 if first is None else first[0])
            writer = self._format.writer(table.columns, table.notes)
            await self._start(send, told)
            await self._write(send, writer.start())
            for found in (first, second):
                if found is not None:
                    await self._rows(send, writer, *found)
            async for rows, chunk in values:
                await self._rows(send, writer, rows, chunk)
            await self._write(send, await asyncio.to_thread(writer.end))
        # Not before the table was read to its end, and its transaction with it.
        await send({"type": "http.response.body", "body": b""})

    async def _rows(self, send: Send, writer: Writer, rows: int, values: Values) -> None:
        # In a thread: others are answered meanwhile.
        await self._write(send, await asyncio.to_thread(writer.rows, values))
        self._sent.rows += rows

    async def _start(self, send: Send, told: Mapping[str, str]) -> None:
        day = f"{self._ctx.now:%Y-%m-%d}"
        parameter = "; charset=utf-8; header=present" if self._format.media_type == "text/csv" else ""
        headers = {
            "Content-Type": f"{self._format.media_type}{parameter}",
            # Names of operations and fields are letters, digits and underscores.
            "Content-Disposition": f'attachment; filename="{self._ask.name}-{day}.{self._format.ending}"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
            # nginx would hold the file back, and write it to its disk.
            "X-Accel-Buffering": "no",
            **told,
        }
        self._sent.is_started = True
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})

    async def _write(self, send: Send, piece: bytes) -> None:
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self._sent.bytes += len(piece)

    def _tell(self, scope: Scope, ending: Ending, duration_s: float) -> None:
        sent, format = self._sent, self._format.name
        if ending is not Ending.REFUSED:
            metrics.exports.labels(format=format, ending=ending).inc()
        metrics.export_rows.labels(format=format).inc(sent.rows)
        metrics.export_bytes.labels(format=format).inc(sent.bytes)
        metrics.export_duration.labels(format=format).observe(duration_s)
        observation_of(scope).fields |= {
            "format": format,
            "ending": ending.value,
            "rows": sent.rows,
            "bytes": sent.bytes,
        }


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
