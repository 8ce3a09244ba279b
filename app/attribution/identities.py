"""Whether who bought is who would earn by it: e-mail addresses as hashes, the store's id, payout accounts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.core.hashing import email_hash


@dataclass(frozen=True, slots=True)
class Buyer:
    """A person as a buyer. customer: the store's id. emails: hashes of addresses; a payout account may be one too."""

    customer: str | None = None
    emails: frozenset[str] = frozenset()

    def is_same(self, other: "Buyer") -> bool:
        """Whether any of what is known of both is equal."""
        return (self.customer is not None and self.customer == other.customer) or not self.emails.isdisjoint(
            other.emails
        )


def hashes(tenant_id: UUID, addresses: Iterable[str | None]) -> frozenset[str]:
    """The hashes of those that are addresses; what is no address (an account's number) is left out."""
    return frozenset(email_hash(tenant_id, address) for address in addresses if address is not None and "@" in address)
