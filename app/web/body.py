"""Reading a request's body: counted while it arrives, and not waited for without end."""

from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from app.core.deadline import Deadline
from app.web.errors import EdgeError


async def read_body(receive: Receive, *, declared: str | None, bytes_max: int, timeout_s: float) -> bytes:
    """The whole body. declared: its Content-Length, if it has one.

    Raises EdgeError 413 as soon as it is too long and 408 when it takes too long; ClientDisconnect when nobody waits.
    """
    if declared is not None and declared.isdigit() and len(declared) < 20 and int(declared) > bytes_max:
        raise _too_large(bytes_max)
    chunks: list[bytes] = []
    length = 0
    try:
        with Deadline(timeout_s):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk = message.get("body", b"")
                length += len(chunk)
                if length > bytes_max:
                    raise _too_large(bytes_max)
                chunks.append(chunk)
                more = message.get("more_body", False)
    except TimeoutError:
        raise EdgeError(
            408,
            "BAD_REQUEST",
            f"The body did not arrive within {timeout_s:g} s.",
            headers={"Connection": "close"},
        ) from None
    return b"".join(chunks)


def parse_json(body: bytes) -> Any:
    """The body's JSON value. Raises EdgeError 400 for anything that is not JSON in UTF-8.

    orjson reads no NaN, refuses deep nesting and broken UTF-8 with the same exception, and has no limit on digits that
    would surprise: what fits no 64 bits becomes a float, which every integer of the API refuses.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Of what is JSON, the reader refuses these two.
        if "infinity" in error.msg:
            message = "The body holds a number that is larger than any that can be kept. Send amounts as strings."
        elif "depth limit" in error.msg:
            message = "The body is nested too deeply."
        else:
            message = "The body is not JSON in UTF-8."
        raise EdgeError(400, "BAD_REQUEST", message) from None


def _too_large(bytes_max: int) -> EdgeError:
    # Nothing is said of closing: what a client still sends is read and dropped, and its connection serves on.
    return EdgeError(413, "PAYLOAD_TOO_LARGE", f"The body has more than {bytes_max} bytes. Send smaller batches.")
