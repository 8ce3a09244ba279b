"""Compiled execution against graphql-core's own, over random documents of a schema that fails in every way."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated, Any, Union

import orjson
import pytest
import strawberry
from graphql import ExecutionResult, FragmentDefinitionNode, OperationDefinitionNode, execute, parse
from graphql.execution.values import get_variable_values
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.execution import texts
from graphql_schema.execution.columns import Columnar, Nested, Ready, Sparse
from graphql_schema.execution.plan import NotCompiled, Plan, compile_plan
from graphql_schema.execution.run import Run
from graphql_schema.execution.together import together
from tests.factories.documents import Documents

SEEDS = range(8)
DOCUMENTS_EACH = 12
CROWD = 70


@pytest.fixture(autouse=True, params=[1, 2, texts.TEXTS_MIN])
def texts_min(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is written at once, then whatever there are two of, then what is long alone."""
    monkeypatch.setattr(texts, "TEXTS_MIN", request.param)


class Boom(Exception):
    """What fields fail with."""


@strawberry.enum
class Colour(Enum):
    """A closed set."""

    RED = "red"
    GREEN = 2


class Fate:
    """What becomes of a field of a node: the same whenever it is asked."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def of(self, number: int, name: str, *ends: Any) -> Any:
        """One of the ends, or a failure: raised, or returned."""
        chance = random.Random(f"{self.seed} {number} {name}")
        if chance.random() < 0.04:
            raise Boom(f"{name} of {number}")
        if chance.random() < 0.02:
            return Boom(f"{name} of {number}, returned")
        return chance.choice(ends)

    def nodes(self, number: int, name: str) -> Any:
        """Some nodes; rarely what is no list, or null among them."""
        chance = random.Random(f"{self.seed} {number} {name} nodes")
        some: list[Any] = [node(self, chance.randrange(100)) for _ in range(chance.randrange(4))]
        if chance.random() < 0.1 and some:
            some[0] = None
        return self.of(number, name, some, tuple(some), some, 7 if chance.random() < 0.1 else some)


def node(fate: Fate, number: int) -> "Leafy | Branch":
    """The node of the number."""
    return Leafy(fate=fate, number=number) if number % 3 else Branch(fate=fate, number=number)


@strawberry.interface
class Node:
    """What both kinds have."""

    number: int
    fate: strawberry.Private[Fate]

    @strawberry.field
    def name(self) -> str:
        """Sometimes null, where it must not be."""
        return self.fate.of(self.number, "name", "a", "b", "c", "d", None)  # type: ignore[no-any-return]

    @strawberry.field
    async def parent(self) -> "Node | None":
        """Another node, after a while."""
        await asyncio.sleep(0)
        return self.fate.of(self.number, "parent", None, node(self.fate, self.number + 1), node(self.fate, 5))  # type: ignore[no-any-return]


@strawberry.type
class Leafy(Node):
    """Leaves of every kind."""

    @strawberry.field
    def maybe(self, plus: int = 1, words: list[str] | None = None) -> int | None:
        """A number, null, or none."""
        return self.fate.of(self.number, "maybe", 1 + plus, None, "x", 2**40, True, len(words or ()))  # type: ignore[no-any-return]

    @strawberry.field
    def colour(self, of: Colour = Colour.RED) -> Colour | None:
        """A member, its value, or none."""
        return self.fate.of(self.number, "colour", Colour.GREEN, of, "red", None, "blue")  # type: ignore[no-any-return]

    @strawberry.field
    def grid(self) -> list[list[int | None]] | None:
        """Lists of lists."""
        return self.fate.of(self.number, "grid", [[1, None], []], [[1], None], [], [[1, "x"], [2]])  # type: ignore[no-any-return]

    @strawberry.field
    async def late(self) -> float | None:
        """A number, after a while."""
        await asyncio.sleep(0)
        return self.fate.of(self.number, "late", 1.5, 2, float("nan"), None)  # type: ignore[no-any-return]


async def _children(roots: Sequence["Branch"], first: int | None = None) -> Sequence[Any]:
    await asyncio.sleep(0)
    return [_caught(root, first) for root in roots]


def _caught(root: "Branch", first: int | None) -> Any:
    try:
        found = root.fate.nodes(root.number, "children")
    except Boom as error:
        return error
    return found[:first] if isinstance(found, list) else found


@together(_children)
async def _resolve_children(root: strawberry.Parent[Any], first: int | None = None) -> Any:
    (found,) = await _children((root,), first)
    return found


class Alike(Columnar):
    """Branches by column, with some of the same number among them."""

    def __init__(self, fate: Fate, numbers: Sequence[int]) -> None:
        self.kind = Branch
        self._fate, self._numbers = fate, numbers

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each."""
        return list(self._numbers) if attribute == "number" else [self._fate] * len(self)

    def distinct(self) -> "tuple[Alike, list[int]] | None":
        """Each number once."""
        once = sorted(set(self._numbers))
        return None if len(once) == len(self) else (Alike(self._fate, once), list(map(once.index, self._numbers)))

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        found: Any = self._numbers[index]
        return Alike(self._fate, found) if isinstance(index, slice) else Branch(fate=self._fate, number=found)

    def __iter__(self) -> Iterator["Branch"]:
        return (Branch(fate=self._fate, number=number) for number in self._numbers)


