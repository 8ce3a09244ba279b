"""Fields whose whole selection needs no waiting and no telling: one function from the column of parents to the answers.

It is put together with the plan, and goes as long as nothing is unusual. Where anything is, it gives None, and the
field goes the way of all others (run.py), which finds what failed and tells it. What it calls is called again then:
resolvers of many parents are pure.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from graphql_schema.execution.columns import (
    Column,
    Columnar,
    Done,
    Nested,
    Sparse,
    Written,
    classes_of,
    end_to_end,
    has_null,
    sizes,
    values_of,
    written,
)
from graphql_schema.execution.leaves import Leaf
from graphql_schema.execution.texts import cut, spread

if TYPE_CHECKING:
    from graphql_schema.execution.plan import FieldPlan, ObjectPlan

Quick = Callable[[Any], Done | None]
"""From a column of parents, of which there are some: the answers of a field; None where one must look at them."""

_Values = Callable[[Column], Sequence[Any]]


def quick_of(field: "FieldPlan", values: _Values | None) -> Quick | None:
    """The quick way of a field; None where it has none. values: of its parents' column, where that takes no waiting."""
    if values is None:
        return None
    if field.leaf is not None:
        if len(field.nullable) > 1:
            return lambda parents: written(values(parents), field.nullable)
        return _leaves(values, field.leaf, is_nullable=field.nullable[0]) if field.is_plain else None
    plan = field.only
    fields = [] if plan is None else [each.quick for each in plan.fields if each.quick is not None]
    if plan is None or len(fields) < len(plan.fields):
        return None
    objects = partial(_objects, plan, fields)
    if len(field.nullable) == 1:
        return _singly(values, objects, is_nullable=field.nullable[0])
    return lambda parents: _listed(values(parents), objects)


def _leaves(values: _Values, leaf: Leaf, *, is_nullable: bool) -> Quick:
    def quick(parents: Column) -> Done | None:
        found: Any = values(parents)
        if isinstance(found, Written):
            ready = found.written()
            return ready if is_nullable or not has_null(ready) else None
        done = leaf(found)
        if done is None and is_nullable and None in found:
            there = [value for value in found if value is not None]
            some = leaf(there) if there else []
            done = None if some is None else spread(some, [value is not None for value in found])
        return done

    return quick


def _singly(values: _Values, objects: Quick, *, is_nullable: bool) -> Quick:
    def quick(parents: Column) -> Done | None:
        found: Any = values(parents)
        if not isinstance(found, Sparse):
            return objects(found)
        done = objects(found.objects) if is_nullable and len(found.objects) else None
        return None if done is None else spread(done, found.are_there)

    return quick


def _listed(lists: Any, objects: Quick) -> Done | None:
    if len(lists) == 1 and isinstance(lists[0], Columnar):
        return None if (done := objects(lists[0])) is None else cut(done, [len(done)])
    if not isinstance(lists, Nested) and not all(isinstance(each, list | tuple | Columnar) for each in lists):
        return None
    lengths = sizes(lists)
    done = objects(end_to_end(lists))
    return None if done is None else cut(done, lengths)


def _objects(plan: "ObjectPlan", fields: Sequence[Quick], sources: Column) -> Done | None:
    count = len(sources)
    if not count or not all(map(plan.known.get, classes_of(sources))):
        return [] if not count else None
    columns = []
    for quick in fields:
        column = quick(sources)
        if column is None:
            return None
        columns.append(column)
    return plan.build(columns, count)


def attributes(name: str) -> _Values:
    """The values of a field that is an attribute of its parents."""
    return lambda parents: values_of(parents, name)


def always(value: Any) -> _Values:
    """The values of a field that is the same for all parents."""
    return lambda parents: [value] * len(parents)


def called(call: Callable[..., Any], arguments: dict[str, Any]) -> _Values:
    """The values of a field that is resolved for all its parents at once, always with these arguments."""
    return partial(call, **arguments) if arguments else call
