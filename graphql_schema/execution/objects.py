"""Columns made into objects. Spelled out for few keys: a dict of known size is four times as fast as one that grows."""

from collections.abc import Callable, Sequence
from typing import Any

Columns = Sequence[list[Any]]
Build = Callable[[Columns, int], list[dict[str, Any]]]
"""Columns, in the order of the keys, and how long they are: the objects."""


def builder(keys: Sequence[str]) -> Build:
    """What makes columns into objects with these keys."""
    match keys:
        case []:
            return lambda _, count: [{} for _ in range(count)]
        case [a]:
            return lambda columns, _: [{a: i} for i in columns[0]]
        case [a, b]:
            return lambda columns, _: [{a: i, b: j} for i, j in zip(*columns, strict=True)]
        case [a, b, c]:
            return lambda columns, _: [{a: i, b: j, c: k} for i, j, k in zip(*columns, strict=True)]
        case [a, b, c, d]:
            return lambda columns, _: [{a: i, b: j, c: k, d: m} for i, j, k, m in zip(*columns, strict=True)]
        case [a, b, c, d, e]:
            return lambda columns, _: [{a: i, b: j, c: k, d: m, e: n} for i, j, k, m, n in zip(*columns, strict=True)]
        case [a, b, c, d, e, f]:
            return lambda columns, _: [
                {a: i, b: j, c: k, d: m, e: n, f: o} for i, j, k, m, n, o in zip(*columns, strict=True)
            ]
    head, rest = builder(keys[:6]), keys[6:]

    def build(columns: Columns, count: int) -> list[dict[str, Any]]:
        objects = head(columns[:6], count)
        for key, column in zip(rest, columns[6:], strict=True):
            for each, value in zip(objects, column, strict=True):
                each[key] = value
        return objects

    return build
