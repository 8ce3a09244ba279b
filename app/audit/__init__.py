"""The audit log: who did what, when, to how many rows. One row per use case that changed something."""

from app.audit.service import Entry, append, append_all

__all__ = ["Entry", "append", "append_all"]
