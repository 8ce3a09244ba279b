"""Deny by default: every root field declares the scopes it needs, or the schema is not built.

    @strawberry.field(description="…", extensions=[requires(Scope.ORDERS_READ)])

A nested field that shows more than its root promised (an order's customer) declares its scope the same way.
"""

from collections.abc import Iterable
from typing import Any

from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension, SyncExtensionResolver
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField

from app.core.context import Scope
from graphql_schema.context import Info


class UndeclaredScope(TypeError):
    """A root field that does not say who may call it: the schema must not be built."""


class Requires(FieldExtension):
    """Refuses the field with FORBIDDEN unless the caller has all the scopes."""

    def __init__(self, scopes: frozenset[Scope]) -> None:
        self.scopes = scopes
        self._in_order = sorted(scopes)

    def apply(self, field: StrawberryField) -> None:
        """Say the scopes in the field's description, where a reader of the schema looks."""
        needed = " and ".join(f"`{scope.value}`" for scope in self._in_order)
        field.description = f"{(field.description or '').strip()} Needs the scope {needed}.".strip()

    def resolve(self, next_: SyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """The field's value, for those who may have it."""
        self.check(info)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """The field's value, for those who may have it."""
        self.check(info)
        return await next_(source, info, **kwargs)

    def check(self, info: Info) -> None:
        """Raise FORBIDDEN unless the caller has all the scopes."""
        for scope in self._in_order:
            info.context.ctx.require(scope)


def requires(scope: Scope, *more: Scope) -> Requires:
    """The declaration that a field needs this scope, and these."""
    return Requires(frozenset({scope, *more}))


def declared_scopes(field: StrawberryField) -> frozenset[Scope]:
    """The scopes a field declares; empty when it declares none."""
    return frozenset(
        scope for extension in field.extensions if isinstance(extension, Requires) for scope in extension.scopes
    )


def check_declared(roots: Iterable[type]) -> None:
    """Raise UndeclaredScope, naming every field of the root types that declares no scope."""
    missing = [
        f"{root.__name__}.{field.python_name}"
        for root in roots
        for field in get_object_definition(root, strict=True).fields
        if not declared_scopes(field)
    ]
    if missing:
        raise UndeclaredScope(f"root fields without a scope: {', '.join(missing)}. Add `requires(Scope.…)`.")