async def _kin(roots: Sequence["Branch"]) -> Sequence[Any]:
    await asyncio.sleep(0)
    sizes = [root.number % 4 for root in roots]
    return Nested(Alike(roots[0].fate, [3 * (place % 3) for size in sizes for place in range(size)]), sizes)


@together(_kin)
async def _resolve_kin(root: strawberry.Parent[Any]) -> Any:
    (found,) = await _kin((root,))
    return found


def _same(roots: Sequence["Branch"]) -> Sequence[Any]:
    are_there = [root.number % 5 > 0 for root in roots]
    return Sparse(Alike(roots[0].fate, [3 * (root.number % 2) for root in roots if root.number % 5]), are_there)


async def _twin(roots: Sequence["Branch"]) -> Sequence[Any]:
    await asyncio.sleep(0)
    return _same(roots)


@together(_same)
def _resolve_same(root: strawberry.Parent[Any]) -> Any:
    (found,) = _same((root,))
    return found


@together(_twin)
async def _resolve_twin(root: strawberry.Parent[Any]) -> Any:
    (found,) = await _twin((root,))
    return found


def _called(marks: Sequence["Mark"], key: str) -> Sequence[Any]:
    return [mark.told(key) for mark in marks]


def _calls(marks: Sequence["Mark"]) -> Sequence[Any]:
    found = [Boom(f"call of {mark.number}") if mark.number == 29 else mark.number or None for mark in marks]
    return Ready(len(found), lambda: found, lambda: found) if Boom not in map(type, found) else found


@strawberry.type
class Mark:
    """What needs no waiting: its fields are attributes, or resolved for all at once."""

    number: int
    word: str | None
    fate: strawberry.Private[Fate]

    @strawberry.field
    @together(_called, takes_key=True)
    def called(self, info: strawberry.Info) -> str:
        """What it answers under; rarely nothing."""
        (found,) = _called((self,), str(info.path.key))
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    @strawberry.field
    @together(_calls)
    def calls(self) -> int | None:
        """A number that is written already, or null."""
        (found,) = _calls((self,))
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    def told(self, key: str) -> Any:
        """The name, or what is wrong with it."""
        return {27: Boom(f"{key} of 27"), 28: None}.get(self.number, f"{key} {self.number}")


