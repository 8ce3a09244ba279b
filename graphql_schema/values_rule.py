"""Values written into a document that do not fit their place are told with that place, whoever refuses them."""

from collections.abc import Sequence
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    GraphQLError,
    GraphQLInputType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VisitorAction,
)
from graphql.utilities.validate_input_value import validate_input_literal


class ValuesRule(ValuesOfCorrectTypeRule):
    """GraphQL's rule, with the argument's path in the extensions, and with the location of what a scalar refuses."""

    _place: str

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        """An argument, whose value comes next."""
        self._place = node.name.value

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        """A variable, whose default may come next."""
        self._place = node.variable.name.value

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Report what does not fit of a value, whole as it is."""
        if input_type:

            def tell(error: GraphQLError, path: list[str | int]) -> None:
                extensions = {**(error.extensions or {}), "path": [self._place, *path]}
                self.report_error(GraphQLError(error.message, error.nodes or _at(node, path), extensions=extensions))

            validate_input_literal(node, input_type, tell, None, None, self.context.hide_suggestions)
        return SKIP


def _at(node: ValueNode, path: Sequence[str | int]) -> ValueNode:
    # What stands there; a value that is no list may stand for one.
    for step in path:
        if isinstance(node, ObjectValueNode):
            node = next(field.value for field in node.fields if field.name.value == step)
        elif isinstance(node, ListValueNode) and isinstance(step, int):
            node = node.values[step]
    return node
