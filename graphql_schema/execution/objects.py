"""Columns made into objects: of few as dicts, of many as JSON (texts.py).

Dicts are spelled out for few keys: one of known size is four times as fast as one that grows.
"""

from collections.abc import Callable, Sequence

import orjson

from graphql_schema.execution import texts
from graphql_schema.execution.columns import Done

Columns = Sequence[Done]
Build = Callable[[Columns, int], Done]
"""Columns, in the order of the keys, and how long they are: the objects."""


def builder(keys: Sequence[str]) -> Build:
    """What makes columns into objects with these keys."""
    heads = [f'{"," if number else "{"}"{key}":' for number, key in enumerate(keys)]
    dicts = _dicts(keys)

    def build(columns: Columns, count: int) -> Done:
        if keys and count >= texts.TEXTS_MIN:
            try:
                return texts.objects(heads, columns, count)
            except orjson.JSONEncodeError:
                # What nothing can write may yet be beside something that fails, and go with it.
                pass
        return dicts(columns, count)

    return build


def _dicts(keys: Sequence[str]) -> Build:
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
    head, rest = _dicts(keys[:6]), keys[6:]

    def build(columns: Columns, count: int) -> Done:
        objects = head(columns[:6], count)
        for key, column in zip(rest, columns[6:], strict=True):
            for each, value in zip(objects, column, strict=True):
                each[key] = value
        return objects

    return build
