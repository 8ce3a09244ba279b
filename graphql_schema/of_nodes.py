"""What is known of documents beside them: it goes when they do."""

from collections.abc import Sequence
from typing import Generic, TypeVar
from weakref import ref

from graphql import Node

T = TypeVar("T")


class OfNodes(Generic[T]):
    """Something of each of several groups of nodes, by their identity, for as long as all of a group's nodes live.

    What is kept must not hold the nodes: they would never go.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[int, ...], tuple[tuple[ref[Node], ...], T]] = {}

    def get(self, nodes: Sequence[Node]) -> T | None:
        """What is kept of the nodes; None where nothing is."""
        found = self._found.get(tuple(map(id, nodes)))
        return None if found is None else found[1]

    def keep(self, nodes: Sequence[Node], value: T) -> None:
        """Keep it as long as the nodes live."""
        place = tuple(map(id, nodes))
        found = self._found

        def forget(_: ref[Node]) -> None:
            found.pop(place, None)

        found[place] = tuple(ref(node, forget) for node in nodes), value
