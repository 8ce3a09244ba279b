"""Loaders of rows by column: by their own ids, and by their parents'. What is loaded, and how, is told in loaders.py.

Rows of listings that are kept are looked for in the process's memory first (app/cache/rows.py).
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count, pairwise, repeat
from typing import Any
from uuid import UUID

from app.cache.rows import KeptKind, KeptRows
from app.core.context import Ctx
from app.db.columns import Form, RowAt, Rows
from app.db.keyset import Listing
from app.observability import metrics
from app.runtime import Runtime
from graphql_schema.batching import Loader

KEPT_AT_ONCE_MAX = 500
"""Rows of one look-up that are kept: what asks for more costs less a row, and would leave no room for others."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Where rows of a listing are kept from one request to the next.

    place: of these columns' rows of a tenant. names: of the columns, in the order in which they are read.
    """

    rows: KeptRows
    place: Hashable
    names: Sequence[str]
    forms: Mapping[str, Form]

    @classmethod
    def of(
        cls, runtime: Runtime, ctx: Ctx, listing: Listing, how: Hashable, names: Callable[[], Sequence[str]]
    ) -> "Memory | None":
        """The caller's; None where each request looks anew. how: the rest of what is asked of the listing, as `names`
        gives the columns."""
        if not listing.is_kept or ctx.principal.influencer_id is not None:
            # What an influencer sees depends on more than the rows themselves.
            return None
        return cls(runtime.rows, (ctx.tenant_id, listing.tag, how), names(), listing.forms)

    def together(self, rows: Collection[tuple[Any, ...]]) -> Rows:
        """Kept rows, as they are when they are loaded."""
        return Rows.together(self.names, self.forms, rows)


class RowLoader(Loader):
    """Loads rows by ids, which are looked up by their texts: those are hashed much faster. rows: all that were loaded.

    memory: where they are kept. rows_epoch: in which those that are kept may be used; None where they may not.
    """

    rows_epoch: str | None = None

    def __init__(self, fetch: Callable[[Sequence[str]], Awaitable[Rows]], memory: Memory | None = None) -> None:
        super().__init__(fetch)
        self.rows = Rows()
        self._memory = memory
        self._kept: KeptKind | None = None

    def _recall(self, keys: Collection[str]) -> None:
        """Take what is kept of those of the keys that are not known yet."""
        memory, epoch = self._memory, self.rows_epoch
        if memory is None or epoch is None or len(keys) > KEPT_AT_ONCE_MAX:
            return
        if self._kept is None:
            self._kept = memory.rows.of(memory.place, epoch)
        kept, known = self._kept.found, self._known
        found = {key: kept[key] for key in keys if key in kept and key not in known}
        if found:
            metrics.labelled(metrics.row_lookups, "memory").inc(len(found))
            places, rows = self._laid(found)
            self._known.update(zip(found, places, strict=False))
            self.rows.add(memory.together(rows))

    @abstractmethod
    def _laid(self, found: Mapping[str, Any]) -> tuple[Iterable[Any], Collection[tuple[Any, ...]]]:
        """What is known of each key when the rows that were kept stand below those that are there; and these rows."""

    def _keep(self, keys: Sequence[str], rows: Rows, by_key: Callable[[], Mapping[str, Any]]) -> None:
        # What was loaded.
        if self._memory is not None and self._kept is not None and len(keys) <= KEPT_AT_ONCE_MAX:
            metrics.labelled(metrics.row_lookups, "database").inc(len(keys))
            self._memory.rows.add(self._kept, by_key(), len(rows))


class IdLoader(RowLoader):
    """Loads rows by their own ids. fetch: gives the rows with ids, in any order."""

    def know(self, rows: Rows) -> None:
        """These rows need not be loaded. Told before any is."""
        assert not self._known, "told before any is loaded"
        self._known = {str(row_id): place for place, row_id in enumerate(rows.column("id"))}
        self.rows.add(rows)

    async def places(self, ids: Sequence[UUID | str | None]) -> list[int | None]:
        """Where among the rows each id's stands; None without id or row."""
        texts = [None if row_id is None else str(row_id) for row_id in ids]
        asked = dict.fromkeys([text for text in texts if text is not None])
        self._recall(asked)
        await self.load_many(asked)
        return list(map(self._known.get, texts))

    async def rows_of(self, row_id: UUID | str) -> list[RowAt]:
        """The row with the id, if there is one."""
        return [RowAt(self.rows, place) for place in await self.places((row_id,)) if place is not None]

    def _laid(self, found: Mapping[str, Any]) -> tuple[Iterable[Any], Collection[tuple[Any, ...]]]:
        return count(len(self.rows)), found.values()

    async def _loaded(self, keys: Sequence[str]) -> Sequence[int | None]:
        found = await self._fetch(keys)
        places = {str(row_id): place for place, row_id in enumerate(found.column("id"), start=len(self.rows))}
        self._keep(keys, found, lambda: dict(zip(places, found.apart(), strict=True)))
        self.rows.add(found)
        return list(map(places.get, keys))


class ChildLoader(RowLoader):
    """Loads rows by their parents' ids: of each, the positions of its rows among `rows`.

    fetch: gives the rows of parents, in the parents' order; in the column `parent_number` stands whose they are.
    """

    async def load_many(self, keys: Collection[UUID | str]) -> list[Any]:
        """The positions of each parent's rows, in the order of the ids."""
        texts = list(map(str, keys))
        self._recall(texts)
        return await super().load_many(texts)

    async def rows_of(self, parent_id: UUID | str) -> list[RowAt]:
        """The rows of a parent, for whoever takes them one by one."""
        return [RowAt(self.rows, position) for position in await self.load(parent_id)]

    async def _loaded(self, keys: Sequence[str]) -> Sequence[range]:
        found = await self._fetch(keys)
        counts = Counter(found.column("parent_number"))
        sizes = list(map(counts.get, range(1, len(keys) + 1), repeat(0)))
        self._keep(keys, found, lambda: dict(zip(keys, _cut(found.apart(), sizes), strict=True)))
        ranges = self._ranges(sizes)
        self.rows.add(found)
        return ranges

    def _laid(self, found: Mapping[str, Any]) -> tuple[Iterable[Any], Collection[tuple[Any, ...]]]:
        return self._ranges(list(map(len, found.values()))), list(chain.from_iterable(found.values()))

    def _ranges(self, sizes: Sequence[int]) -> list[range]:
        """The positions that so many rows of each parent will have, below those that are there."""
        ends = list(accumulate(sizes, initial=len(self.rows)))
        return list(map(range, ends, ends[1:]))


def _cut(rows: Sequence[Any], sizes: Sequence[int]) -> list[Sequence[Any]]:
    ends = list(accumulate(sizes, initial=0))
    return [rows[start:end] for start, end in pairwise(ends)]
