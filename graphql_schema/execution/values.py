"""What the values of a field are: lists, objects of some type, leaves, nulls and errors. Without any waiting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, is_object_type, located_error
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import is_iterable

from graphql_schema.execution.columns import (
    Column,
    Columnar,
    Done,
    Failed,
    Nested,
    Place,
    Sparse,
    Texts,
    caught,
    classes_of,
    end_to_end,
    first_failed,
    sizes,
    there,
)
from graphql_schema.execution.leaves import one_value
from graphql_schema.execution.operation import Executing
from graphql_schema.execution.plan import FieldPlan, ObjectPlan
from graphql_schema.execution.texts import cut, spread


@dataclass(slots=True)
class Level:
    """A column on its way down. there: what of it is neither null nor failed. sizes: of its lists."""

    values: Column
    there: Column
    place: Place
    sizes: list[int] | None = None


@dataclass(slots=True)
class Whole:
    """A column of objects of one known type, with no null and no failure on its way down.

    is_list: whether they are the items of its one list.
    """

    plan: ObjectPlan
    objects: Column
    place: Place
    is_list: bool

    def up(self, done: Done) -> Done:
        """The column, where nothing of the objects failed."""
        return cut(done, [len(done)]) if self.is_list else done


class Values:
    """The values of one execution, and what failed of them. executor: graphql-core's for the same operation."""

    def __init__(self, executor: Executing) -> None:
        self._executor = executor
        self._failures = 0
        self._nulled: list[tuple[tuple[int, ...], tuple[str | int, ...], GraphQLError]] = []

    def _info(self, field: FieldPlan, place: Place, index: int) -> GraphQLResolveInfo[Any]:
        """What resolvers are told of their field; of all parents that are resolved together, the place of the first."""
        path = place.path(index, field.parent.name)
        assert path is not None, "a field has a key"
        return self._executor.build_resolve_info(field.definition, field.nodes, field.parent, path)

    # ------------------------------------------------------------------ lists and nulls

    @staticmethod
    def _whole(field: FieldPlan, values: Column, place: Place) -> Whole | None:
        """The objects of a field, where its levels need not be looked at one by one: as almost all below one object."""
        plan, is_list = field.only, len(field.nullable) == 2
        if plan is None or not values:
            return None
        objects = values
        if is_list:
            if len(values) != 1 or not isinstance(values[0], Columnar):
                return None
            objects, place = values[0], Place(place, lists=values)  # type: ignore[assignment]  # a column as well
        are_known = len(objects) and all(map(plan.known.get, classes_of(objects)))
        return Whole(plan, objects, place, is_list) if are_known else None

    def _down(self, field: FieldPlan, values: Column, place: Place) -> list[Level]:
        """The levels of a column, from outside in: the last holds no lists."""
        levels = []
        for _ in field.nullable[1:]:
            values = self._lists(field, values, place)
            lists = there(values)
            levels.append(Level(values, lists, place, sizes(lists)))
            place = Place(inner(levels[-1]), lists=lists)
            values = end_to_end(lists)
        levels.append(Level(values, there(values), place))
        return levels

    def _up(self, field: FieldPlan, levels: list[Level], done: Done) -> Done:
        for level, is_nullable in zip(reversed(levels), reversed(field.nullable), strict=True):
            may_pass = is_nullable or level.there is level.values
            if self._failures or not may_pass:
                # Looked through one by one below.
                done = list(done)
            if level.sizes is not None:
                done = cut(done, level.sizes)
                if self._failures:
                    done = [first_failed(some) or some for some in done]
            if level.there is not level.values:
                done = _spread(done, level.values)
            if self._failures or not may_pass:
                assert isinstance(done, list), "made a list above"
                self._set_nulls(field, level, done, is_nullable=is_nullable)
        return done

    def _set_nulls(self, field: FieldPlan, level: Level, done: Column, *, is_nullable: bool) -> None:
        """Of the values of a level make failures nulls, where these may be, and nulls failures where not."""
        for index, value in enumerate(done):
            if value is None and not is_nullable:
                missing = caught(_refuse_null, f"{field.parent}.{field.details[0].node.name.value}")
                done[index] = self._failed(field, missing, level.place, index)
            elif is_nullable and isinstance(value, Failed):
                self._null(value, level.place, index)
                done[index] = None

    def _lists(self, field: FieldPlan, values: Column, place: Place) -> Column:
        if isinstance(values, Nested) or all(
            kind in _LISTS or issubclass(kind, Columnar) for kind in set(map(type, values))
        ):
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

    @staticmethod
    def _plain(field: FieldPlan, values: Column) -> Done | None:
        """The values of a leaf where all are what its type always holds; None when they must be looked at."""
        assert field.leaf is not None, "only leaves are plain"
        try:
            return field.leaf(values) if values else None
        except Exception:  # noqa: BLE001 - found again, at its value
            return None

    def _leaves(self, field: FieldPlan, values: Column, place: Place) -> Done:
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
        return Failed(located_error(raised, field.nodes, list(path)), (place.turn_of(), *order))

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


def inner(level: Level) -> Place:
    """The place of what of a column is neither null nor failed."""
    if level.there is level.values:
        return level.place
    if isinstance(level.values, Sparse):
        return Place(level.place, among=[is_there or None for is_there in level.values.are_there])
    return Place(level.place, among=level.values)


def _spread(done: Done, values: Column) -> Done:
    """What became of the values that are neither null nor failed, among the others."""
    if isinstance(values, Sparse):
        return spread(done, values.are_there)
    if isinstance(done, Texts):
        # Nothing failed: where anything has, there are no texts.
        return spread(done, [value is not None for value in values])
    found = iter(done)
    return [value if value is None or type(value) is Failed else next(found) for value in values]


def _refuse_null(name: str) -> None:
    raise TypeError(f"Cannot return null for non-nullable field {name}.")
