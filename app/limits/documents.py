"""Bounds on a parsed document that need no schema and no variables: checked once, when the document is first seen.

Every node is looked at once, without recursion, in definitions that are used and in those that are not: validation
reads them all.
"""

from dataclasses import dataclass
from math import isfinite

from graphql import (
    DirectiveNode,
    DocumentNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
)

from app.errors import DomainError

DIRECTIVES_MAX = 50
"""Directives of one document."""

NUMBER_LENGTH_MAX = 40
"""Characters of a number: Python refuses to read integers beyond 4,300 digits, in words of its own."""

VALUE_DEPTH_MAX = 32
"""Nesting of lists and objects in one argument."""

COMMENTS_MAX = 1_000
"""Comments of one document; they are no tokens, so the token limit does not see them."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan saw. nodes: how many were looked at, which is also what keeping the document costs in memory."""

    nodes: int
    directives: int


def scan(document: DocumentNode) -> Scanned:
    """The document's size. Raises QUERY_TOO_COSTLY or BAD_USER_INPUT for what no document may hold."""
    nodes = directives = 0
    stack: list[tuple[Node, int]] = [(definition, 0) for definition in document.definitions]
    while stack:
        node, value_depth = stack.pop()
        nodes += 1
        match node:
            case DirectiveNode():
                directives += 1
            case IntValueNode() | FloatValueNode():
                check_number(node.value)
            case StringValueNode():
                check_text(node.value)
            case ListValueNode() | ObjectValueNode():
                value_depth += 1
                if value_depth > VALUE_DEPTH_MAX:
                    raise DomainError("QUERY_TOO_DEEP", f"A value is nested deeper than {VALUE_DEPTH_MAX} levels.")
            case VariableNode():
                continue
        stack.extend((child, value_depth) for child in children(node))
    if directives > DIRECTIVES_MAX:
        raise DomainError(
            "QUERY_TOO_COSTLY", f"The document has {directives} directives; at most {DIRECTIVES_MAX} are allowed."
        )
    return Scanned(nodes=nodes, directives=directives)


def children(node: Node) -> list[Node]:
    """The nodes directly below, names and types left out: they hold no values."""
    found: list[Node] = []
    for field in ("selection_set", "value", "default_value"):
        child = getattr(node, field, None)
        if isinstance(child, Node):
            found.append(child)
    for field in ("selections", "arguments", "directives", "variable_definitions", "values", "fields"):
        found.extend(getattr(node, field, None) or ())
    return found


def check_text(value: str) -> None:
    """Raise BAD_USER_INPUT for text that no database can keep."""
    if "\0" in value:
        raise DomainError("BAD_USER_INPUT", "A text holds the character U+0000, which cannot be stored.")


def check_number(value: str) -> None:
    """Raise BAD_USER_INPUT for a literal that Python would read as infinity, or not at all."""
    if len(value) > NUMBER_LENGTH_MAX:
        raise DomainError("BAD_USER_INPUT", f"A number has more than {NUMBER_LENGTH_MAX} characters.")
    if not isfinite(float(value)):
        raise DomainError("BAD_USER_INPUT", "A number is larger than any that can be kept.")
