"""What stores send about products, as plain values."""

from dataclasses import dataclass

from app.core.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class ProductInput:
    """A product as the store knows it. Only what is mentioned changes; null clears.

    external_id: the SKU. title: of a new product without one, its SKU.
    """

    external_id: str
    title: str | Unset | None = UNSET
    category: str | Unset | None = UNSET
