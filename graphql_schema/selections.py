"""Selections below `analytics` fields that were read once: documents are kept, and so is what they select.

A selection depends on its nodes and on the variables that it names; the field's own arguments are read at every call.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, Node, VariableNode

from graphql_schema.analytics_selection import Document, Selection, selected
from graphql_schema.of_nodes import OfNodes

VALUES_MAX = 20
"""Selections that are kept of one field, for different values of the variables that it names."""

VALUES_LENGTH_MAX = 5_000
"""Characters of such values: filters of a thousand ids are not kept."""


@dataclass(slots=True)
class Kept:
    """What was read of one field."""

    variables: tuple[str, ...]
    found: OrderedDict[str, Selection] = field(default_factory=OrderedDict)


class Selections:
    """The selections of the documents that a process keeps."""

    def __init__(self) -> None:
        self._kept: OfNodes[Kept] = OfNodes()

    def of(self, document: Document, nodes: Sequence[FieldNode]) -> Selection:
        """What is selected below the nodes."""
        kept = self._kept.get(nodes)
        if kept is None:
            names, spread = dict[str, None](), set[str]()
            for node in nodes:
                _look(node.selection_set, document.fragments, names, spread)
            kept = Kept(tuple(names))
            self._kept.keep(nodes, kept)
        values = repr([document.variables.coerced.get(name) for name in kept.variables]) if kept.variables else ""
        if len(values) > VALUES_LENGTH_MAX:
            return selected(document, nodes)
        selection = kept.found.get(values)
        if selection is None:
            selection = kept.found[values] = selected(document, nodes)
            if len(kept.found) > VALUES_MAX:
                kept.found.popitem(last=False)
        return selection


def _look(
    node: Node | None, fragments: Mapping[str, FragmentDefinitionNode], names: dict[str, None], spread: set[str]
) -> None:
    # Puts the names of variables in names. spread: fragments that were looked at; those that spread one another twice
    # at each level have a number of ways through them that doubles with each.
    match node:
        case None:
            return
        case VariableNode():
            names[node.name.value] = None
            return
        case FragmentSpreadNode() if node.name.value not in spread:
            spread.add(node.name.value)
            _look(fragments[node.name.value].selection_set, fragments, names, spread)
    for key in node.keys:
        below = getattr(node, key, None)
        for each in below if isinstance(below, (list, tuple)) else (below,):
            if isinstance(each, Node):
                _look(each, fragments, names, spread)
