"""Rows that a process keeps from one request to the next, for names are shown again and again.

They are kept under the epoch of their tenant's rows (keys.py) that was read before they were loaded, and used by those
alone whose request read the same: whoever changes one begins another before he acknowledges. So they are as fresh as
answers are; where no epoch is known (no Redis), nothing is kept.
"""

from collections.abc import Hashable, Mapping
from typing import Any

ROWS_MAX = 10_000
"""Rows, and kinds of rows, that a process keeps; beyond it, it begins anew."""


class KeptRows:
    """The rows of one process's tenants: of each kind by id, or by whatever they are looked up by."""

    def __init__(self, *, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._kept: dict[Hashable, tuple[str, dict[str, Any]]] = {}
        self._count = 0

    def of(self, kind: Hashable, epoch: str) -> dict[str, Any]:
        """What is kept of a kind, its tenant in it, in the epoch: added to by `add` alone.

        One that the next epoch has replaced lives on with whoever has it, and nobody else finds it.
        """
        found = self._kept.get(kind)
        if found is not None and found[0] == epoch:
            return found[1]
        if found is not None:
            self._count -= 1 + len(found[1])
        rows: dict[str, Any] = {}
        self._kept[kind] = epoch, rows
        self._counted(1)
        return rows

    def add(self, kept: dict[str, Any], new: Mapping[str, Any]) -> None:
        """Keep what was loaded after the epoch was read."""
        kept.update(new)
        self._counted(len(new))

    def _counted(self, more: int) -> None:
        self._count += more
        if self._count > self._rows_max:
            self._kept.clear()
            self._count = 0
