"""Which media type an answer has, by the request's Accept, and whether its body is what we read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.web.responses import JSON

GRAPHQL_JSON = "application/graphql-response+json"
OFFERED = (JSON, GRAPHQL_JSON)
"""What a GraphQL answer can be. The first is taken when the client does not care."""

RANGES_MAX = 50
"""Media ranges of one Accept header that are looked at."""


HEADERS_KEPT_MAX = 256
"""Headers that were read and are remembered: clients send the same again and again."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One item of an Accept header. quality: 0 refuses."""

    kind: str
    quality: float

    def fits(self, media_type: str) -> bool:
        """Whether the media type lies in the range."""
        return self.kind in ("*/*", media_type, f"{media_type.partition('/')[0]}/*")


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def parse_accept(header: str) -> tuple[MediaRange, ...]:
    """The ranges of an Accept header, in its order. What cannot be read is left out."""
    ranges: list[MediaRange] = []
    for item in header.split(",")[:RANGES_MAX]:
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        if "/" not in kind:
            continue
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = _quality(value.strip())
        ranges.append(MediaRange(kind=kind, quality=quality))
    return tuple(ranges)


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def choose(header: str | None, offered: Sequence[str] = OFFERED) -> str | None:
    """The media type to answer with, or None when the client takes none of those offered.

    The highest quality wins; then what the client named itself, in its order; then our order.
    """
    if header is None or not header.strip():
        return offered[0]
    ranges = parse_accept(header)
    best: tuple[float, int, int, str] | None = None
    for position, media_type in enumerate(offered):
        named = next((index for index, range_ in enumerate(ranges) if range_.kind == media_type), None)
        fitting = [range_ for range_ in ranges if range_.fits(media_type)]
        if not fitting:
            continue
        quality = ranges[named].quality if named is not None else max(range_.quality for range_ in fitting)
        rank = (-quality, len(ranges) if named is None else named, position, media_type)
        if quality > 0 and (best is None or rank < best):
            best = rank
    return None if best is None else best[3]


def wants_html(header: str | None) -> bool:
    """Whether a browser asks for a page: it names text/html itself."""
    return any(range_.kind == "text/html" and range_.quality > 0 for range_ in parse_accept(header or ""))


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def is_json(content_type: str | None) -> bool:
    """Whether a request's body is JSON in UTF-8."""
    kind, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    charset = next((part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")), "utf-8")
    return kind == JSON and charset in ("utf-8", "utf8")


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
