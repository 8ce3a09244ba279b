"""Steps that all batches of creations, changes and upserts share, whatever kind of entity they are of.

One transaction each: what exists is found or locked in one statement, the items are applied in their order by the
feature's pure rules, what came of it is written in one statement, with its events, audit and cache tags.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from app import audit, outbox
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.unset import camel
from app.db.entities import EntityKind
from app.db.rows import Change, EntityRow, differing
from app.db.session import TransactionConflict, WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused

R = TypeVar("R", bound=EntityRow)
T = TypeVar("T")


class NamesRow(Protocol):
    """A change of a row that is named by its id."""

    @property
    def id(self) -> UUID:
        """Whose change it is."""
        ...


C = TypeVar("C", bound=NamesRow)

Check = Callable[[Ctx, WriteSession, Mapping[int, T]], Awaitable[Mapping[int, DomainError]]]
"""What must be looked up to know whether a draft or an item can be: the refusals of those that cannot, by index."""


async def create(
    runtime: Runtime,
    ctx: Ctx,
    kind: EntityKind[R],
    items: Sequence[T | Unread],
    *,
    draft: Callable[[T], R],
    checks: Sequence[Check[R]] = (),
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each item. draft: the new row of an item; raises DomainError for what is wrong by itself.

    An item whose key is known with the same content is REPLAYED.
    """
    check_batch(runtime, items, name=kind.plural)
    drafts, bad = await check_each(items, draft, name=kind.plural, external_id=_external_id)
    return await perform(
        runtime,
        ctx,
        operation=_mutation("create", kind),
        body=items,
        idempotency_key=idempotency_key,
        work=partial(_create, ctx, kind, drafts, bad, checks),
    )


async def update(
    runtime: Runtime,
    ctx: Ctx,
    kind: EntityKind[R],
    items: Sequence[C | Unread],
    *,
    apply: Callable[[R, C], R],
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each change. apply: the row after a change; raises DomainError for what cannot be.

    A change after which the row is as before is REPLAYED. Changes of the same row are applied one after the other.
    """
    check_batch(runtime, items, name=kind.plural)
    read, bad = await check_each(items, lambda item: item, name=kind.plural, external_id=_external_id)

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        rows = await kind.table.lock(ctx, session, {item.id for item in read.values()})
        return await _apply_in_order(
            ctx,
            session,
            kind,
            read,
            bad,
            rows,
            name_of=lambda item: item.id,
            start=_not_found,
            apply=apply,
        )

    return await perform(
        runtime,
        ctx,
        operation=_mutation("update", kind),
        body=items,
        idempotency_key=idempotency_key,
        work=work,
    )


async def upsert(
    runtime: Runtime,
    ctx: Ctx,
    kind: EntityKind[R],
    items: Sequence[T | Unread],
    *,
    check: Callable[[T], T],
    key_of: Callable[[T], Hashable],
    draft: Callable[[T], R],
    apply: Callable[[R, T], R],
    checks: Sequence[Check[T]] = (),
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each item: its row is created from draft if its key is new, then changed by apply.

    check: the item as it is kept; raises DomainError for what is wrong by itself. checks: what must be looked up.
    """
    check_batch(runtime, items, name=kind.plural)
    checked, bad = await check_each(items, check, name=kind.plural, external_id=_external_id)

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        kept, wrong = dict(checked), dict(bad)
        for look_up in checks:
            for index, error in (await look_up(ctx, session, kept)).items():
                item = kept.pop(index)
                wrong[index] = refused(error, index, name=kind.plural, external_id=_external_id(item))
        rows = await kind.table.lock_keys(ctx, session, {key_of(item) for item in kept.values()})
        return await _apply_in_order(ctx, session, kind, kept, wrong, rows, name_of=key_of, start=draft, apply=apply)

    return await perform(
        runtime,
        ctx,
        operation=_mutation("upsert", kind),
        body=items,
        idempotency_key=idempotency_key,
        work=work,
    )


async def _create(
    ctx: Ctx,
    kind: EntityKind[R],
    drafts: Mapping[int, R],
    bad: Mapping[int, ItemOutcome],
    checks: Sequence[Check[R]],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes, kept = dict(bad), dict(drafts)
    for check in checks:
        for index, error in (await check(ctx, session, kept)).items():
            outcomes[index] = _refused(kind, index, kept.pop(index), error)
    firsts: dict[Hashable, R] = {}
    for row in kept.values():
        key = kind.table.key_of(row)
        # What has no key is like nothing else: known by its own id.
        firsts.setdefault(row.id if key is None else key, row)
    inserted = await kind.table.insert(ctx, session, firsts.values())
    known = await kind.table.find(ctx, session, {key for key, row in firsts.items() if row.id not in inserted})
    found = dict(zip(known, await _completed(ctx, session, kind, list(known.values())), strict=True))
    for index, row in kept.items():
        key = kind.table.key_of(row)
        if row.id in inserted:
            outcomes[index] = ItemOutcome(index, Outcome.RECORDED, row.id, _external_id(row))
            continue
        other = found.get(key) or firsts[key]
        if differing(row, other):
            outcomes[index] = _refused(kind, index, row, _conflict(kind, row, is_stored=key in found))
        else:
            outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, other.id, _external_id(row))
    await _saved(ctx, session, kind, [Change(None, row) for row in firsts.values() if row.id in inserted])
    return in_order(outcomes, len(outcomes))


async def _apply_in_order(
    ctx: Ctx,
    session: WriteSession,
    kind: EntityKind[R],
    items: Mapping[int, T],
    bad: Mapping[int, ItemOutcome],
    rows: Mapping[Any, R],
    *,
    name_of: Callable[[T], Any],
    start: Callable[[T], R],
    apply: Callable[[R, T], R],
) -> tuple[ItemOutcome, ...]:
    # Items are applied in their order to the rows as they are by then; each row is written once, as it ends.
    outcomes = dict(bad)
    before = dict(zip(rows, await _completed(ctx, session, kind, list(rows.values())), strict=True))
    if kind.shown_as is not None:
        # Also of rows that stay as they are: whoever changed one so may have died before it was noted.
        session.touch_tags(f"{kind.noun}:{row.id}" for row in before.values())
    now = dict(before)
    for index, item in items.items():
        name = name_of(item)
        row = now.get(name)
        try:
            after = apply(start(item) if row is None else row, item)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=kind.plural, external_id=_external_id(item))
            continue
        changed = row is None or bool(differing(row, after))
        outcome = Outcome.RECORDED if changed else Outcome.REPLAYED
        outcomes[index] = ItemOutcome(index, outcome, after.id, _external_id(after))
        now[name] = after
    changes = [
        Change(before.get(name), row) for name, row in now.items() if name not in before or differing(before[name], row)
    ]
    new = [change.after for change in changes if change.before is None]
    if len(await kind.table.insert(ctx, session, new)) != len(new):
        # Another transaction brought one of the keys after they were looked up.
        raise TransactionConflict
    await kind.table.update(ctx, session, [change.after for change in changes if change.before is not None])
    await _saved(ctx, session, kind, changes)
    return in_order(outcomes, len(outcomes))


