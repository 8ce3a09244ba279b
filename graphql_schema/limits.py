"""What the schema adds to the cost of an operation: fields that run statements of their own, and the default page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

from app.errors import DomainError
from app.limits.cost import Measured, Weights, measure
from app.settings import Settings
from graphql_schema.connection import PAGE_ITEMS_DEFAULT

EXTRA: dict[str, int] = {
    "Analytics.totals": 5,
    "Analytics.series": 20,
    "Analytics.groups": 20,
    "Analytics.table": 100,
    "Query.cohorts": 100,
    "Catalog.rollups": 20,
    "Catalog.dataFrom": 5,
    "Catalog.dataUntil": 5,
}
"""Points of fields beyond their object, by "Type.field". A test checks that every name exists.

`Analytics.plan` has none: a plan reads nothing, and takes about as long as a few objects of an answer.
"""

MEASURES_KEPT = 32
"""Measures remembered of one operation, by the values of its page sizes."""


@dataclass(slots=True)
class Meter:
    """Measures one operation of a kept document, once for each combination of page sizes."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    _kept: dict[tuple[Any, ...], Measured] = field(default_factory=dict)
    _sizes: tuple[str, ...] | None = None

    def check(self, variables: Mapping[str, Any], settings: Settings) -> Measured:
        """The operation's measure. Raises QUERY_TOO_DEEP and QUERY_TOO_COSTLY beyond the settings' limits."""
        measured = None if self._sizes is None else self._kept.get(self._key(self._sizes, variables))
        if measured is None:
            measured = measure(
                self.schema,
                self.document,
                self.operation,
                variables,
                Weights(page_items=PAGE_ITEMS_DEFAULT, extra=EXTRA),
                depth_max=settings.depth_max,
            )
            self._sizes = measured.size_variables
            if len(self._kept) >= MEASURES_KEPT:
                self._kept.clear()
            self._kept[self._key(self._sizes, variables)] = measured
        if measured.cost > settings.cost_max:
            raise DomainError(
                "QUERY_TOO_COSTLY",
                f"The operation may cost {measured.cost} points; at most {settings.cost_max} are allowed. "
                "Ask for smaller pages or fewer fields.",
            )
        return measured

    @staticmethod
    def _key(sizes: tuple[str, ...], variables: Mapping[str, Any]) -> tuple[Any, ...]:
        # A variable that was not given differs from one that is null: only the first takes its default.
        return tuple(_size_of(variables[name]) if name in variables else ... for name in sizes)


def _size_of(value: Any) -> int | None:
    return value if isinstance(value, int) else None
