"""The ledger: double entry, append-only, per currency; balances are derived."""

from app.ledger.postings import ACCOUNTS, Entry, Posting, of_commission, of_move, of_return
from app.ledger.service import append

__all__ = ["ACCOUNTS", "Entry", "Posting", "append", "of_commission", "of_move", "of_return"]
