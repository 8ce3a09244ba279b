"""Compiled execution against graphql-core's own, over random documents of a schema that fails in every way."""

import asyncio
import random
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Union

import pytest
import strawberry
from graphql import ExecutionResult, FragmentDefinitionNode, OperationDefinitionNode, execute, parse
from graphql.execution.values import get_variable_values
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.execution.plan import NotCompiled, Plan, compile_plan
from graphql_schema.execution.run import Run
from graphql_schema.execution.together import together
from tests.factories.documents import Documents

SEEDS = range(8)
DOCUMENTS_EACH = 12


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
        self._seed = seed

    def of(self, number: int, name: str, *ends: Any) -> Any:
        """One of the ends, or a failure: raised, or returned."""
        chance = random.Random(f"{self._seed} {number} {name}")
        if chance.random() < 0.04:
            raise Boom(f"{name} of {number}")
        if chance.random() < 0.02:
            return Boom(f"{name} of {number}, returned")
        return chance.choice(ends)

    def nodes(self, number: int, name: str) -> Any:
        """Some nodes; rarely what is no list, or null among them."""
        chance = random.Random(f"{self._seed} {number} {name} nodes")
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


@strawberry.type
class Branch(Node):
    """Nodes below."""

    children: list[Node] | None = strawberry.field(resolver=_resolve_children)

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
    """Data with its order, and errors; those of one wave end in any order."""
    errors = sorted((str(error.path), error.message, str(error.locations)) for error in result.errors or ())
    return repr(result.data), errors


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
