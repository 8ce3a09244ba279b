"""uvicorn's HTTP protocol with bounds that no application can set: on heads, on bodies nobody reads, on slow readers.

Without them a client that sends half a head, trickles the body of a request that was refused, or never fetches its
answer holds a connection for ever, and a head that never ends fills the memory. Time spent in the application is not
bounded here; reading a body that is wanted is bounded in body.py.

Wishes to upgrade to anything but WebSockets where they are served are not followed, and the request is answered as if
there had been none: Java's HttpClient sends one for HTTP/2 with every first request.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NoReturn

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

ON_STOP = "scoville.on_stop"
"""Key of a request's scope: what to call when the server stops while it is answered. For answers that last."""

WEBSOCKETS_AT = b"/graphql"
"""The path that speaks WebSockets."""

HEAD_TIMEOUT_S = 10.0
"""Seconds from a connection's start, or a further request's first byte, to the end of its head."""

HEAD_BYTES_MAX = 65_536
"""Bytes of a head; the longest that browsers send are a quarter of it."""

HEADERS_MAX = 100
"""Header lines of a head."""

REST_TIMEOUT_S = 10.0
"""Seconds that the rest of a body may take when its request was answered without it."""

REST_BYTES_MAX = 67_108_864
"""Bytes that are read and dropped after the last answer of a connection; some times the largest body that is taken."""

FETCH_TIMEOUT_S = 30.0
"""Seconds in which a client must fetch some part of an answer that is waiting for it."""


def _is_told(record: logging.LogRecord) -> bool:
    # That a request is cut off when the server stops is no failure of its application, and uvicorn counts those. A
    # cancellation that somebody else met is one.
    if not record.exc_info or not isinstance(record.exc_info[1], asyncio.CancelledError):
        return True
    task = asyncio.current_task()
    return task is None or not task.cancelling()


connection_warnings = logging.getLogger("uvicorn.error.connections")
"""What uvicorn tells of connections. Below a warning it tells what our own lines do, with the query string in it."""
connection_warnings.setLevel(logging.WARNING)
connection_warnings.addFilter(_is_told)


class HeadRefused(Exception):
    """A head that is not answered by the application, and how it is."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _Together:
    """Where an answer is written to: its head waits for what comes next, so that a short answer is one write."""

    __slots__ = ("_end", "_has_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport, end: Callable[[], None]) -> None:
        self._transport = transport
        self._end = end
        self._head: bytes | None = None
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """Write the data, unless it is the first: that is written with the next, or at this turn's end."""
        if not self._has_begun:
            self._has_begun = True
            self._head = data
            asyncio.get_running_loop().call_soon(self.flush)
        elif self._head is None:
            self._transport.write(data)
        else:
            head, self._head = self._head, None
            self._transport.writelines((head, data))

    def flush(self) -> None:
        """Write what waits."""
        head, self._head = self._head, None
        if head is not None and not self._transport.is_closing():
            self._transport.write(head)

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()

    def close(self) -> None:
        """End the connection when all is written."""
        self.flush()
        self._end()


