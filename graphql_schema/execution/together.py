"""Fields that are resolved once for all their parents, however many an answer has.

    async def for_all(roots: Sequence[Any], info: Info, **arguments) -> Sequence[Any]: ...

    @together(for_all)
    async def resolve(root: strawberry.Parent[Any], info: Info, …) -> …: ...

A `for_all` that is no coroutine function goes with a plain resolver. Both must give the same. What `for_all` gives
stands in the parents' order; an exception in the place of a value is that parent's error, one that is raised is
everybody's.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

Resolve = TypeVar("Resolve", bound=Callable[..., Any])
ForAll = Callable[..., Awaitable[Sequence[Any]] | Sequence[Any]]

_MARK = "resolves_together"


def together(for_all: ForAll) -> Callable[[Resolve], Resolve]:
    """Decorator of a resolver: `for_all(parents, info, **arguments)` does its work for many parents."""

    def mark(resolve: Resolve) -> Resolve:
        setattr(resolve, _MARK, for_all)
        return resolve

    return mark


def of(resolve: Callable[..., Any]) -> ForAll | None:
    """What resolves for many parents, if the resolver has declared it."""
    found: ForAll | None = getattr(resolve, _MARK, None)
    return found
