"""What providers spoken to over plain HTTP share: a client whose failures are outcomes, not exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status 0: nothing came, or not in time; the call may have arrived all the same."""

    status: int
    body: bytes = b""

    @property
    def is_ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows what came of the call."""
        return self.status == 0 or self.status >= 500

    def json(self) -> dict[str, Any]:
        """The body's object; empty for anything else."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}


class Http:
    """A client of one provider."""

    def __init__(self, *, timeout_s: float) -> None:
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        """The reply, or none."""
        try:
            response = await self._client.request(method, url, headers=dict(headers), content=body, auth=auth)
        except httpx.HTTPError:
            return Reply(0)
        return Reply(response.status_code, response.content)

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()
