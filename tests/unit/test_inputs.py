"""Variables and arguments as they are read here, and as graphql-core reads them: the same, or left to it."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_argument_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.execution.inputs import Unusual, Variables, arguments_reader

SCHEMA = build_schema("""
  enum Colour { RED GREEN }
  scalar Any
  input Point { x: Int!, y: Int = 7, colour: Colour, tags: [String!] }
  input Pick @oneOf { point: Point, number: Int, points: [Point!] }
  input Tree { value: Int!, below: [Tree!], pick: Pick }
  type Query {
    plain(number: Int, text: String = "no", needed: Int! = 3, colour: Colour = RED): Int
    some(numbers: [Int], texts: [String!]! = ["a"], deep: [[Int!]]): Int
    point(point: Point!, pick: Pick, points: [Point]): Int
    tree(tree: Tree, any: Any): Int
  }
""")

NAMED = ["Int", "Int!", "String", "Float!", "Boolean", "ID!", "Colour", "Point", "Pick", "Pick!", "Tree", "Any"]
TYPES = [*NAMED, "[Int]", "[Int!]!", "[[String]]", "[Point!]"]
DEFAULTS = {"Int": "4", "String": '"d"', "[Int]": "[1, 2]", "Point": "{x: 1}", "Colour": "GREEN", "Pick": "{number: 2}"}

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.floats(allow_nan=False),
    st.sampled_from(["RED", "GREEN", "BLUE", "", "7"]),
)
NAMES = st.sampled_from(["x", "y", "colour", "tags", "point", "number", "points", "value", "below", "pick", "other"])
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3), max_leaves=8
)
POINTS = st.fixed_dictionaries(
    {"x": st.integers(-9, 9)},
    optional={"y": st.integers(-9, 9) | st.none(), "colour": st.sampled_from(["RED", "BLUE"])},
)
PICKS = st.one_of(
    st.fixed_dictionaries({"point": POINTS}),
    st.fixed_dictionaries({"number": st.integers(0, 9) | st.none()}),
    st.fixed_dictionaries({"points": st.lists(POINTS, max_size=2)}),
    st.fixed_dictionaries({"point": POINTS, "number": st.integers(0, 9)}),
)
LIKELY = st.one_of(VALUES, POINTS, PICKS, st.lists(POINTS, max_size=2), st.lists(st.integers(-9, 9), max_size=3))


def _operation(text: str) -> OperationDefinitionNode:
    (node,) = parse(text).definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def _by_graphql_core(node: OperationDefinitionNode, sent: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
    return get_variable_values(SCHEMA, node.variable_definitions or (), dict(sent))


@given(st.sampled_from(TYPES), st.booleans(), st.dictionaries(st.sampled_from(["a", "b"]), LIKELY))
def test_variables(kind: str, has_default: bool, sent: dict[str, Any]) -> None:
    default = f" = {DEFAULTS[kind]}" if has_default and kind in DEFAULTS else ""
    node = _operation(f"query ($a: {kind}{default}, $b: Int) {{ plain }}")
    expected = _by_graphql_core(node, sent)
    try:
        found = Variables(SCHEMA, node.variable_definitions or ()).read(sent)
    except Unusual:
        # What is refused is left to it; what is not may be, where it makes a list of a single value.
        return
    assert isinstance(expected, VariableValues)
    _assert_same(found, expected)


def _assert_same(found: VariableValues, expected: VariableValues) -> None:
    assert found.coerced == expected.coerced
    # Types made of others are the same by their names alone.
    assert [(name, str(source.signature.type), source.value) for name, source in found.sources.items()] == [
        (name, str(source.signature.type), source.value) for name, source in expected.sources.items()
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Int!", 3),
        ("[Int!]!", [1, 2]),
        ("Point", {"x": 1, "colour": "RED", "tags": ["a"]}),
        ("Pick!", {"points": [{"x": 1, "y": None}]}),
        ("Tree", {"value": 1, "below": [{"value": 2}]}),
        ("Any", {"anything": [1]}),
        ("Int", None),
    ],
)
def test_usual_variables_are_not_left_to_graphql_core(kind: str, value: Any) -> None:
    node = _operation(f"query ($a: {kind}) {{ plain }}")
    expected = _by_graphql_core(node, {"a": value})
    assert isinstance(expected, VariableValues)
    _assert_same(Variables(SCHEMA, node.variable_definitions or ()).read({"a": value}), expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Int!", None),
        ("Int", "3"),
        ("[Int]", 3),
        ("Point", {"y": 1}),
        ("Point", {"x": 1, "z": 1}),
        ("Pick", {}),
        ("Pick", {"number": None}),
        ("Colour", "BLUE"),
        ("Tree", {"below": []}),
    ],
)
def test_what_is_unusual_is_left_to_graphql_core(kind: str, value: Any) -> None:
    node = _operation(f"query ($a: {kind}) {{ plain }}")
    with pytest.raises(Unusual):
        Variables(SCHEMA, node.variable_definitions or ()).read({"a": value})


FIELDS = (
    "plain(number: $i, text: $t, colour: $c)",
    "plain(needed: $i)",
    "plain(number: 3, text: null, colour: GREEN)",
    "plain",
    "some(numbers: [$i, 2, $i], texts: [$s])",
    "some(numbers: $l, deep: [[1], $k])",
    "some(numbers: 3, texts: $u)",
    "point(point: {x: $j, y: $i, colour: $c, tags: [$s]})",
    "point(point: $p, pick: {number: $j}, points: [$q, {x: 1}, null])",
    "point(point: {x: 1}, pick: {point: {x: $j}}, points: {x: $j})",
    "point(point: {x: 1, tags: $u}, pick: {points: [{x: $j, y: 2}]})",
    "tree(tree: {value: 1, below: [{value: $j, pick: {number: $j}}]}, any: {a: [$i]})",
    "tree(tree: {value: $j}, any: $a)",
)
DECLARED = (
    '$i: Int, $j: Int! = 1, $t: String, $s: String! = "s", $c: Colour, $l: [Int], $k: [Int!], $u: [String!] = ["d"], '
    "$p: Point! = {x: 1}, $q: Point, $a: Any"
)
SENT = st.fixed_dictionaries(
    {},
    optional={
        "i": st.integers(0, 9) | st.none(),
        "j": st.integers(0, 9),
        "t": st.text(max_size=2) | st.none(),
        "c": st.sampled_from(["RED", "GREEN", None]),
        "l": st.lists(st.integers(0, 9) | st.none(), max_size=2) | st.none(),
        "k": st.lists(st.integers(0, 9), max_size=2) | st.none(),
        "u": st.lists(st.text(max_size=2), max_size=2),
        "p": POINTS.filter(lambda point: point.get("colour") != "BLUE"),
        "a": LEAVES,
        "q": POINTS.filter(lambda point: point.get("colour") != "BLUE") | st.none(),
    },
)


@given(st.sampled_from(FIELDS), SENT)
def test_arguments(selected: str, sent: dict[str, Any]) -> None:
    field, variables = _field(SCHEMA, selected), _variables(selected, sent)
    definition = SCHEMA.query_type.fields[field.name.value] if SCHEMA.query_type else None
    assert definition is not None
    try:
        expected: Any = get_argument_values(definition, field, variables)
    except GraphQLError as error:
        expected = error
    try:
        found = arguments_reader(definition, field)(variables.coerced)
    except Unusual:
        return
    assert found == expected


@pytest.mark.parametrize("selected", FIELDS)
def test_fields_are_read_without_graphql_core(selected: str) -> None:
    field = _field(SCHEMA, selected)
    assert SCHEMA.query_type is not None
    definition = SCHEMA.query_type.fields[field.name.value]
    is_left = "points: {" in selected or "any: {" in selected
    sent = {"i": 1, "j": 2, "t": "a", "c": "RED", "l": [1], "k": [2], "u": ["b"], "p": {"x": 3}, "q": None}
    variables = _variables(selected, sent)
    if is_left:
        with pytest.raises(Unusual):
            arguments_reader(definition, field)
    else:
        assert arguments_reader(definition, field)(variables.coerced) == get_argument_values(
            definition, field, variables
        )


def _field(schema: GraphQLSchema, selected: str) -> FieldNode:
    text = f"query ({DECLARED}) {{ {selected} }}"
    assert not [error for error in validate(schema, parse(text)) if "never used" not in error.message]
    (field,) = _operation(text).selection_set.selections
    assert isinstance(field, FieldNode)
    return field


def _variables(selected: str, sent: Mapping[str, Any]) -> VariableValues:
    found = _by_graphql_core(_operation(f"query ({DECLARED}) {{ {selected} }}"), sent)
    assert isinstance(found, VariableValues)
    return found
