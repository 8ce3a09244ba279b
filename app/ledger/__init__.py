"""The ledger: double entry, append-only, per currency; balances are derived."""

from app.ledger.postings import Entry, Posting, of_commission, of_move
from app.ledger.service import append

__all__ = ["Entry", "Posting", "append", "of_commission", "of_move"]
