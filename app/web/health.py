"""What machines ask about the process: is it up, can it serve, what has it done. Nothing of any tenant is shown."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from app.db.readiness import is_migrated
from app.errors import OutsideError
from app.observability import metrics
from app.runtime import Runtime
from app.web.responses import json_reply

READY_TIMEOUT_S = 2.0
"""Seconds that /readyz waits for the database: below the patience of what asks it."""


async def healthz(_: Request) -> Response:
    """200 while the process answers at all."""
    return json_reply({"status": "ok"})


async def exposed_metrics(_: Request) -> Response:
    """The metrics, in Prometheus' text form."""
    return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})


class Readiness:
    """GET /readyz: 200 when requests can be served. Without Redis they can, only slower: degraded."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, _: Request) -> Response:
        """The state of each server that is needed or used."""
        postgres, redis = await asyncio.gather(self._postgres(), self._redis())
        status = "unavailable" if postgres != "ok" else "degraded" if redis == "unreachable" else "ok"
        return json_reply(
            {"status": status, "postgres": postgres, "redis": redis}, status=503 if status == "unavailable" else 200
        )

    async def _postgres(self) -> str:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                return "ok" if await is_migrated(self._runtime.db) else "not migrated"
        except (OutsideError, TimeoutError):
            return "unreachable"

    async def _redis(self) -> str:
        settings = self._runtime.settings
        if settings.redis_url is None or not settings.redis_enabled:
            return "off"
        return "unreachable" if await self._runtime.key_epochs.current() is None else "ok"
