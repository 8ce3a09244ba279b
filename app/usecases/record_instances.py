"""Records instances: clicks, views, code uses, sign-ups.

One transaction: references → keys → facts → rollup deltas → outbox → orders that waited for them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.customers.service import CUSTOMER_KIND
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.tracking.codes import CODE_KIND
from app.tracking.inputs import InstanceInput
from app.tracking.instances import CheckedInstance, InstanceRow, Known, checked_instance, claim_ids, insert, placed
from app.tracking.links import LINK_KIND
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, conflict, in_order, refused, repeated
from app.usecases.late_touches import judge_late
from app.usecases.references import check_references
from app.usecases.rejudging import Rejudged

NAME = "instances"


async def record_instances(
    runtime: Runtime, ctx: Ctx, instances: Sequence[InstanceInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each instance, in the order given. With an external id it is one however often it is sent.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, instances, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        instances, partial(checked_instance, latest=latest), name=NAME, external_id=lambda item: item.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation="recordInstances",
        body=instances,
        idempotency_key=idempotency_key,
        work=partial(_record, runtime, ctx, checked, bad),
    )


async def _record(
    runtime: Runtime,
    ctx: Ctx,
    checked: Mapping[int, CheckedInstance],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    rows, refusals = await _placed(ctx, session, checked)
    for index, error in refusals.items():
        outcomes[index] = refused(error, index, name=NAME, external_id=checked[index].external_id)
    wanted: dict[str, tuple[UUID, bytes]] = {}
    for index, row in rows.items():
        external_id = checked[index].external_id
        if external_id is not None:
            wanted.setdefault(external_id, (row.id, checked[index].content_hash))
    owners = await claim_ids(ctx, session, wanted)
    fresh: list[InstanceRow] = []
    for index, row in rows.items():
        item = checked[index]
        owner_id, owner_hash = (row.id, b"") if item.external_id is None else owners[item.external_id]
        if owner_id == row.id:
            fresh.append(row)
            outcomes[index] = ItemOutcome(index, Outcome.RECORDED, row.id, item.external_id)
            continue
        assert item.external_id is not None, "what has no external id is its own"
        if owner_hash == item.content_hash:
            # The first call may have died between its commit and its note: note again.
            session.touch_days([row.occurred_at.date()])
            outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, owner_id, item.external_id)
        else:
            make = repeated if wanted[item.external_id][0] == owner_id else conflict
            outcomes[index] = refused(
                make("instance", item.external_id), index, name=NAME, external_id=item.external_id
            )
    await insert(ctx, session, fresh)
    await deltas.append(
        ctx,
        session,
        [
            deltas.of_instance(
                occurred_at=row.occurred_at,
                kind=row.kind,
                campaign_id=row.campaign_id,
                influencer_id=row.influencer_id,
                platform=row.platform,
            )
            for row in fresh
        ],
    )
    await outbox.append(ctx, session, _events(fresh))
    _tell(outcomes, await judge_late(runtime, ctx, session, fresh))
    return in_order(outcomes, len(outcomes))


def _tell(outcomes: dict[int, ItemOutcome], judged: Sequence[Rejudged]) -> None:
    """Show with each instance the orders that are credited because it came; with the first what none of them won."""
    if not judged:
        return
    places = {outcome.id: index for index, outcome in sorted(outcomes.items()) if outcome.outcome is Outcome.RECORDED}
    shown: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in judged:
        accepted = (touch.id for touch in reversed(each.after.verdict.accepted))
        place = next((places[touch_id] for touch_id in accepted if touch_id in places), min(places.values()))
        shown[place].append({"orderId": str(each.after.order_id), "explanation": each.explanation})
    for index, orders in shown.items():
        outcomes[index] = replace(outcomes[index], detail={**outcomes[index].detail, "orders": orders})


def _events(rows: Iterable[InstanceRow]) -> list[outbox.Event]:
    # One a campaign, not one a click: clicks come by the million, and whoever listens asks for the sums anyway.
    kinds: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.campaign_id is not None:
            kinds[row.campaign_id][row.kind.value] += 1
    return [outbox.Event("instances.recorded", campaign_id, dict(counts)) for campaign_id, counts in kinds.items()]


async def _placed(
    ctx: Ctx, session: WriteSession, checked: Mapping[int, CheckedInstance]
) -> tuple[dict[int, InstanceRow], dict[int, DomainError]]:
    """The rows of the instances, and the refusals of those that refer to what the tenant does not have."""
    refusals = dict(await check_references(ctx, session, checked))
    sent = [item.sent for item in checked.values()]
    links = await LINK_KIND.table.by_id(ctx, session, {item.link_id for item in sent if item.link_id is not None})
    slugs = await LINK_KIND.table.find(ctx, session, {(item.link_slug,) for item in sent if item.link_slug is not None})
    codes = await CODE_KIND.table.find(
        ctx, session, {(item.code,) for item in checked.values() if item.code is not None}
    )
    customers = await CUSTOMER_KIND.table.find(
        ctx, session, {(item.customer,) for item in sent if item.customer is not None}
    )
    known = Known(
        links=links,
        slugs={link.slug: link for link in slugs.values()},
        codes={code.code: code for code in codes.values()},
        customers={customer.external_id: customer.id for customer in customers.values()},
    )
    rows: dict[int, InstanceRow] = {}
    for index, item in checked.items():
        if index in refusals:
            continue
        try:
            rows[index] = placed(item, known)
        except DomainError as error:
            refusals[index] = error
    return rows, refusals
