"""Running a plan, breadth first: a field is resolved for all parents of an answer before what is below it.

Everything is columns. A field takes the column of its parents and gives one of its values, as long; lists are laid end
to end on the way down and cut again on the way up. A value that failed is a Failed in its place until it meets
something that may be null. Where a value stands in the answer is told only when it fails.
"""

from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, get_argument_values
from graphql.pyutils import gather_with_cancel
from strawberry import Info

from graphql_schema.execution.columns import (
    Column,
    Columnar,
    Done,
    Failed,
    Kept,
    Place,
    caught,
    first_failed,
    settled_all,
    values_of,
    written,
)
from graphql_schema.execution.operation import Executing
from graphql_schema.execution.plan import FieldPlan, ObjectPlan, Plan, Way, arguments_of
from graphql_schema.execution.texts import picked
from graphql_schema.execution.values import Values, inner


class Run(Values):
    """One execution of a plan. executor: graphql-core's for the same operation; it holds what resolvers are told."""

    def __init__(self, plan: Plan, executor: Executing) -> None:
        super().__init__(executor)
        self._plan = plan
        self._turns = 0
        self._shares = True

    async def execute(self) -> ExecutionResult:
        """What graphql-core's executor gives."""
        root = Place()
        sources = [self._executor.root_value]
        if self._plan.is_serial:
            data = await self._serially(self._plan.root, sources, root)
        else:
            (data,) = await self._objects(self._plan.root, sources, root)
        if isinstance(data, Failed):
            self._null(data, root, 0)
            data = None
        return ExecutionResult(data, self._errors())

    async def _serially(self, plan: ObjectPlan, sources: Column, place: Place) -> Any:
        found: dict[str, Any] = {}
        for field in plan.fields:
            (value,) = await self._field(field, sources, place)
            if isinstance(value, Failed):
                return value
            found[field.key] = value
        return found

    # ------------------------------------------------------------------ objects

    async def _objects(self, plan: ObjectPlan, sources: Column, place: Place) -> Done:
        """The objects of a selection, of which something is to be awaited."""
        failures = self._failures
        columns: list[Done] = [[]] * len(plan.fields)
        waiting = []
        for field in plan.fields:
            if field.waits:
                waiting.append(field)
            else:
                columns[field.position] = self._field_now(field, sources, place)
        if len(waiting) == 1:
            columns[waiting[0].position] = await self._field(waiting[0], sources, place)
        elif waiting:
            found = await gather_with_cancel(*(self._field(field, sources, place) for field in waiting))
            for field, column in zip(waiting, found, strict=True):
                columns[field.position] = column
        return self._built(plan, columns, len(sources), failures)

    def _objects_now(self, plan: ObjectPlan, sources: Column, place: Place) -> Done:
        failures = self._failures
        columns = [self._field_now(field, sources, place) for field in plan.fields]
        return self._built(plan, columns, len(sources), failures)

    def _built(self, plan: ObjectPlan, columns: list[Done], count: int, failures: int) -> Done:
        if failures == self._failures or not columns:
            return plan.build(columns, count)
        keys = [field.key for field in plan.fields]
        return [first_failed(values) or dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]

    # ------------------------------------------------------------------ fields

    async def _field(self, field: FieldPlan, sources: Column, place: Place) -> Done:
        place = Place(place, key=field.key, position=field.position)
        if field.way in (Way.TYPENAME, Way.ATTRIBUTE, Way.CALL, Way.AT_ONCE):
            values = self._read(field, sources, place)
        else:
            values = await self._resolve(field, sources, place)
            self._turns += 1
            place.turn = self._turns
        failures = self._failures
        done: Done | None = None
        whole = self._whole(field, values, place) if len(values) == 1 else None
        # Of several some may be the same, which is looked for below.
        if whole is not None and len(whole.objects) == 1:
            done = await self._objects(whole.plan, whole.objects, whole.place)
            if failures == self._failures:
                return whole.up(done)
        levels = self._down(field, values, place)
        if done is None:
            done = await self._named(field, levels[-1].there, inner(levels[-1]))
        return self._up(field, levels, done)

    def _field_now(self, field: FieldPlan, sources: Column, place: Place) -> Done:
        if field.quick is not None and sources:
            try:
                ready = field.quick(sources)
            except Exception:  # noqa: BLE001 - found again, where it belongs
                ready = None
            if ready is not None:
                return ready
        place = Place(place, key=field.key, position=field.position)
        values = self._read(field, sources, place)
        if field.leaf is not None and (ready := written(values, field.nullable)) is not None:
            return ready
        if field.is_plain and (ready := self._plain(field, values)) is not None:
            return ready
        failures = self._failures
        done: Done | None = None
        whole = self._whole(field, values, place)
        if whole is not None:
            done = self._objects_now(whole.plan, whole.objects, whole.place)
            if failures == self._failures:
                return whole.up(done)
        levels = self._down(field, values, place)
        if done is None:
            done = self._named_now(field, levels[-1].there, inner(levels[-1]))
        return self._up(field, levels, done)

    def _read(self, field: FieldPlan, sources: Column, place: Place) -> Column:
        """The values of a field that takes no waiting; an exception in the place of one that cannot be had."""
        if field.way is Way.TYPENAME:
            return [field.parent.name] * len(sources)
        if field.read is not None:
            try:
                return values_of(sources, field.attribute)
            except Exception:  # noqa: BLE001 - told for each parent below
                return [caught(field.read, source) for source in sources]
        try:
            arguments = self._arguments(field, place)
        except Exception as error:  # noqa: BLE001 - an error of the field
            return [error] * len(sources)
        call = field.call
        assert call is not None, "a field that is called has a resolver"
        if field.way is Way.AT_ONCE:
            return self._at_once(call, sources, arguments)
        if field.passes_self:
            return [caught(call, source, **arguments) for source in sources]
        if field.passes_parent is not None:
            return [caught(call, **{**arguments, field.passes_parent: source}) for source in sources]
        return [caught(call, **arguments) for _ in sources]

    @staticmethod
    def _at_once(call: Callable[..., Sequence[Any]], sources: Column, arguments: dict[str, Any]) -> Column:
        if not sources:
            return []
        try:
            found = call(sources, **arguments)
        except Exception as error:  # noqa: BLE001 - an error of the field, for each parent
            return [error] * len(sources)
        return _for_each(found, sources)

    async def _resolve(self, field: FieldPlan, sources: Column, place: Place) -> Column:
        """The values of a field that is awaited."""
        if field.way is Way.FOREIGN:
            values = [caught(self._foreign, field, source, place, index) for index, source in enumerate(sources)]
            places = [index for index, value in enumerate(values) if isawaitable(value)]
            for index, value in zip(places, await settled_all(values[index] for index in places), strict=True):
                values[index] = value
            return values
        if field.way is Way.AWAIT:
            return await settled_all(self._read(field, sources, place))
        try:
            arguments = self._arguments(field, place)
            assert field.call is not None, "a field that is called has a resolver"
            found = await field.call(sources, **arguments)
        except Exception as error:  # noqa: BLE001 - an error of the field, for each parent
            return [error] * len(sources)
        return _for_each(found, sources)

    def _arguments(self, field: FieldPlan, place: Place) -> dict[str, Any]:
        """What a resolver is called with, but for its parent. Raises what its permissions and arguments raise."""
        arguments = field.arguments
        if arguments is None:
            arguments = arguments_of(self._executor.schema, field, self._executor.variable_values)
        if field.checks or field.passes_info is not None:
            info: Info[Any, Any] = Info(_raw_info=self._info(field, place, 0), _field=field.strawberry)  # type: ignore[arg-type]
            for required in field.checks:
                required.check(info)
            if field.passes_info is not None:
                arguments = {**arguments, field.passes_info: info}
        return arguments

    def _foreign(self, field: FieldPlan, source: Any, place: Place, index: int) -> Any:
        node = field.details[0].node
        values = get_argument_values(
            field.definition, node, self._executor.variable_values, field.details[0].fragment_variable_values, True
        )
        assert field.definition.resolve is not None, "Strawberry resolves every field"
        return field.definition.resolve(source, self._info(field, place, index), **values)

    # ------------------------------------------------------------------ what is no list

    async def _named(self, field: FieldPlan, values: Column, place: Place) -> Done:
        if not values or field.leaf is not None:
            return self._named_now(field, values, place)
        shared = self._shared(values)
        if shared is not None:
            objects, places = shared
            once = Run(self._plan, self._executor)
            found = await once._named(field, objects, place)
            if not once._failures:
                return picked(found, places)
            # An error is told wherever the object stands: each of them is made by itself, here and below.
            self._shares = False
        done: Done
        done, batches = self._sorted_out(field, values, place)
        for plan, indices in batches:
            sources, at = _batch(values, indices, place)
            # A type of its own below an interface waits for the one before: there are few.
            some = await self._objects(plan, sources, at) if plan.waits else self._objects_now(plan, sources, at)
            done = _put(some, done, indices)
        return done

    def _shared(self, values: Column) -> tuple[Any, Sequence[int]] | None:
        """Of objects among which some are the same, each once, and which of these every object is."""
        return values.distinct() if self._shares and isinstance(values, Columnar) else None

    def _named_now(self, field: FieldPlan, values: Column, place: Place) -> Done:
        if not values:
            return []
        if field.leaf is not None:
            return self._leaves(field, values, place)
        done: Done
        done, batches = self._sorted_out(field, values, place)
        for plan, indices in batches:
            done = _put(self._objects_now(plan, *_batch(values, indices, place)), done, indices)
        return done


def _for_each(found: Sequence[Any], sources: Column) -> Column:
    """What a resolver gave for all parents at once, as a column."""
    assert len(found) == len(sources), "a value for each parent"
    return found if isinstance(found, list | Kept) else list(found)  # type: ignore[return-value]  # a column as well


def _batch(values: Column, indices: Sequence[int], place: Place) -> tuple[Column, Place]:
    if len(indices) == len(values):
        return values, place
    return [values[index] for index in indices], Place(place, picked=indices)


def _put(found: Done, done: Done, indices: Sequence[int]) -> Done:
    if len(found) == len(done):
        return found
    assert isinstance(done, list), "of several types, or with failures among them"
    for index, value in zip(indices, found, strict=True):
        done[index] = value
    return done
