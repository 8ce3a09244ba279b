"""The outbox: events written in the transaction that caused them, delivered later by the worker."""

from app.outbox.service import TOPICS, Event, append

__all__ = ["TOPICS", "Event", "append"]
