"""Fields that are resolved once for all their parents, however many an answer has.

    async def for_all(roots: Sequence[Any], info: Info, **arguments) -> Sequence[Any]: ...

    @together(for_all)
    async def resolve(root: strawberry.Parent[Any], info: Info, …) -> …: ...

A `for_all` that is no coroutine function goes with a plain resolver. Both must give the same. What `for_all` gives
stands in the parents' order; an exception in the place of a value is that parent's error, one that is raised is
everybody's. `reads` names the attributes of the parents that both read; without it they may read any. Without
`takes_arguments` it is called with the parents and `info` alone: for fields whose arguments were read before them. With
`takes_key` it is called with the parents and `key`, the name that the field answers under, and nothing else.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

Resolve = TypeVar("Resolve", bound=Callable[..., Any])
ForAll = Callable[..., Awaitable[Sequence[Any]] | Sequence[Any]]

_MARK = "resolves_together"
_READS = "reads_of_parents"
_TAKES = "takes_arguments"
_KEY = "takes_key"


def together(
    for_all: ForAll, *, reads: Sequence[str] | None = None, takes_arguments: bool = True, takes_key: bool = False
) -> Callable[[Resolve], Resolve]:
    """Decorator of a resolver: `for_all(parents, info, **arguments)` does its work for many parents."""

    def mark(resolve: Resolve) -> Resolve:
        setattr(resolve, _MARK, for_all)
        setattr(resolve, _READS, reads)
        setattr(resolve, _TAKES, takes_arguments and not takes_key)
        setattr(resolve, _KEY, takes_key)
        return resolve

    return mark


def reads(*names: str) -> Callable[[Resolve], Resolve]:
    """Decorator of a resolver that is called for each parent: the attributes of the parent that it reads."""

    def mark(resolve: Resolve) -> Resolve:
        setattr(resolve, _READS, names)
        return resolve

    return mark


def of(resolve: Callable[..., Any]) -> ForAll | None:
    """What resolves for many parents, if the resolver has declared it."""
    found: ForAll | None = getattr(resolve, _MARK, None)
    return found


def takes_arguments(resolve: Callable[..., Any]) -> bool:
    """Whether what resolves for many parents is called with the field's arguments."""
    return bool(getattr(resolve, _TAKES, True))


def takes_key(resolve: Callable[..., Any]) -> bool:
    """Whether what resolves for many parents is called with the name that the field answers under, and nothing else."""
    return bool(getattr(resolve, _KEY, False))


def reads_of(resolve: Callable[..., Any]) -> Sequence[str] | None:
    """The attributes of its parents that a resolver reads, if it has declared them."""
    found: Sequence[str] | None = getattr(resolve, _READS, None)
    return found
