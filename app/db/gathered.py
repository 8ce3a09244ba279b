"""Statements that write and wait for nothing, sent as one: of few rows, most of their cost is the round trip."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from app.core.arrays import array_text

ROWS_MAX = 500
"""Rows of a statement that goes with others; one of more is worth its round trip, and is encoded by itself."""

TEXT_MAX = 14_000
"""Characters of one text: the driver keeps no longer ones prepared."""

_PARAMETER = re.compile(r"\$(\d+)")
_INDENT = re.compile(r"\n\s+")

_WRITTEN = re.compile(r"(?<!ANY\()\$(\d+)::((?:uuid|text|bigint|integer|boolean|timestamptz)\[\])")
"""Arrays that are sent as one text each: not those that rows are compared with, for each of which it is read anew."""


class Gathered:
    """Statements in their order, each with its parameters, the first of which, the tenant, is the same for all."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._args: list[Any] = []
        self._length = 0

    def __bool__(self) -> bool:
        return bool(self._texts)

    def has_room(self, sql: str) -> bool:
        """Whether one more fits."""
        return self._length + len(sql) <= TEXT_MAX

    def add(self, sql: str, tenant_id: Any, *args: Any) -> None:
        """Put a statement behind the others."""
        if not self._args:
            self._args.append(tenant_id)
        assert tenant_id == self._args[0], "a transaction is one tenant's"
        self._texts.append(sql)
        given = list(args)
        for place in _written(sql):
            if given[place] is not None:
                given[place] = array_text(given[place])
        self._args += given
        self._length += len(_reading_texts(sql))

    def take(self) -> tuple[str, list[Any]]:
        """All of them as one statement, and its parameters; none is left."""
        found = as_one(tuple(self._texts)), self._args
        self._texts, self._args, self._length = [], [], 0
        return found


def is_large(args: Sequence[Any]) -> bool:
    """Whether a statement with these parameters goes by itself."""
    return any(type(value) is list and len(value) > ROWS_MAX for value in args)


@lru_cache(maxsize=1_000)
def as_one(texts: tuple[str, ...]) -> str:
    """Statements that write, each whole with its parameters from $1 on, as one whose parameters follow each other.

    $1 is the same in all. None sees what another one writes. Foreign keys are looked at after all; a cluster runs them
    in their order.
    """
    texts = tuple(_reading_texts(text) for text in texts)
    if len(texts) == 1:
        return texts[0]
    placed = []
    used = 0
    for text in texts:
        placed.append(shifted(text, used).strip())
        used += parameters(text) - 1
    parts = ", ".join(f"w{number} AS (\n{text}\n)" for number, text in enumerate(placed[:-1], start=1))
    return f"/* session.gathered */\nWITH {parts}\n{placed[-1]}"


@lru_cache(maxsize=1_000)
def _written(sql: str) -> tuple[int, ...]:
    """The places of a statement's parameters from $2 on, from 0, that are sent as texts."""
    return tuple({int(number) - 2 for number, _ in _WRITTEN.findall(sql)})


@lru_cache(maxsize=1_000)
def _reading_texts(sql: str) -> str:
    return _WRITTEN.sub(r"$\1::text::\2", sql)


def parameters(sql: str) -> int:
    """How many parameters a statement has."""
    return max(int(number) for number in _PARAMETER.findall(sql))


def shifted(sql: str, by: int) -> str:
    """The statement with its parameters so much further, but for $1, the tenant; without indents."""
    moved = _PARAMETER.sub(lambda found: found[0] if found[1] == "1" else f"${int(found[1]) + by}", sql)
    return _INDENT.sub("\n", moved)
