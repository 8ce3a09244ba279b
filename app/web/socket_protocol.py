"""uvicorn's WebSocket protocol with a bound on slow readers, and without errors of ours where its client made them."""

import asyncio
from contextlib import suppress
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from app.web import protocol

INVALID_TEXT = 1007
"""Code of a close for a text that is not UTF-8."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket connection, cut off when its client fetches nothing."""

    _fetching: asyncio.TimerHandle | None = None
    _unfetched = 0
    _has_head = False
    _early = b""
    """What came behind the head, before the connection was accepted: nothing can be answered before."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.logger = protocol.connection_warnings

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._fetching is not None:
            self._fetching.cancel()
            self._fetching = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read the head, and what follows once the connection is accepted."""
        if self.handshake_complete or not self._has_head:
            self._has_head = True
            super().data_received(data)
            return
        self._early += data
        if len(self._early) > protocol.HEAD_BYTES_MAX:
            self.transport.abort()

    async def send(self, message: Any) -> None:
        """Send, unless the connection ends already, from whichever side: to uvicorn that is a mistake of ours."""
        await self.writable.wait()
        if self.handshake_complete and (self.close_sent or self.transport.is_closing()):
            raise ClientDisconnected
        await super().send(message)
        if self._early and self.handshake_complete:
            early, self._early = self._early, b""
            super().data_received(early)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. A text that is none ends the connection, which uvicorn would log as an error."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                with suppress(InvalidState):
                    # Unless its client said goodbye behind it, and was answered.
                    self.conn.send_close(INVALID_TEXT)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def pause_writing(self) -> None:
        """Much is waiting to be fetched."""
        super().pause_writing()
        self._watch_fetching()

    def shutdown(self) -> None:
        """The server stops."""
        super().shutdown()
        self._watch_fetching()

    def keepalive_timeout(self) -> None:
        """The client gave no sign of life."""
        super().keepalive_timeout()
        # Not closed, which would first wait for the client to fetch what is buffered.
        self.transport.abort()

    def _watch_fetching(self) -> None:
        if self._fetching is None and self.transport.get_write_buffer_size() > 0:
            self._unfetched = self.transport.get_write_buffer_size()
            self._fetching = self.loop.call_later(protocol.FETCH_TIMEOUT_S, self._look_at_fetching)

    def _look_at_fetching(self) -> None:
        """Hang up on a client that fetched nothing since the last look."""
        self._fetching = None
        if self.transport.get_write_buffer_size() >= self._unfetched > 0:
            self.transport.abort()
        else:
            self._watch_fetching()
