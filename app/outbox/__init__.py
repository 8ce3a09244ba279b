"""The outbox: events written in the transaction that caused them, kept for consumers that are to come."""

from app.outbox.service import TOPICS, Event, append

__all__ = ["TOPICS", "Event", "append"]
