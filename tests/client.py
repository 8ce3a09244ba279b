"""A client of the HTTP API that calls the application in the same process, over ASGI."""

from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Any, Literal, Self

import httpx
import orjson
from starlette.types import ASGIApp


class _Own(Enum):
    KEY = "the client's own key"


OWN_KEY = _Own.KEY
Key = str | None | Literal[_Own.KEY]


class Client:
    """Speaks GraphQL over HTTP. key: sent unless a call names another; None sends none."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://scoville.test")
        self.key = key

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.http.aclose()

    async def post(self, body: Any, *, key: Key = OWN_KEY, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The response to a POST of the body: bytes as they are, anything else as JSON."""
        sent = self.key if key is OWN_KEY else key
        return await self.http.post(
            "/graphql",
            content=body if isinstance(body, bytes) else orjson.dumps(body),
            headers={
                "content-type": "application/json",
                **({} if sent is None else {"authorization": f"Bearer {sent}"}),
                **(headers or {}),
            },
        )

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        key: Key = OWN_KEY,
        operation_name: str | None = None,
    ) -> dict[str, Any]:
        """The whole answer: data, errors, extensions."""
        body = {"query": document, "variables": dict(variables or {}), "operationName": operation_name}
        response = await self.post(body, key=key)
        payload: dict[str, Any] = orjson.loads(response.content)
        return payload

    async def data(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The answer's data; an answer with errors fails the test."""
        payload = await self.query(document, variables, **more)
        assert "errors" not in payload, payload["errors"]
        data: dict[str, Any] = payload["data"]
        return data

    async def error_codes(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> list[str]:
        """The codes of the answer's errors, in order; an answer without any fails the test."""
        payload = await self.query(document, variables, **more)
        return [error["extensions"]["code"] for error in payload["errors"]]
