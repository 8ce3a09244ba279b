"""What a resolver gets beside its arguments: the process's doors, who asks, and this request's loaders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import strawberry

from app.core.context import Ctx
from app.runtime import Runtime
from graphql_schema.batching import Loader
from graphql_schema.row_loaders import RowLoader

T = TypeVar("T")


class Loaders:
    """One request's loaders, each made at its first use.

    A feature declares `def order_loader(runtime: Runtime, ctx: Ctx) -> Loader` and asks
    `info.context.loaders.get(order_loader)`: the same loader for the whole request, and never another request's. So a
    type can load another feature's rows without this file knowing either.
    """

    def __init__(self, runtime: Runtime, ctx: Ctx) -> None:
        self._runtime = runtime
        self._ctx = ctx
        self.in_single_file = False
        """Whether resolvers are awaited one after another, each for one parent: no two ask for something at a time."""
        self.rows_epoch: str | None = None
        """The epoch in which rows that were loaded before may be used; None where they may not."""
        self._made: dict[Callable[..., Any], Any] = {}

    def get(self, make: Callable[[Runtime, Ctx], T]) -> T:
        """What `make` gives, made once per request."""
        found: T | None = self._made.get(make)
        if found is None:
            found = self._made[make] = make(self._runtime, self._ctx)
            if isinstance(found, Loader):
                found.is_alone = self.in_single_file
            if isinstance(found, RowLoader):
                found.rows_epoch = self.rows_epoch
        return found

    def forget(self) -> None:
        """Drop them all: the next asks the database again."""
        self._made.clear()


@dataclass(slots=True)
class Context:
    """One GraphQL operation: made by the executor, read by resolvers as `info.context`.

    reads: by the name of a type, the attributes that the operation reads of its objects; None or not there: any.
    """

    runtime: Runtime
    ctx: Ctx
    reads: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.runtime, self.ctx)


Info = strawberry.Info[Context, None]
"""The type of every resolver's `info`."""
