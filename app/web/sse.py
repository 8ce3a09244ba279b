"""GraphQL over Server-Sent Events, in the mode of distinct connections: one POST, one operation, one stream.

The protocol is https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md: events `next`, each with
a response of GraphQL, and `complete` after the last. A stream that ends without `complete` was cut off, for the server
stops, and its client may come again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.context import Ctx
from app.errors import DomainError
from app.settings import Settings
from app.web.errors import RETRY_AFTER_S, EdgeError, unavailable
from app.web.live import Follows, KeyWatch, LiveUpdate, Places, revoked
from app.web.negotiation import HEADERS_KEPT_MAX, parse_accept
from app.web.observation import observation_of
from app.web.protocol import ON_STOP

EVENT_STREAM = "text/event-stream"

ROUTE = "/graphql (stream)"
"""Of a stream's log line and metrics: it lasts as long as its client likes."""

COMPLETE = b"event: complete\ndata:\n\n"

SIGN_OF_LIFE = b":\n\n"
"""A comment: keeps what stands in between from taking the connection for dead, and shows us when it is."""


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def takes_streams(accept: str | None) -> bool:
    """Whether a client names event streams among what it takes."""
    return any(range_.kind == EVENT_STREAM and range_.quality > 0 for range_ in parse_accept(accept or ""))


HEADERS = {
    "content-type": f"{EVENT_STREAM}; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    # nginx would hold events back.
    "x-accel-buffering": "no",
}


class Streams:
    """Makes responses that are streams."""

    def __init__(self, live: Follows, places: Places, keys: KeyWatch, settings: Settings) -> None:
        self.live = live
        self.places = places
        self.keys = keys
        self.settings = settings

    def is_wanted(self, accept: str | None, document: str, operation_name: str | None) -> bool:
        """Whether the client takes streams, and asks for a subscription."""
        return takes_streams(accept) and self.live.is_subscription(document, operation_name)

    def of(
        self,
        request: Request,
        ctx: Ctx,
        *,
        document: str,
        operation_name: str | None,
        variables: Mapping[str, Any] | None,
    ) -> Response:
        """The stream of a subscription's answers."""
        observation_of(request.scope).route = ROUTE
        header = request.headers["authorization"]
        updates = self.live.follow(ctx, document=document, operation_name=operation_name, variables=variables)
        return _Stream(self, ctx, header, updates)

    @staticmethod
    def single(payload: Mapping[str, Any]) -> Response:
        """One answer as a stream."""
        return Response(_next(orjson.dumps(payload).decode()) + COMPLETE, headers=HEADERS)


class _End(Enum):
    """Why a stream is ended by us."""

    KEY = "its key opens nothing any more"
    STOP = "the server stops"


class _Stream(Response):
    """The response that lasts."""

    def __init__(self, streams: Streams, ctx: Ctx, header: str, updates: AsyncIterator[LiveUpdate]) -> None:
        super().__init__(headers=HEADERS)
        # Of an answer whose length is known.
        del self.headers["content-length"]
        self._streams = streams
        self._ctx = ctx
        self._header = header
        self._updates = updates
        self._is_started = False
        self._writing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send answers until the client leaves, the last one is sent, or the stream is ended by us."""
        streams, principal = self._streams, self._ctx.principal
        why: list[_End] = []
        with streams.places.one("sse"), streams.places.of_key(principal.key_id):
            sending = asyncio.ensure_future(self._send_all(send))
            leaving = asyncio.ensure_future(_left(receive))

            def end(reason: _End) -> None:
                why.append(reason)
                sending.cancel()

            scope[ON_STOP] = lambda: end(_End.STOP)
            try:
                with streams.keys.watching(self._header, principal, lambda: end(_End.KEY)):
                    await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                if leaving.done():
                    return
                if why:
                    await self._break_off(why[0], send)
                else:
                    sending.result()
            finally:
                for task in (sending, leaving):
                    task.cancel()
                # Both have ended before the request does: nothing of it runs on unseen.
                await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        beating: asyncio.Task[None] | None = None
        try:
            async with aclosing(self._updates) as updates:  # type: ignore[type-var]  # it is a generator
                async for update in updates:
                    if beating is None:
                        # Not before: what is refused is refused by its status.
                        await self._start(send)
                        beating = asyncio.create_task(self._beat(send))
                    await self._write(send, _next(update.body) + (b"" if update.errors is None else COMPLETE))
        except DomainError as error:
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise EdgeError(429, error.code, error.message, headers=headers) from None
        finally:
            if beating is not None:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _break_off(self, why: _End, send: Send) -> None:
        if not self._is_started:
            raise revoked() if why is _End.KEY else unavailable("The server stops.")
        last = b""
        if why is _End.KEY:
            error = {"message": revoked().message, "extensions": {"code": "UNAUTHENTICATED"}}
            last = _next(orjson.dumps({"errors": [error]}).decode()) + COMPLETE
        await send({"type": "http.response.body", "body": last})

    async def _start(self, send: Send) -> None:
        self._is_started = True
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

    async def _write(self, send: Send, chunk: bytes) -> None:
        async with self._writing:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._streams.settings.live_ping_s)
            await self._write(send, SIGN_OF_LIFE)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _next(body: str) -> bytes:
    # JSON as we write it has no line breaks.
    return f"event: next\ndata: {body}\n\n".encode()