def _mutation(verb: str, kind: EntityKind[R]) -> str:
    # The name by which the API offers it: createCampaigns.
    return verb + kind.plural[0].upper() + kind.plural[1:]


async def _completed(ctx: Ctx, session: WriteSession, kind: EntityKind[R], rows: Sequence[R]) -> Sequence[R]:
    return rows if kind.complete is None or not rows else await kind.complete(ctx, session, rows)


async def _saved(ctx: Ctx, session: WriteSession, kind: EntityKind[R], changes: Collection[Change[R]]) -> None:
    """Write what goes with the changes: rows of other tables, events, which fields changed, and cache tags."""
    if not changes:
        return
    if kind.save is not None:
        await kind.save(ctx, session, list(changes))
    fields = {change.after.id: [camel(name) for name in change.fields] for change in changes}
    if kind.has_topic:
        events = [
            outbox.Event(
                f"{kind.noun}.changed",
                change.after.id,
                {"isNew": change.before is None, "changed": fields[change.after.id]},
            )
            for change in changes
        ]
        await outbox.append(ctx, session, events)
    changed = {str(change.after.id): fields[change.after.id] for change in changes if change.before is not None}
    if changed:
        await audit.append(ctx, session, action=f"{kind.noun}.changed", items=len(changed), detail=changed)
    if any(change.before is None for change in changes):
        session.touch_tags([kind.plural])


def _conflict(kind: EntityKind[R], row: R, *, is_stored: bool) -> DomainError:
    if kind.taken is not None:
        return kind.taken(row)
    external_id = _external_id(row)
    assert external_id is not None, "what has no key conflicts with nothing"
    return other_content(kind.noun, external_id, is_stored=is_stored)


def _refused(kind: EntityKind[R], index: int, row: R, error: DomainError) -> ItemOutcome:
    return refused(error, index, name=kind.plural, external_id=_external_id(row))


def _external_id(item: object) -> str | None:
    found: str | None = getattr(item, "external_id", None)
    return found


def _not_found(item: NamesRow) -> Any:
    raise DomainError("NOT_FOUND", "There is no such row. Use an id that the API gave.", path=("id",))
