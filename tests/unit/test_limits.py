"""What a document may cost, and that finding out costs little."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, get_introspection_query, parse

from app.errors import DomainError
from app.limits.cost import Measured, Weights, measure
from app.limits.documents import DIRECTIVES_MAX, scan
from app.limits.overlaps import check_overlaps
from app.limits.values import LOOKED_AT_MAX, check_values

SCHEMA = build_schema(
    """
    type Query {
      shop: Shop
      orders(first: Int, last: Int, after: String): OrderConnection
      top(first: Int = 20): [Order!]!
      answer(where: Filter): Int
    }
    input Filter { not: Filter, text: String, number: Int }
    type Shop { name: String, orders(first: Int, last: Int): OrderConnection }
    type PageInfo { hasNextPage: Boolean }
    type OrderConnection { edges: [OrderEdge!]!, nodes: [Order!]!, pageInfo: PageInfo!, totalCount: Int! }
    type OrderEdge { cursor: String!, node: Order! }
    type Order { id: ID!, lines: [Line!]!, shop: Shop }
    type Line { id: ID! }
    """
)


def cost_of(
    document: str,
    variables: Mapping[str, Any] | None = None,
    *,
    schema: GraphQLSchema = SCHEMA,
    depth_max: int = 14,
    extra: Mapping[str, int] | None = None,
) -> Measured:
    parsed = parse(document)
    operation = next(item for item in parsed.definitions if isinstance(item, OperationDefinitionNode))
    return measure(
        schema, parsed, operation, variables or {}, Weights(page_items=50, extra=extra or {}), depth_max=depth_max
    )


def refusal_of(document: str, **more: Any) -> str:
    with pytest.raises(DomainError) as refused:
        cost_of(document, **more)
    return refused.value.code


@pytest.mark.parametrize(
    ("document", "variables", "points"),
    [
        ("{ answer }", {}, 1),  # a tenth, rounded up
        ("{ shop { name } }", {}, 2),
        ("{ a: shop { name } b: shop { name } c: shop { name } }", {}, 4),
        ("{ orders(first: 100) { nodes { id } } }", {}, 111),
        ("{ orders(last: 100) { nodes { id } } }", {}, 111),
        ("{ orders { nodes { id } } }", {}, 56),  # the default page of 50
        ("{ orders(first: 100) { pageInfo { hasNextPage } totalCount } }", {}, 3),  # no items, no multiplication
        ("{ orders(first: 10) { edges { cursor node { id } } } }", {}, 23),
        ("{ top { id } }", {}, 22),  # the schema's default of 20
        ("{ top(first: 3) { id } }", {}, 4),
        ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": 100}, 111),
        ("query ($n: Int = 10) { orders(first: $n) { nodes { id } } }", {}, 12),
        ("query ($n: Int = 10) { orders(first: $n) { nodes { id } } }", {"n": None}, 56),
        ("{ orders(first: 10) { nodes { lines { id } } } }", {}, 66),  # 5 lines are assumed
        ("{ orders(first: 10) { nodes { shop { orders(first: 10) { nodes { id } } } } } }", {}, 141),
        ("{ orders(first: -5) { nodes { id } } }", {}, 1),
        ("{ unknown(first: 1000) { also { unknown } } }", {}, 3),  # validation's to refuse
    ],
)
def test_cost_multiplies_nested_pages(document: str, variables: dict[str, Any], points: int) -> None:
    assert cost_of(document, variables).cost == points


def test_four_nested_lists_of_a_hundred_cost_a_hundred_million() -> None:
    document = "{ orders(first: 100) { nodes { shop { " * 4 + "name" + " } } }" * 4 + "}"

    assert cost_of(document.replace("{ orders", "orders").replace("orders", "{ orders", 1)).cost > 100**4


def test_extra_weight_counts_for_each_item() -> None:
    document = "{ orders(first: 10) { nodes { shop { name } } } }"

    assert cost_of(document, extra={"Order.shop": 20}).cost - cost_of(document).cost == 200


def test_fragment_costs_as_if_it_were_written_out() -> None:
    spread = """
        query ($n: Int) { orders(first: $n) { ...Page } }
        fragment Page on OrderConnection { nodes { ...Row } edges { node { ...Row } } }
        fragment Row on Order { id lines { ...on Line { id } } }
    """
    written = "query ($n: Int) { orders(first: $n) {  nodes { id lines { id } } edges { node { id lines { id } } } } }"

    assert cost_of(spread, {"n": 30}).cost == cost_of(written, {"n": 30}).cost


def test_size_variables_are_those_that_decide() -> None:
    measured = cost_of(
        "query ($n: Int, $after: String) { orders(first: $n, after: $after) { nodes { id } } }", {"n": 1}
    )

    assert measured.size_variables == ("n",)


def test_aliases_are_bounded_by_cost() -> None:
    document = "{" + " ".join(f"a{number}: orders(first: 100) {{ nodes {{ id }} }}" for number in range(1_000)) + "}"

    assert cost_of(document).cost > 100_000


def doubling(count: int) -> str:
    """Fragments that each unfold the one before twice: 2^count rows from a few hundred bytes."""
    fragments = "".join(
        f"fragment F{number} on Order {{ a: shop {{ orders {{ nodes {{ ...F{number - 1} }} }} }}"
        f" b: shop {{ orders {{ nodes {{ ...F{number - 1} }} }} }} }}"
        for number in range(1, count)
    )
    return f"query {{ top {{ ...F{count - 1} }} }} fragment F0 on Order {{ id }} {fragments}"


def flat(count: int) -> str:
    """Fragments that each spread the one before twice, at one level."""
    fragments = "".join(
        f"fragment F{number} on Order {{ ...F{number - 1} ...F{number - 1} id }}" for number in range(1, count)
    )
    return f"query {{ top {{ ...F{count - 1} }} }} fragment F0 on Order {{ id }} {fragments}"


def wide(count: int) -> str:
    """Many pages of many sizes over one chain of fragments on the connection."""
    fragments = "".join(f"fragment F{number} on OrderConnection {{ ...F{number - 1} }}" for number in range(1, count))
    aliases = " ".join(f"a{number}: orders(first: {number}) {{ ...F{count - 1} }}" for number in range(count))
    return f"query {{ {aliases} }} fragment F0 on OrderConnection {{ nodes {{ id }} }} {fragments}"


@pytest.mark.parametrize("grow", [doubling, flat, wide])
@pytest.mark.parametrize("count", [4, 8, 16])
def test_twice_the_document_takes_at_most_twice_the_work(grow: Any, count: int) -> None:
    once, twice = cost_of(grow(count), depth_max=1_000), cost_of(grow(count * 2), depth_max=1_000)

    assert twice.visited <= 2.5 * once.visited
    assert once.visited <= scan(parse(grow(count))).nodes


@pytest.mark.parametrize("count", [2, 3, 20])
def test_fragment_cycles_end(count: int) -> None:
    fragments = "".join(
        f"fragment F{number} on Order {{ shop {{ orders {{ nodes {{ ...F{(number + 1) % count} }} }} }} }}"
        for number in range(count)
    )
    spread_directly = "".join(
        f"fragment G{number} on Order {{ ...G{(number + 1) % count} }}" for number in range(count)
    )

    measured = cost_of(f"query {{ top {{ ...F0 ...G0 ...missing }} }} {fragments} {spread_directly}", depth_max=1_000)

    assert measured.visited < 10 * count + 10


def test_depth_counts_fields_and_not_fragments() -> None:
    document = "{ orders { nodes { ...A } } } fragment A on Order { ...B } fragment B on Order { shop { name } }"

    assert cost_of(document, depth_max=4).depth == 4
    assert cost_of(document.replace("...A", "... on Order { ... { ...A } }"), depth_max=4).depth == 4
    assert refusal_of(document, depth_max=3) == "QUERY_TOO_DEEP"


def test_depth_of_a_fragment_that_was_met_before_counts_again() -> None:
    document = """
        { top { ...Tail shop { orders { nodes { shop { orders { nodes { ...Tail } } } } } } } }
        fragment Tail on Order { shop { orders { nodes { id } } } }
    """

    assert cost_of(document, depth_max=11).depth == 11
    assert refusal_of(document, depth_max=10) == "QUERY_TOO_DEEP"


def test_a_long_chain_of_fragments_is_refused_before_it_exhausts_the_stack() -> None:
    chain = "".join(f"fragment F{number} on Order {{ ...F{number + 1} }}" for number in range(5_000))

    assert refusal_of(f"{{ top {{ ...F0 }} }} {chain} fragment F5000 on Order {{ id }}") == "QUERY_TOO_DEEP"


def test_introspection_has_a_depth_of_its_own_and_is_cheap() -> None:
    measured = cost_of(get_introspection_query(), depth_max=5)

    assert measured.cost < 2_000


def test_repeated_introspection_is_not_cheap() -> None:
    fields = " ".join(f"a{number}: name" for number in range(200))
    document = f"{{ __schema {{ types {{ fields {{ type {{ fields {{ {fields} }} }} }} }} }} }}"

    assert cost_of(document).cost > 1_000


def refused_by_scan(document: str) -> str:
    with pytest.raises(DomainError) as refused:
        scan(parse(document))
    return refused.value.code


def test_scan_refuses_what_no_document_may_hold() -> None:
    directives = "@skip(if: false) " * (DIRECTIVES_MAX + 1)
    nested = "{not: " * 40 + "{}" + "}" * 40

    assert refused_by_scan(f"{{ answer {directives} }}") == "QUERY_TOO_COSTLY"
    assert refused_by_scan(f"{{ answer(where: {{number: {'9' * 5_000}}}) }}") == "BAD_USER_INPUT"
    assert refused_by_scan(f"{{ answer(where: {{number: 1.{'9' * 5_000}}}) }}") == "BAD_USER_INPUT"
    assert refused_by_scan('{ answer(where: {text: "a\\u0000b"}) }') == "BAD_USER_INPUT"
    assert refused_by_scan(f"{{ answer(where: {nested}) }}") == "QUERY_TOO_DEEP"
    # Also where it is not used, for validation reads it.
    assert refused_by_scan(f"{{ answer }} fragment F on Query {{ answer(where: {{number: {'9' * 99}}}) }}")
    assert refused_by_scan(f"query ($n: Int = {'9' * 99}) {{ answer(where: {{number: $n}}) }}") == "BAD_USER_INPUT"


def test_scan_looks_at_every_node_once() -> None:
    assert scan(parse("{ a(b: [1, 2]) @skip(if: true) { c } }")).nodes == 12


def test_values_are_refused_when_too_deep_or_unstorable() -> None:
    deep: Any = {"text": "ok"}
    for _ in range(100):
        deep = {"not": deep}

    check_values({"where": {"in": ["a", 1, None, 1.5, True]}})
    with pytest.raises(DomainError, match="nested deeper"):
        check_values(deep)
    with pytest.raises(DomainError, match="U\\+0000"):
        check_values({"orders": [{"externalId": "a\0"}]})


def test_a_value_that_cannot_be_kept_is_told_with_its_place() -> None:
    with pytest.raises(DomainError) as refused:
        check_values({"note": "fine", "orders": [{"externalId": "a"}, {"lines": [], "externalId": "a\0"}]})
    with pytest.raises(DomainError) as endless:
        check_values({"at": [1.5, float("inf")]})

    with pytest.raises(DomainError) as lost:
        check_values({"far": [["a\0"]], "numbers": list(range(LOOKED_AT_MAX))})

    assert lost.value.path == ()
    assert refused.value.path == ("orders", "1", "externalId")
    assert endless.value.path == ("at", "1")


def shared(count: int) -> str:
    """Many fragments that select one field of one object."""
    fragments = " ".join(f"fragment F{number} on Query {{ shop {{ name }} }}" for number in range(count))
    return "{ " + " ".join(f"...F{number}" for number in range(count)) + " } " + fragments


@pytest.mark.parametrize(
    ("document", "pairs"),
    [
        ("{ shop { name } answer }", 0),
        ("{ shop { name } shop { name } shop { name } }", 3 + 3),
        ("{ a: shop { name } b: shop { name } }", 0),
        ("{ shop { name name } shop { name name } }", 1 + 6),
        ("{ ... { shop { name } } ... on Query { shop { name } } }", 1 + 1),
        (shared(10), 45 + 45),
        ("{ ...A ...A } fragment A on Query { shop { name } ...A ...Missing }", 0),
        ("query A { answer } query B { answer }", 0),
    ],
)
def test_pairs_that_validation_compares_are_counted(document: str, pairs: int) -> None:
    assert check_overlaps(parse(document)) == pairs


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "shop { name } " * 60 + "}",
        "{ " + "shop { name name name } " * 30 + "}",
        shared(60),
        doubling(60),
    ],
)
def test_too_many_pairs_are_refused(document: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_overlaps(parse(document))
    assert refused.value.code == "QUERY_TOO_COSTLY"


def test_fragment_cycles_end_when_pairs_are_counted() -> None:
    assert (
        check_overlaps(parse("{ ...A } fragment A on Query { shop { ...B } } fragment B on Shop { o { ...A } }")) == 0
    )
