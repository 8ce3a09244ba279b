"""Replies that are kept whole, as they were sent: what is asked again and again costs one look-up.

Kept are queries of `analytics`, at the root or under a campaign, influencer or product, that show nothing of how they
were computed. A process learns what such a reply depends on from the first time it makes it; from the second time on
the bytes are kept, and served as long as nothing was noted that they depend on. What time itself changes, as the
buckets that have begun, changes at quarters of an hour: replies are kept for the running one.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from app.cache.answers import Answers, Depends
from app.cache.recording import Recorded
from app.core.context import Ctx
from app.core.hashing import content_hash
from graphql_schema.of_nodes import OfNodes

KNOWN_MAX = 10_000
"""Replies of which a process knows what they depend on."""

BYTES_MIN, BYTES_MAX = 200, 2_000_000
"""Bytes of a reply that is kept."""

_ENTITIES = frozenset({"campaign", "influencer", "product"})
_OF_ENTITIES = frozenset({"id", "name", "title", "externalId", "profiles", "__typename", "analytics"})
_NEVER = frozenset({"plan", "servedFrom"})
_NOT_ASKED = frozenset({"freshness", "compare"})


@dataclass(frozen=True)
class Known:
    """A reply that was made before. place: its own, as `Wholes.place` gave it."""

    place: tuple[Any, ...]
    slot: int
    depends: Depends
    cost: int

    @cached_property
    def key(self) -> str:
        """Its key in the store of answers, made when it is asked again.

        It names what the reply depends on too: who learned something else looks elsewhere, and a reply is found by
        those alone who check all that it depends on.
        """
        named = (self.place[1:], self.slot, self.depends.days, sorted(self.depends.tags))
        return "whole:" + content_hash(repr(named)).hex()


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found. body: None where nothing is kept. token: for keeping what is made after it."""

    body: bytes | None = None
    cost: int = 0
    token: str | None = None


NOT_FOUND = Found()


class Wholes:
    """The replies of one process's tenants."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._known: OrderedDict[tuple[Any, ...], Known] = OrderedDict()
        self._fits: OfNodes[bool] = OfNodes()

    def place(
        self, ctx: Ctx, document: str, operation_name: str | None, variables: Mapping[str, Any]
    ) -> tuple[Any, ...] | None:
        """What the same request of somebody who sees the same has in common; None where it is never kept."""
        principal = ctx.principal
        if principal.influencer_id is not None:
            # Which entities they see depends on more than is noted.
            return None
        try:
            asked = orjson.dumps((document, operation_name, variables))
        except TypeError:
            return None
        return ctx.tenant, principal.role, blake2b(asked, digest_size=16).digest()

    async def find(self, ctx: Ctx, place: tuple[Any, ...]) -> Found:
        """The reply, if it is kept and nothing has changed that it depends on."""
        known = self._known.get(place)
        if known is None:
            return NOT_FOUND
        if known.slot != _slot(ctx.now):
            del self._known[place]
            return NOT_FOUND
        self._known.move_to_end(place)
        found = await self._answers.get(ctx.tenant_id, known.key, known.depends)
        return Found(found.body, known.cost, found.token)

    def fits(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
        """Whether replies of the operation may be kept."""
        found = self._fits.get((operation,))
        if found is None:
            found = _fits(operation, fragments)
            self._fits.keep((operation,), found)
        return found

    async def learn(
        self, ctx: Ctx, place: tuple[Any, ...], body: bytes, cost: int, recorded: Recorded, token: str | None
    ) -> None:
        """Remember what the reply depends on; keep it if somebody looked for it before it was made (token)."""
        if not recorded.is_lasting or not BYTES_MIN <= len(body) <= BYTES_MAX:
            self._known.pop(place, None)
            return
        known, slot, depends = self._known.get(place), _slot(ctx.now), recorded.depends
        if known is not None and known.depends == depends and known.slot == slot:
            if token is not None:
                await self._answers.put(ctx.tenant_id, known.key, token, body, depends.tags)
            return
        self._known[place] = Known(place, slot, depends, cost)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def _slot(now: datetime) -> int:
    return int(now.timestamp()) // 900


def _fits(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    if operation.operation is not OperationType.QUERY or operation.directives:
        return False

    # Fragments that spread one another twice at each level have a number of ways through them that doubles with each.
    looked_at: set[tuple[str, frozenset[str] | None]] = set()

    def below(selection: SelectionSetNode | None, allowed: frozenset[str] | None) -> bool:
        # allowed: names of fields; None for all but those that are never kept.
        for node in selection.selections if selection else ():
            match node:
                case FieldNode():
                    if not field(node, allowed):
                        return False
                case InlineFragmentNode():
                    if not below(node.selection_set, allowed):
                        return False
                case FragmentSpreadNode() if (node.name.value, allowed) not in looked_at:
                    looked_at.add((node.name.value, allowed))
                    if not below(fragments[node.name.value].selection_set, allowed):
                        return False
        return True

    def field(node: FieldNode, allowed: frozenset[str] | None) -> bool:
        name = node.name.value
        if name in _NEVER or (allowed is not None and name not in allowed):
            return False
        if name == "analytics":
            arguments = {argument.name.value for argument in node.arguments or ()}
            return not arguments & _NOT_ASKED and below(node.selection_set, None)
        return below(node.selection_set, _OF_ENTITIES if name in _ENTITIES else None)

    return below(operation.selection_set, _ENTITIES | {"analytics", "__typename"})
