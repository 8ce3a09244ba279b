"""HTTP servers on loopback that stand for payout providers: real sockets, so that replies can be lost as they are lost.

A test says how the next calls that pay go wrong (`server.next`), and looks at what was paid (`server.paid`).
"""

import socket
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson


class Way(Enum):
    """How a call that pays goes.

    LOST_BEFORE, LOST_AFTER: the connection ends without a reply, before or after the call was done. BROKEN_*: the reply
    is an error of the server. BUSY: too many calls. Anything else is as usual.
    """

    USUAL = "usual"
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    BROKEN_BEFORE = "broken before"
    BROKEN_AFTER = "broken after"
    BUSY = "busy"


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    def json(self) -> Any:
        """The JSON value."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is replied."""

    status: int
    body: Any

    def encoded(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


class Lost(Exception):
    """The connection ends without a reply."""


@dataclass
class FakeServer(ABC):
    """A provider's server. paid: how often an item was paid, which must never be more than once.

    on_arrival, on_paid, on_replied: called at these points of calls that pay; a true answer on arrival loses the call.
    """

    next: deque[Way] = field(default_factory=deque)
    delay_s: float = 0.0
    paid: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    on_arrival: Callable[[], object] | None = None
    on_paid: Callable[[], object] | None = None
    on_replied: Callable[[], object] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

            def _handle(self) -> None:
                parts = urlsplit(self.path)
                call = Call(
                    self.command,
                    parts.path,
                    {name: values[0] for name, values in parse_qs(parts.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(int(self.headers.get("content-length") or 0)),
                )
                try:
                    answer = fake._answered(call)
                except Lost:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                body = answer.encoded()
                self.send_response(answer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                    self.wfile.flush()
                except OSError:
                    return
                if fake.is_paying(call) and fake.on_replied is not None:
                    fake.on_replied()

            do_GET = do_POST = _handle

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @abstractmethod
    def is_paying(self, call: Call) -> bool:
        """Whether the call pays somebody."""

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """What the provider does and replies."""

    @abstractmethod
    def account(self) -> dict[str, str]:
        """The account for the settings."""

    def broken(self) -> Answer:
        """The provider's reply when something broke."""
        return Answer(500, {"error": {"type": "api_error", "message": "Something broke."}})

    def broken_before(self, call: Call) -> Answer:
        """The provider's reply when something broke before the call was done."""
        return self.broken()

    def broken_after(self, call: Call) -> Answer:
        """The provider's reply when something broke after the call was done."""
        return self.broken()

    def busy(self) -> Answer:
        """The provider's reply to too many calls."""
        return Answer(429, {"error": {"type": "rate_limit_error", "message": "Too many."}})

    def _answered(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            is_paying = self.is_paying(call)
            way = self.next.popleft() if is_paying and self.next else Way.USUAL
        if is_paying and self.on_arrival is not None and self.on_arrival():
            raise Lost
        if is_paying and self.delay_s:
            time.sleep(self.delay_s)
        if way is Way.LOST_BEFORE:
            raise Lost
        if way is Way.BROKEN_BEFORE:
            return self.broken_before(call)
        if way is Way.BUSY:
            return self.busy()
        with self.lock:
            answer = self.answer(call)
        if is_paying and self.on_paid is not None:
            self.on_paid()
        if way is Way.LOST_AFTER:
            raise Lost
        return self.broken_after(call) if way is Way.BROKEN_AFTER else answer