class BoundedProtocol(HttpToolsProtocol):
    """One connection, closed when its client is too slow or sends too much."""

    _deadline: asyncio.TimerHandle | None = None
    _fetching: asyncio.TimerHandle | None = None
    _unfetched = 0
    _is_in_head = True
    _is_in_body = False
    _head_bytes = 0
    """Bytes that arrived since the head began."""
    _line_bytes = 0
    """Bytes of the head's lines that are complete."""
    _refused: HeadRefused | None = None
    _is_upgrade = False
    _is_ending = False
    """Whether the last answer was written, and what else comes is dropped."""
    _is_stopping = False
    """Whether the server stops, and hears nobody out."""
    _rest_bytes = 0
    """Bytes that were dropped."""
    _running: RequestResponseCycle | None = None
    """The request that is answered, or was last; uvicorn knows the one that came last, which may wait behind it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.logger = connection_warnings

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._start_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        if self._fetching is not None:
            self._fetching.cancel()
            self._fetching = None
        super().connection_lost(exc)
        if self._running is not None:
            self._running.disconnected = not self._running.response_complete
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Read on, as long as the head is not too large."""
        if self._is_ending:
            self._rest_bytes += len(data)
            if self._rest_bytes > REST_BYTES_MAX:
                self.transport.close()
            return
        if self.timeout_keep_alive_task is not None and not self._is_in_body:
            # The client was idle. Empty lines before a request begin none for the parser, and count here.
            self._start_head()
        if self._is_in_head:
            self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        if self._is_in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._hang_up()

    def on_message_begin(self) -> None:
        """A request starts."""
        self._unset_keepalive_if_required()
        self._start_head()
        self._is_upgrade = False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The target, or a part of it."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        hosts = len([None for name, _ in self.headers if name == b"host"])
        if hosts != 1 and (hosts or self.parser.get_http_version() > "1.0"):
            self._refuse(HTTPStatus.BAD_REQUEST, "A request names its Host, once.")
        if self.parser.should_upgrade():
            self._is_upgrade = True
            return
        self._is_in_head, self._is_in_body = False, True
        self._stop_waiting()
        super().on_headers_complete()
        self.cycle.transport = _Together(self.transport, self._end)  # type: ignore[assignment]  # what answers use of it

    def on_message_complete(self) -> None:
        """The body is there."""
        if self._is_upgrade:
            return
        self._is_in_body = False
        self._stop_waiting()
        super().on_message_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            # It was answered before: idle from now on, which uvicorn counts from the answer only.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """An answer was given to the transport."""
        super().on_response_complete()
        if self._is_ending:
            self._unset_keepalive_if_required()
        elif self._is_in_body and self.cycle.response_complete:
            self._wait(REST_TIMEOUT_S)
        self._watch_fetching()

    def pause_writing(self) -> None:
        """Much is waiting to be fetched."""
        super().pause_writing()
        self._watch_fetching()

    def resume_writing(self) -> None:
        """Most of it was."""
        super().resume_writing()
        self._unfetched = 0

    def shutdown(self) -> None:
        """The server stops: answers that last are told to end, and clients that are answered are not heard out."""
        self._is_stopping = True
        if self._is_ending:
            self.transport.close()
            return
        super().shutdown()
        if self._running is not None and not self._running.response_complete:
            scope: dict[str, Any] = dict(self._running.scope)
            scope.get(ON_STOP, lambda: None)()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the shape of all refusals, and close."""
        if self._is_answering():
            # It would be taken for the answer that is under way: that has nowhere to go any more.
            self.transport.close()
            return
        refused = self._refused or HeadRefused(HTTPStatus.BAD_REQUEST, "This is no HTTP request.")
        status = refused.status
        error = {"message": refused.message, "extensions": {"code": "BAD_REQUEST"}}
        body = orjson.dumps({"errors": [error]})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._linger()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _end(self) -> None:
        """Close after the last answer, at once where the client is known to have sent all there is."""
        if (self._is_in_body or self.flow.read_paused) and not self._is_stopping:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Say that nothing more comes, and close when the client does, or has sent on for long enough.

        Were the connection closed while its client sends, the client would see it reset, and never the answer.
        """
        if self._is_ending or self.transport.is_closing():
            return
        self._is_ending = True
        self.pipeline.clear()
        self._stop_waiting()
        # Not cut off: of a large answer, something may still wait to be fetched.
        self._deadline = self.loop.call_later(REST_TIMEOUT_S, self.transport.close)
        self.flow.resume_reading()
        with suppress(OSError):
            # It may be gone, which is found out by reading.
            self.transport.write_eof()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._is_for_websockets():
                self._stop_waiting()
                self._is_in_head = False
                self.scope["method"] = "GET"
                self.handle_websocket_upgrade()
                rest = data[upgrade.args[0] :]
                if rest:
                    self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]  # it takes bytes
                return
            # The parser takes what follows for another protocol, also a body: it is given the request without the wish.
            method = self.parser.get_method()
            if method == b"CONNECT":
                raise httptools.HttpParserInvalidMethodError from upgrade
            kept = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
            version = self.parser.get_http_version().encode()
            head = b"\r\n".join([method + b" " + self.url + b" HTTP/" + version, *kept, b"", b""])
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[upgrade.args[0] :])

    def _is_for_websockets(self) -> bool:
        # Not behind another request on the same connection, whose answer is still under way.
        return (
            self._should_upgrade()
            and self.parser.get_method() == b"GET"
            and self.url.partition(b"?")[0] == WEBSOCKETS_AT
            and not self._is_answering()
        )

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _start_head(self) -> None:
        self._is_in_head = True
        self._head_bytes = self._line_bytes = 0
        if self._deadline is None:
            self._wait(HEAD_TIMEOUT_S)

    def _count(self, line_bytes: int) -> None:
        self._line_bytes += line_bytes
        if len(self.headers) > HEADERS_MAX or self._line_bytes > HEAD_BYTES_MAX:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The head has more than {HEADERS_MAX} lines or {HEAD_BYTES_MAX} bytes.",
            )

    def _refuse(self, status: HTTPStatus, message: str) -> NoReturn:
        # The parser raises an error of its own in its place.
        self._refused = HeadRefused(status, message)
        raise self._refused

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch_fetching(self) -> None:
        if self._fetching is None and self.transport.get_write_buffer_size() > 0:
            self._unfetched = self.transport.get_write_buffer_size()
            self._fetching = self.loop.call_later(FETCH_TIMEOUT_S, self._look_at_fetching)

    def _look_at_fetching(self) -> None:
        """Hang up on a client that fetched nothing since the last look."""
        self._fetching = None
        if self.transport.get_write_buffer_size() == self._unfetched > 0:
            self._hang_up()
        else:
            self._watch_fetching()

    def _hang_up(self) -> None:
        if self._is_in_head and self.flow.read_paused:
            # We are the ones who do not read: the head of a request that was sent before the last one's answer.
            self._wait(HEAD_TIMEOUT_S)
            return
        # Not closed, which would first wait for the client to fetch what is buffered.
        self.transport.abort()
