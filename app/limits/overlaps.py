"""Bounds on fields that answer under one name, in one place of the answer.

Validation compares every two of them, down to their leaves, to find out whether they can be merged: a hundred times the
same field is five thousand comparisons, and ten fields below each make it half a million. What validation would compare
is counted here first, without comparing anything.
"""

from collections import defaultdict

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from app.errors import DomainError

COMPARISONS_MAX = 3_000
"""Pairs of fields that validation may compare: some ten microseconds each."""

EXPANDED_MAX = 10_000
"""Fields of a document with its fragments written out."""

DEPTH_MAX = 50
"""Levels that are followed: fragments may spread each other in a circle, which validation refuses later."""


def check_overlaps(document: DocumentNode) -> int:
    """How many pairs of fields validation will compare. Raises QUERY_TOO_COSTLY when they are too many."""
    fragments = {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    comparisons = expanded = 0
    # Selections that are merged with each other, because the fields above them answer under one name.
    merged = [(1, [operation.selection_set]) for operation in operations]
    while merged:
        depth, together = merged.pop()
        by_name, looked_at = _fields(together, fragments)
        expanded += looked_at
        for below in by_name.values():
            comparisons += len(below) * (len(below) - 1) // 2
            nested = [selections for selections in below if selections is not None]
            if nested and depth < DEPTH_MAX:
                merged.append((depth + 1, nested))
        if comparisons > COMPARISONS_MAX or expanded > EXPANDED_MAX:
            raise DomainError(
                "QUERY_TOO_COSTLY",
                "The document repeats the same fields too often. Select each once, or under names of their own.",
            )
    return comparisons


def _fields(
    together: list[SelectionSetNode], fragments: dict[str, SelectionSetNode]
) -> tuple[dict[str, list[SelectionSetNode | None]], int]:
    """What is selected below each field, by the name it answers under; and how many selections were looked at."""
    by_name: dict[str, list[SelectionSetNode | None]] = defaultdict(list)
    looked_at = 0
    spread: set[str] = set()
    stack = list(together)
    while stack:
        for selection in stack.pop().selections:
            looked_at += 1
            match selection:
                case FieldNode():
                    by_name[(selection.alias or selection.name).value].append(selection.selection_set)
                case InlineFragmentNode():
                    stack.append(selection.selection_set)
                case FragmentSpreadNode():
                    name = selection.name.value
                    if name in fragments and name not in spread:
                        spread.add(name)
                        stack.append(fragments[name])
    return by_name, looked_at
