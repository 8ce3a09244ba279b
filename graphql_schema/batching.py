"""What one turn of the loop asks for, loaded together. What is loaded, and how, is told in loaders.py."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from app.db.parts import in_parts

BATCH_MAX = 5_000
"""Keys of one batch; more become several statements."""


class Loader:
    """Loads by key, each key once: what is asked for in one turn of the loop is one batch.

    Who asks first loads for all who join, and those wait for the batch: there is no promise for each key, and no task.
    is_alone: whether nobody can join, so that nobody is waited for.
    """

    is_alone = False

    def __init__(self, fetch: Callable[[Sequence[Any]], Awaitable[Any]], *, batch_max: int = BATCH_MAX) -> None:
        """fetch: gives what is loaded for each key, in their order. batch_max: keys that it is given at most."""
        self._fetch = fetch
        self._batch_max = batch_max
        self._known: dict[Any, Any] = {}
        self._under_way: list[_Batch] = []
        self._next: _Batch | None = None

    async def load(self, key: Any) -> Any:
        """What is loaded for the key."""
        (found,) = await self.load_many((key,))
        return found

    async def load_many(self, keys: Collection[Any]) -> list[Any]:
        """What is loaded for each key, in their order."""
        missing = dict.fromkeys(keys)
        if self._known:
            missing = {key: None for key in missing if key not in self._known}
        if self.is_alone:
            await self._fill(list(missing))
            missing = {}
        while missing:
            new = missing
            batches = [batch for batch in self._under_way if not batch.keys.keys().isdisjoint(new)]
            for batch in batches:
                new = {key: None for key in new if key not in batch.keys}
            if new and self._next is None:
                await self._lead(_Batch(new))
            elif new and self._next is not None:
                self._next.keys.update(new)
                batches.append(self._next)
            for batch in batches:
                # Shielded: one that leaves takes nothing from the others.
                await asyncio.shield(batch.done)
            # Of what others were loading, not all is there if they left.
            missing = {key: None for key in missing if key not in self._known} if batches else {}
        return list(map(self._known.__getitem__, keys))

    def _loaded(self, keys: Sequence[Any]) -> Awaitable[Sequence[Any]]:
        return self._fetch(keys)

    async def _fill(self, keys: Sequence[Any]) -> None:
        for part in in_parts(keys, self._batch_max):
            self._known |= zip(part, await self._loaded(part), strict=True)

    async def _lead(self, batch: "_Batch") -> None:
        self._next = batch
        self._under_way.append(batch)
        try:
            try:
                # A turn of the loop, in which others ask for more.
                await asyncio.sleep(0)
            finally:
                self._next = None
            await self._fill(list(batch.keys))
        except Exception as error:
            batch.done.set_exception(error)
            # Told here whether or not anybody else waits for it.
            batch.done.exception()
            raise
        finally:
            self._under_way.remove(batch)
            if not batch.done.done():
                batch.done.set_result(None)


class _Batch:
    """Keys that are loaded together. done: when whoever loads them has ended, or what was raised."""

    __slots__ = ("done", "keys")

    def __init__(self, keys: dict[Any, None]) -> None:
        self.keys = dict(keys)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
