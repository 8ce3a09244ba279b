"""Rows that a process keeps from one request to the next, for names are shown again and again.

They are kept under the epoch of their tenant's rows (`Answers.rows_epoch`) that was read before they were loaded, and
used by those alone whose operation read the same: whoever changes one begins another before he acknowledges. Where no
epoch is known (no Redis), nothing is kept.
"""

from collections.abc import Hashable, Mapping
from typing import Any

ROWS_MAX = 10_000
"""Rows that a process keeps, counted with what they are kept by; beyond it, it begins anew."""


class KeptKind:
    """What is kept of a kind of rows in an epoch: by id, or by whatever it is looked up by. `KeptRows.add` adds to it.

    One that the next epoch has replaced lives on with whoever has it, and nobody else finds it.
    """

    __slots__ = ("epoch", "found", "size")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.found: dict[str, Any] = {}
        # Itself, what it is looked up by, and rows.
        self.size = 1


class KeptRows:
    """The rows of one process's tenants."""

    def __init__(self, *, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._kinds: dict[Hashable, KeptKind] = {}
        self._size = 0

    def of(self, kind: Hashable, epoch: str) -> KeptKind:
        """What is kept of a kind, which names its tenant, in the epoch."""
        kept = self._kinds.get(kind)
        if kept is None or kept.epoch != epoch:
            self._size -= 0 if kept is None else kept.size
            kept = self._kinds[kind] = KeptKind(epoch)
            self._grown(1)
        return kept

    def add(self, kept: KeptKind, new: Mapping[str, Any], rows: int) -> None:
        """Keep what was loaded after the epoch was read. rows: how many there are in it."""
        kept.found.update(new)
        size = len(new) + rows
        kept.size += size
        self._grown(size)

    def _grown(self, by: int) -> None:
        self._size += by
        if self._size > self._rows_max:
            self._kinds.clear()
            self._size = 0
