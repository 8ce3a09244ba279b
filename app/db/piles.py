"""Deltas pile up where no worker folds them: when a writer looks whether its tenant's have, and folds by itself."""

import random

CHECKS_PER_PILE = 10
"""How often writers look whether deltas have piled up while a pile grows."""


def is_time_to_look(pile: int, *, appended: int) -> bool:
    """Whether the writer of so many deltas looks. pile: how many are one.

    Left to chance in proportion to what was appended: a writer of single orders looks once in thousands of calls, a
    bulk import about ten times a pile.
    """
    return random.random() * pile < appended * CHECKS_PER_PILE  # noqa: S311 - no secret
