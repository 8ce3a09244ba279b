"""The word of an epoch, that whoever remembers something of it compares: see keys.py."""

import secrets
from typing import Any

EPOCH_LIFE_S = 60
"""Seconds until an epoch ends by itself: how long a change may stay unfelt that could not be told to Redis."""

WORD_PREFIX = "epoch-"
"""How the word of an epoch begins."""


def new_word() -> str:
    """The word of a new epoch."""
    return WORD_PREFIX + secrets.token_hex(16)


def word_of(reply: Any) -> str | None:
    """The word that Redis gave; None where it is none: by its form it is known from the reply to another command."""
    if isinstance(reply, bytes) and reply.startswith(WORD_PREFIX.encode()):
        return str(reply, "ascii")
    return None
