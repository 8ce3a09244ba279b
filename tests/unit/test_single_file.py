"""Which operations await one resolver at a time: what these load waits for nobody who might ask for more."""

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues

from graphql_schema.execution.plan import compile_plan
from graphql_schema.schema import schema

NUMBERS = """analytics(range: {between: {from: "2025-01-01T00:00:00Z", until: "2025-02-01T00:00:00Z"}}) {
  totals { clicks } table(by: [{dimension: {name: CAMPAIGN}}], measures: [{name: CLICKS}]) { rowCount }
}"""


@pytest.mark.parametrize(
    ("document", "is_one_by_one"),
    [
        (f'{{ campaign(id: "1") {{ id name {NUMBERS} }} }}', True),
        ("{ campaigns(first: 2) { nodes { id name } } }", True),
        ('{ one: campaign(id: "1") { id } other: campaign(id: "2") { id } }', False),
        ('{ campaign(id: "1") { links { nodes { id } } codes { nodes { id } } } }', False),
        (f"{{ campaigns(first: 2) {{ nodes {{ id {NUMBERS} }} }} }}", False),
        ("{ enrollments(first: 2) { nodes { influencer { id } } } }", False),
    ],
)
def test_only_what_is_awaited_one_by_one_is_so(document: str, *, is_one_by_one: bool) -> None:
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    plan = compile_plan(schema._schema, operation, {}, VariableValues({}, {}))
    assert plan.in_single_file is is_one_by_one
