"""Laws of the lists that the API offers."""

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import SQLModel

from graphql_schema import schema  # noqa: F401 - registers the families
from graphql_schema.families import FAMILIES


def keys(table: str) -> list[tuple[str, ...]]:
    """The columns of each whole index that the table has (tests/invariants/test_catalogue.py: it has them)."""
    declared = SQLModel.metadata.tables[table]
    whole = (index for index in declared.indexes if index.dialect_options["postgresql"].get("where") is None)
    unique = (key for key in declared.constraints if isinstance(key, UniqueConstraint | PrimaryKeyConstraint))
    return [
        *(tuple(column.name for column in index.columns) for index in whole),
        *(tuple(column.name for column in key.columns) for key in unique),
    ]


def test_every_order_of_a_list_is_that_of_an_index() -> None:
    # Else each page sorts all of a tenant's rows. What is unique needs no id to be an order.
    unordered = [
        f"{family.listing.table} by {column}"
        for family in FAMILIES.values()
        for column, _ in family.listing.sorts
        if not {("tenant_id", column, "id"), ("tenant_id", column)} & set(keys(family.listing.table))
    ]

    assert FAMILIES
    assert unordered == []
