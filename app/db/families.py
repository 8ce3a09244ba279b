"""What an exported family of facts is: a file of a table's rows, with columns that are described."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a column: what its values are in a file."""

    ID = "id"
    TEXT = "text"
    TEXTS = "list of texts"
    INTEGER = "integer"
    MINOR = "minor units"
    WEIGHT = "1e-9"
    RATE = "share"
    EXCHANGE_RATE = "units of quote for one of base"
    DAY = "day"
    INSTANT = "instant"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file. expression: where it is not the table's column of the same name."""

    name: str
    kind: Kind
    description: str
    expression: str = ""

    @property
    def sql(self) -> str:
        """What is selected."""
        source = self.expression or f"fact.{self.name}"
        return f"{source}::text AS {self.name}" if self.kind is Kind.ID else f"{source} AS {self.name}"


@dataclass(frozen=True, slots=True)
class Family:
    """One file: a table's rows, in the order of its key. is_global: of no tenant, and exported whole."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: str = "fact.id"
    is_global: bool = False

    @property
    def sql(self) -> str:
        """The statement that reads it; $1 is the tenant."""
        columns = ", ".join(column.sql for column in self.columns)
        where = "$1::uuid IS NOT NULL" if self.is_global else "fact.tenant_id = $1"
        return (
            f"/* facts.{self.name} */ SELECT {columns} FROM {self.name} AS fact "  # noqa: S608 - constants
            f"WHERE {where} ORDER BY {self.key}"
        )
