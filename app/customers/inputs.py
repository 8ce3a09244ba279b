"""What stores send about customers, as plain values."""

from dataclasses import dataclass

from app.core.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class CustomerInput:
    """A customer as the store knows them. Only what is mentioned changes; null clears.

    country: ISO 3166-1 alpha-2. email, name, phone: personal data, kept apart from facts.
    """

    external_id: str
    country: str | Unset | None = UNSET
    email: str | Unset | None = UNSET
    name: str | Unset | None = UNSET
    phone: str | Unset | None = UNSET
