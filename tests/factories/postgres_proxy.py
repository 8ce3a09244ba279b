"""Stands before Postgres, to cut it off or let it hang, without touching the server that other tests use."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit, urlunsplit


class PostgresProxy:
    """A proxy on a port of its own. url: of the same database through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        self._host = options["host"][0] if "host" in options else parts.hostname or "127.0.0.1"
        self._port = int(options["port"][0]) if "port" in options else parts.port or 5432
        self._parts = parts
        self._server: asyncio.Server | None = None
        self._port_own = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def url(self) -> str:
        """Of the database, through the proxy."""
        credentials = self._parts.netloc.rpartition("@")[0]
        netloc = f"{credentials}@" if credentials else ""
        return urlunsplit(self._parts._replace(netloc=f"{netloc}127.0.0.1:{self._port_own}", query=""))

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in set(self._writers):
            writer.transport.abort()
        self._flows.set()

    async def mend(self) -> None:
        """Let connections through, at the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port_own)
        self._port_own = self._server.sockets[0].getsockname()[1]

    def freeze(self) -> None:
        """Accept everything, and pass nothing on."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what was held back."""
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            up_reader, up_writer = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            up_reader, up_writer = await asyncio.open_connection(self._host, self._port)
        for source, sink in ((reader, up_writer), (up_reader, writer)):
            self._writers.add(sink)
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        self._writers.discard(sink)
        sink.close()
