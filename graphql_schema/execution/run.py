"""Running a plan, breadth first: a field is resolved for all parents of an answer before what is below it.

Everything is columns. A field takes the column of its parents and gives one of its values, as long; lists are laid end
to end on the way down and cut again on the way up. A value that failed is a Failed in its place until it meets
something that may be null. Where a value stands in the answer is told only when it fails.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from itertools import accumulate
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_argument_values,
    is_object_type,
    located_error,
)
from graphql.execution.executor import invalid_return_type_error, to_nodes
from graphql.pyutils import Path, gather_with_cancel, is_iterable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.context import Info
from graphql_schema.execution.columns import (
    Column,
    Columnar,
    Failed,
    Place,
    Written,
    caught,
    classes_of,
    end_to_end,
    first_failed,
    is_there,
    settled_all,
    there,
    written,
)
from graphql_schema.execution.leaves import one_value
from graphql_schema.execution.plan import FieldPlan, ObjectPlan, Plan, Way, arguments_of
from graphql_schema.rows import Attributes


@dataclass(frozen=True, slots=True)
class _Level:
    """A column on its way down. there: what of it is neither null nor failed. sizes: of its lists."""

    values: Column
    there: Column
    place: Place
    sizes: list[int] | None = None


class Run:
    """One execution of a plan. executor: graphql-core's for the same operation; it holds what resolvers are told."""

    def __init__(self, plan: Plan, executor: StrawberryGraphQLCoreExecutionContext) -> None:
        self._plan = plan
        self._executor = executor
        self._failures = 0
        self._turns = 0
        self._reading: tuple[Column, Attributes] | None = None
        self._nulled: list[tuple[tuple[int, ...], tuple[str | int, ...], GraphQLError]] = []

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

    async def _objects(self, plan: ObjectPlan, sources: Column, place: Place) -> Column:
        """The objects of a selection, of which something is to be awaited."""
        failures = self._failures
        columns: list[Column] = [[]] * len(plan.fields)
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

    def _objects_now(self, plan: ObjectPlan, sources: Column, place: Place) -> Column:
        failures = self._failures
        columns = [self._field_now(field, sources, place) for field in plan.fields]
        return self._built(plan, columns, len(sources), failures)

    def _built(self, plan: ObjectPlan, columns: list[Column], count: int, failures: int) -> Column:
        if failures == self._failures or not columns:
            return plan.build(columns, count)
        keys = [field.key for field in plan.fields]
        return [first_failed(values) or dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]

    # ------------------------------------------------------------------ fields

    async def _field(self, field: FieldPlan, sources: Column, place: Place) -> Column:
        place = Place(place, key=field.key, position=field.position)
        if field.way in (Way.TYPENAME, Way.ATTRIBUTE, Way.CALL, Way.AT_ONCE):
            values = self._read(field, sources, place)
        else:
            values = await self._resolve(field, sources, place)
            self._turns += 1
            place = replace(place, turn=self._turns)
        levels = self._down(field, values, place)
        return self._up(field, levels, await self._named(field, levels[-1].there, _inner(levels[-1])))

    def _field_now(self, field: FieldPlan, sources: Column, place: Place) -> Column:
        place = Place(place, key=field.key, position=field.position)
        values = self._read(field, sources, place)
        if field.leaf is not None and (ready := written(values, field.nullable)) is not None:
            return ready
        if field.is_plain and (done := self._plain(field, values)) is not None:
            return done
        levels = self._down(field, values, place)
        return self._up(field, levels, self._named_now(field, levels[-1].there, _inner(levels[-1])))

    def _read(self, field: FieldPlan, sources: Column, place: Place) -> Column:
        """The values of a field that takes no waiting; an exception in the place of one that cannot be had."""
        if field.way is Way.TYPENAME:
            return [field.parent.name] * len(sources)
        if field.read is not None:
            try:
                return self._attributes(sources).values(field.attribute)
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

    def _attributes(self, sources: Column) -> Attributes:
        """The reader of a column's attributes: fields of one selection follow each other, and share it."""
        if self._reading is None or self._reading[0] is not sources:
            self._reading = sources, Attributes(sources)
        return self._reading[1]

    @staticmethod
    def _at_once(call: Callable[..., Sequence[Any]], sources: Column, arguments: dict[str, Any]) -> Column:
        if not sources:
            return []
        try:
            found = call(sources, **arguments)
        except Exception as error:  # noqa: BLE001 - an error of the field, for each parent
            return [error] * len(sources)
        if isinstance(found, Written | Columnar):
            return found  # type: ignore[return-value]  # a column, kept otherwise
        found = list(found)
        assert len(found) == len(sources), "a value for each parent"
        return found

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
            found = list(await field.call(sources, **arguments))
        except Exception as error:  # noqa: BLE001 - an error of the field, for each parent
            return [error] * len(sources)
        assert len(found) == len(sources), f"{field.parent}.{field.key} gives a value for each parent"
        return found

    def _arguments(self, field: FieldPlan, place: Place) -> dict[str, Any]:
        """What a resolver is called with, but for its parent. Raises what its permissions and arguments raise."""
        arguments = field.arguments
        if arguments is None:
            arguments = arguments_of(self._executor.schema, field, self._executor.variable_values)
        if field.checks or field.passes_info is not None:
            info: Info = Info(_raw_info=self._info(field, place, 0), _field=field.strawberry)  # type: ignore[arg-type]
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

    def _info(self, field: FieldPlan, place: Place, index: int) -> GraphQLResolveInfo[Any]:
        """What resolvers are told of their field; of all parents that are resolved together, the place of the first."""
        path: Path | None = None
        keys, _ = place.of(index)
        for key in keys:
            path = Path(path, key, field.parent.name if isinstance(key, str) else None)
        assert path is not None, "a field has a key"
        return self._executor.build_resolve_info(field.definition, to_nodes(field.details), field.parent, path)

    # ------------------------------------------------------------------ lists and nulls

    def _down(self, field: FieldPlan, values: Column, place: Place) -> list[_Level]:
        """The levels of a column, from outside in: the last holds no lists."""
        levels = []
        for _ in field.nullable[1:]:
            values = self._lists(field, values, place)
            lists = there(values)
            levels.append(_Level(values, lists, place, list(map(len, lists))))
            place = Place(_inner(levels[-1]), lists=lists)
            values = end_to_end(lists)
        levels.append(_Level(values, there(values), place))
        return levels

    def _up(self, field: FieldPlan, levels: list[_Level], done: Column) -> Column:
        for level, is_nullable in zip(reversed(levels), reversed(field.nullable), strict=True):
            if level.sizes is not None:
                done = [done[end - size : end] for size, end in zip(level.sizes, accumulate(level.sizes), strict=True)]
                if self._failures:
                    done = [first_failed(some) or some for some in done]
            if level.there is not level.values:
                found = iter(done)
                done = [next(found) if is_there(value) else value for value in level.values]
            if not self._failures and (is_nullable or level.there is level.values):
                continue
            for index, value in enumerate(done):
                if value is None and not is_nullable:
                    missing = caught(_refuse_null, f"{field.parent}.{field.details[0].node.name.value}")
                    done[index] = self._failed(field, missing, level.place, index)
                elif is_nullable and isinstance(value, Failed):
                    self._null(value, level.place, index)
                    done[index] = None
        return done

    def _lists(self, field: FieldPlan, values: Column, place: Place) -> Column:
        if all(kind in _LISTS or issubclass(kind, Columnar) for kind in set(map(type, values))):
            return values
        found: Column = []
        for index, value in enumerate(values):
            if value is None or isinstance(value, list | tuple | Columnar):
                found.append(value)
            elif isinstance(value, Exception):
                found.append(self._failed(field, value, place, index))
            elif is_iterable(value):
                found.append(list(value))
            else:
                name = f"{field.parent}.{field.details[0].node.name.value}"
                error = GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
                found.append(self._failed(field, error, place, index))
        return found

    # ------------------------------------------------------------------ what is no list

    async def _named(self, field: FieldPlan, values: Column, place: Place) -> Column:
        if not values or field.leaf is not None:
            return self._named_now(field, values, place)
        done, batches = self._sorted_out(field, values, place)
        for plan, indices in batches:
            sources, inner = _batch(values, indices, place)
            # A type of its own below an interface waits for the one before: there are few.
            found = await self._objects(plan, sources, inner) if plan.waits else self._objects_now(plan, sources, inner)
            done = _put(found, done, indices)
        return done

    def _named_now(self, field: FieldPlan, values: Column, place: Place) -> Column:
        if not values:
            return []
        if field.leaf is not None:
            return self._leaves(field, values, place)
        done, batches = self._sorted_out(field, values, place)
        for plan, indices in batches:
            done = _put(self._objects_now(plan, *_batch(values, indices, place)), done, indices)
        return done

    @staticmethod
    def _plain(field: FieldPlan, values: Column) -> Column | None:
        """The values of a leaf where all are what its type always holds; None when they must be looked at."""
        assert field.leaf is not None, "only leaves are plain"
        try:
            return field.leaf(values) if values else None
        except Exception:  # noqa: BLE001 - found again, at its value
            return None

    def _leaves(self, field: FieldPlan, values: Column, place: Place) -> Column:
        assert field.leaf is not None, "only leaves have no fields"
        try:
            done = field.leaf(values)
        except Exception:  # noqa: BLE001 - found again below, at its value
            done = None
        if done is not None:
            return done
        kind: Any = field.named
        done = []
        for index, value in enumerate(values):
            try:
                if isinstance(value, Exception):
                    raise value
                done.append(one_value(kind, value))
            except Exception as error:  # noqa: BLE001 - an error of the field
                done.append(self._failed(field, error, place, index))
        return done

    def _sorted_out(
        self, field: FieldPlan, values: Column, place: Place
    ) -> tuple[Column, list[tuple[ObjectPlan, Sequence[int]]]]:
        """The column with what failed in its place, and the indices of the others by their type's plan."""
        classes = classes_of(values)
        if len(field.below) == 1 and is_object_type(field.named):
            (plan,) = field.below.values()
            if all(map(plan.known.get, classes)):
                return values, [(plan, range(len(values)))]
        done: Column = list(values)
        found: dict[str, list[int]] = {}
        for index, value in enumerate(values):
            try:
                found.setdefault(self._kind(field, value, place, index), []).append(index)
            except Exception as error:  # noqa: BLE001 - an error of the field
                done[index] = self._failed(field, error, place, index)
        return done, [(field.below[name], indices) for name, indices in found.items()]

    def _kind(self, field: FieldPlan, value: Any, place: Place, index: int) -> str:
        """The name of a value's type. It is a matter of the value's class: asked once for each."""
        name = field.kinds.get(type(value))
        if name is None:
            if isinstance(value, Exception):
                raise value
            info = self._info(field, place, index)
            kind: Any = field.named
            if not is_object_type(kind):
                resolve_type = kind.resolve_type or self._executor.type_resolver
                kind = self._executor.ensure_valid_runtime_type(
                    resolve_type(value, info, kind), kind, field.details, info, value
                )
            assert isinstance(kind, GraphQLObjectType), "an abstract type is one of objects"
            if kind.is_type_of is not None and not kind.is_type_of(value, info):
                raise invalid_return_type_error(kind, value, field.details)
            name = kind.name
            field.kinds[type(value)] = name
            field.below[name].known[type(value)] = True
        return name

    # ------------------------------------------------------------------ errors

    def _failed(self, field: FieldPlan, raised: Exception, place: Place, index: int) -> Failed:
        self._failures += 1
        path, order = place.of(index)
        return Failed(located_error(raised, to_nodes(field.details), list(path)), (place.turn_of(), *order))

    def _null(self, failed: Failed, place: Place, index: int) -> None:
        path, _ = place.of(index)
        self._nulled.append((failed.order, path, failed.error))

    def _errors(self) -> list[GraphQLError] | None:
        """One error of each null, and none from below an earlier one."""
        errors = []
        nulls: set[tuple[str | int, ...]] = set()
        for _, path, error in sorted(self._nulled, key=lambda each: each[0]):
            if not any(path[:length] in nulls for length in range(len(path) + 1)):
                nulls.add(path)
                errors.append(error)
        return errors or None


_LISTS = frozenset({list, tuple, type(None)})


def _inner(level: _Level) -> Place:
    return level.place if level.there is level.values else Place(level.place, among=level.values)


def _batch(values: Column, indices: Sequence[int], place: Place) -> tuple[Column, Place]:
    if len(indices) == len(values):
        return values, place
    return [values[index] for index in indices], Place(place, picked=indices)


def _put(found: Column, done: Column, indices: Sequence[int]) -> Column:
    if len(found) == len(done):
        return found
    for index, value in zip(indices, found, strict=True):
        done[index] = value
    return done


def _refuse_null(name: str) -> None:
    raise TypeError(f"Cannot return null for non-nullable field {name}.")