class Marks(Columnar):
    """Marks by column."""

    kind = Mark

    def __init__(self, fate: Fate, numbers: Sequence[int]) -> None:
        self._marks = [mark_of(fate, number) for number in numbers]

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each."""
        return [getattr(mark, attribute) for mark in self._marks]

    def __len__(self) -> int:
        return len(self._marks)

    def __getitem__(self, index: Any) -> Any:
        return self._marks[index]

    def __iter__(self) -> Iterator[Mark]:
        return iter(self._marks)


def mark_of(fate: Fate, number: int) -> Mark:
    """The mark of a number."""
    return Mark(number=number, word=None if number % 7 == 0 else f"word {number}", fate=fate)


def _marks(roots: Sequence["Branch"], key: str) -> Sequence[Any]:
    return [root.marks_under(key) for root in roots]


@strawberry.type
class Branch(Node):
    """Nodes below."""

    @strawberry.field
    @together(_marks, takes_key=True)
    def marks(self, info: strawberry.Info) -> list[Mark]:
        """Marks, mostly by column."""
        return self.marks_under(str(info.path.key))  # type: ignore[no-any-return]

    @strawberry.field
    @together(lambda roots: [mark_of(root.fate, root.number) for root in roots])
    def mark(self) -> Mark | None:
        """One."""
        return mark_of(self.fate, self.number)

    def marks_under(self, key: str) -> Any:
        """The marks that a field has under this name."""
        chance = random.Random(f"{self.fate.seed} {self.number} {key} marks")
        numbers = [chance.randrange(30) for _ in range(chance.randrange(5))]
        found = Marks(self.fate, numbers)
        return chance.choice([found, found, list(found), tuple(found)])

    children: list[Node] | None = strawberry.field(resolver=_resolve_children)
    kin: list[Annotated["Branch", strawberry.lazy(__name__)]] | None = strawberry.field(resolver=_resolve_kin)
    twin: Annotated["Branch", strawberry.lazy(__name__)] | None = strawberry.field(resolver=_resolve_twin)
    same: Annotated["Branch", strawberry.lazy(__name__)] = strawberry.field(resolver=_resolve_same)

    @strawberry.field
    def strict(self) -> list[Node]:
        """Nodes that must all be there."""
        return self.fate.nodes(self.number, "strict")  # type: ignore[no-any-return]

    @strawberry.field
    def lax(self) -> list[Annotated[Union["Leafy", "Branch"], strawberry.union("Either")] | None]:
        """Of a union."""
        return self.fate.nodes(self.number, "lax")  # type: ignore[no-any-return]

    @strawberry.field
    def wrong(self) -> Leafy | None:
        """Sometimes of another kind."""
        return self.fate.of(self.number, "wrong", Leafy(fate=self.fate, number=1), self, None)  # type: ignore[no-any-return]


@strawberry.type
class Query:
    """The roots."""

    @strawberry.field
    def top(self, info: strawberry.Info) -> list[Node]:
        """Nodes."""
        return info.context.nodes(0, "top")  # type: ignore[no-any-return]

    @strawberry.field
    async def late_top(self, info: strawberry.Info, plus: int = 0) -> list[Node] | None:
        """Nodes, after a while."""
        await asyncio.sleep(0)
        return info.context.nodes(plus, "late_top")  # type: ignore[no-any-return]

    @strawberry.field
    def crowd(self, info: strawberry.Info, of: int = 26) -> list[Mark]:
        """Many marks; from 27 on some fail."""
        return Marks(info.context, [number % of for number in range(CROWD)])  # type: ignore[return-value]  # by column

    @strawberry.field
    def branch(self, info: strawberry.Info) -> Branch | None:
        """A branch."""
        return Branch(fate=info.context, number=0)


SCHEMA = strawberry.Schema(query=Query, types=[Leafy, Branch], config=StrawberryConfig())._schema


def plan_of(document: str, variables: dict[str, Any]) -> tuple[Plan, Any]:
    """The plan of a document's only operation, and its variables' values."""
    parsed = parse(document)
    (operation,) = (each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    fragments = {each.name.value: each for each in parsed.definitions if isinstance(each, FragmentDefinitionNode)}
    values = get_variable_values(SCHEMA, operation.variable_definitions or (), variables)
    assert not isinstance(values, list), values
    return compile_plan(SCHEMA, operation, fragments, values), parsed


def told(result: ExecutionResult) -> tuple[Any, list[Any]]:
    """Data as it is written, and errors; those of one wave end in any order."""
    errors = sorted((str(error.path), error.message, str(error.locations)) for error in result.errors or ())
    return orjson.dumps(result.data), errors


async def both(document: str, variables: dict[str, Any], seed: int) -> tuple[ExecutionResult, ExecutionResult]:
    """What compiled execution gives, and what graphql-core gives."""
    plan, parsed = plan_of(document, variables)
    given: dict[str, Any] = {"raw_variable_values": variables, "context_value": Fate(seed)}
    executor = StrawberryGraphQLCoreExecutionContext.build(SCHEMA, parsed, **given, operation_extensions=None)
    assert isinstance(executor, StrawberryGraphQLCoreExecutionContext)
    theirs: Any = execute(
        SCHEMA,
        parsed,
        context_value=Fate(seed),
        variable_values=variables,
        executor_class=StrawberryGraphQLCoreExecutionContext,
    )
    if optimized_is_awaitable(theirs):
        theirs = await theirs
    return await Run(plan, executor).execute(), theirs


@pytest.mark.parametrize("seed", SEEDS)
async def test_same_data_and_errors_as_graphql_core(seed: int) -> None:
    documents = Documents(SCHEMA, seed, depth=4)
    for number in range(DOCUMENTS_EACH):
        asked = documents.next()
        try:
            ours, theirs = await both(asked.document, asked.variables, 100 * seed + number)
        except NotCompiled as left:
            pytest.fail(f"{left.reason}: {asked.document}")
        assert told(ours) == told(theirs), f"{asked.document}\n{asked.variables}"


@pytest.mark.parametrize("below", ["number word calls", "named: called number", "a: called calls word"])
async def test_what_needs_no_waiting_is_answered_at_a_go_and_fails_as_everything_does(below: str) -> None:
    document = f"{{ branch {{ kin {{ strict {{ ... on Branch {{ marks {{ {below} }} }} }} }} marks {{ {below} }} }} }}"
    more = f"{{ top {{ ... on Branch {{ mark {{ {below} }} b: marks {{ {below} __typename }} }} }} }}"
    for text in (document, more):
        errors = []
        for seed in range(60):
            ours, theirs = await both(text, {}, seed)
            assert told(ours) == told(theirs), (text, seed)
            errors.append(len(ours.errors or ()))
        assert any(errors)
        assert 0 in errors


async def test_a_long_list_is_written_at_once_and_fails_as_everything_does() -> None:
    for document, fails in (
        ("{ crowd { number word calls called } }", False),
        ("{ crowd { number } more: crowd(of: 27) { __typename a: word b: called } }", False),
        ("{ crowd(of: 30) { number called } }", True),
        ("{ crowd(of: 30) { number calls } branch { kin { marks { called } } } }", True),
    ):
        for _ in range(2):
            ours, theirs = await both(document, {}, 7)
            assert told(ours) == told(theirs), document
            assert bool(ours.errors) == fails, document


async def test_a_selection_of_columns_is_looked_at_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, parsed = plan_of("{ branch { mark { number word } } }", {})
    executor = StrawberryGraphQLCoreExecutionContext.build(
        SCHEMA, parsed, context_value=Fate(0), operation_extensions=None
    )
    assert isinstance(executor, StrawberryGraphQLCoreExecutionContext)
    # The class is met for the first time.
    first = await Run(plan, executor).execute()
    looked_at = []
    read = Run._read

    def watched(self: Run, field: Any, *rest: Any) -> Any:
        looked_at.append(field.key)
        return read(self, field, *rest)

    monkeypatch.setattr(Run, "_read", watched)
    again = await Run(plan, executor).execute()
    assert told(again) == told(first)
    assert orjson.dumps(again.data) == b'{"branch":{"mark":{"number":0,"word":null}}}'
    assert looked_at == ["branch"]


async def test_objects_in_many_places_are_made_once_and_fail_everywhere() -> None:
    document = "{ top { ... on Branch { kin { number kin { number parent { number name } } twin { name } } } } }"
    errors = 0
    for seed in range(60):
        ours, theirs = await both(document, {}, seed)
        assert told(ours) == told(theirs), seed
        errors += len(ours.errors or ())
    assert errors
