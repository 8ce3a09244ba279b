"""Moves commissions from one state to the next: the one place that does.

All rows of a credit that are not paid move together, with what is left of them after what was taken back; adjustments
and bonuses have no credit and move alone. A payout moves the rows that it pays, and no others. What takes back stays
REVERSED. Rows are locked in order of id, so that nobody takes back from them meanwhile (`load_earnings` locks them).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app import ledger, outbox
from app.analytics.rollups import deltas
from app.analytics.rollups.deltas import Contribution
from app.commissions.clawbacks import Clawed, clawed_back
from app.commissions.service import in_state
from app.commissions.standing import Part, Standing, Taking, open_state
from app.core.context import Ctx
from app.core.ids import new_ids, plain
from app.core.words import TAKING_BACK_KINDS, CommissionKind, CommissionState
from app.db.session import WriteSession
from app.errors import DomainError
from app.ledger import Posting, of_move, of_return

PENDING, HELD, APPROVED, PAID = (
    CommissionState.PENDING,
    CommissionState.HELD,
    CommissionState.APPROVED,
    CommissionState.PAID,
)

PASSAGES: dict[CommissionState, frozenset[CommissionState]] = {
    PENDING: frozenset({HELD, APPROVED, PAID}),
    HELD: frozenset({PENDING, APPROVED, PAID}),
    APPROVED: frozenset({HELD, PAID}),
    # Only by a payment that came back: `Passages.come_back`.
    PAID: frozenset(),
    CommissionState.REVERSED: frozenset(),
}
"""From where to where. What was held, and released, while its payout was under way becomes PAID: the money has left."""


@dataclass(frozen=True, slots=True)
class Move:
    """A passage that is asked for: of the named commission, and of what moves with it; to PAID of it alone."""

    commission_id: UUID
    to: CommissionState
    reason: str | None = None


@dataclass(slots=True)
class Row:
    """A commission as it is moved. taken: what was taken back of it. paid_from: its state before it became PAID."""

    id: UUID
    kind: CommissionKind
    state: CommissionState
    was: CommissionState
    credit_id: UUID | None
    order_id: UUID | None
    influencer_id: UUID
    campaign_id: UUID | None
    code: str | None
    currency: str
    amount: int
    base: int | None
    occurred_at: datetime
    taken: int = 0
    paid_from: CommissionState | None = None

    @property
    def left(self) -> int:
        """What is left of it, in minor units."""
        return self.amount - self.taken


@dataclass(slots=True)
class Passages:
    """Locked commissions, and the passages entered so far. Lives as long as one attempt."""

    rows: dict[UUID, Row]
    of_credit: dict[UUID, list[Row]]
    clawed: Clawed = field(default_factory=Clawed)
    events: list[tuple[Row, CommissionState, CommissionState, str | None]] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    messages: list[outbox.Event] = field(default_factory=list)

    def named(self, commission_id: UUID) -> Row:
        """The commission. Raises UNKNOWN_COMMISSION."""
        row = self.rows.get(commission_id)
        if row is None:
            raise DomainError("UNKNOWN_COMMISSION", "No commission has this id.", path=("id",))
        return row

    def net(self, row: Row) -> int:
        """What is left of it and of what moves with it, in minor units."""
        return sum(each.left for each in self.together(row))

    def together(self, row: Row) -> list[Row]:
        """The rows of its credit that stand where it does, itself among them, in order of id."""
        if row.credit_id is None:
            return [row]
        return [each for each in self.of_credit[row.credit_id] if each.state is row.state]

    def is_rejected(self, row: Row) -> bool:
        """Whether what was left of it was refused."""
        return row.credit_id is not None and any(
            each.kind is CommissionKind.REJECTION for each in self.of_credit[row.credit_id]
        )

    def take_all(self, row: Row) -> tuple[Taking, ...]:
        """What takes all that is left of the credit of a row, of which nothing is paid."""
        found = self.together(row)
        standing = Standing([Part(each.id, each.state, each.left, each.taken) for each in found])
        takings = standing.take_all()
        for each, part in zip(found, standing.parts, strict=True):
            each.taken = part.taken
        return takings

    def enter(self, move: Move) -> bool:
        """Enter the passage; False when the commission is in that state already, or nothing of it can be paid out.

        Raises UNKNOWN_COMMISSION, or WRONG_STATE where there is no such passage.
        """
        row = self.named(move.commission_id)
        old = row.state
        if old is move.to:
            return False
        if move.to not in PASSAGES[old]:
            raise DomainError(
                "WRONG_STATE", f"The commission is {old.value} and cannot become {move.to.value}.", path=("id",)
            )
        if self.is_rejected(row):
            if move.to in (APPROVED, PAID):
                # Rejected while its payout was under way, or before one came back: there is nothing left to move.
                return False
            raise DomainError("WRONG_STATE", "The commission was rejected.", path=("id",))
        self._move([row] if move.to is PAID else self.together(row), row, move.to, move.reason)
        return True

    def come_back(self, commission_id: UUID, reason: str | None = None) -> bool:
        """Enter the way back of what a payout paid that came back: to where it stood before; False if it is not PAID.

        The rest of its credit that is not paid stands with it: where one was held, all is.
        """
        row = self.named(commission_id)
        if row.state is not PAID:
            return False
        self._unclaw(row)
        others = [] if row.credit_id is None else [each for each in self.of_credit[row.credit_id] if _is_open(each)]
        state = open_state([row.paid_from or APPROVED, *(each.state for each in others)])
        self._move([row], row, state, reason)
        if others and others[0].state is not state:
            self._move(others, others[0], state, reason)
        return True

    def _unclaw(self, row: Row) -> None:
        # What was clawed back of it had not been paid after all: it was taken back as any other.
        if row.credit_id is None:
            return
        clawed, invoiced = self.clawed.amounts.get(row.credit_id, (0, 0))
        of_row = max(min(clawed, row.taken), 0)
        of_invoice = max(min(invoiced, of_row), 0)
        self.clawed.amounts[row.credit_id] = clawed - of_row, invoiced - of_invoice
        posting = of_return(
            commission_id=row.id,
            influencer_id=row.influencer_id,
            currency=row.currency,
            clawed_minor=of_row,
            invoiced_minor=of_invoice,
        )
        if posting is not None:
            self.postings.append(posting)

    def _move(self, rows: Sequence[Row], first: Row, to: CommissionState, reason: str | None) -> None:
        old, left = first.state, sum(each.left for each in rows)
        posting = of_move(
            commission_id=first.id,
            influencer_id=first.influencer_id,
            currency=first.currency,
            net_minor=left,
            old=old,
            new=to,
        )
        if posting is not None:
            self.postings.append(posting)
        self.messages.append(
            outbox.Event(
                f"commission.{to.lower()}",
                first.id,
                {
                    "influencerId": str(first.influencer_id),
                    "from": old.value,
                    "amountMinor": left,
                    "currency": first.currency,
                },
            )
        )
        for each in rows:
            if to is PAID:
                each.paid_from = old
            each.state = to
            self.events.append((each, old, to, reason))


async def move(ctx: Ctx, session: WriteSession, moves: Sequence[Move]) -> None:
    """Move the commissions, in the order given; one that is in its state already stays.

    Raises UNKNOWN_COMMISSION or WRONG_STATE for the first that cannot be moved; nothing is moved then.
    """
    if not moves:
        return
    passages = await lock(ctx, session, {each.commission_id for each in moves})
    for each in moves:
        passages.enter(each)
    await write(ctx, session, passages)


async def lock(ctx: Ctx, session: WriteSession, commission_ids: Collection[UUID]) -> Passages:
    """The commissions with all that moves with them, locked in order of id until the end of the transaction."""
    ids = list(commission_ids)
    await session.execute(
        """/* commissions.lock */
        SELECT commissions.id
        FROM commissions
        WHERE commissions.tenant_id = $1 AND commissions.id IN (
          SELECT sibling.id
          FROM commissions AS named
          JOIN commissions AS sibling
            ON sibling.tenant_id = $1 AND sibling.order_id = named.order_id AND sibling.credit_id = named.credit_id
          WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[]) AND sibling.kind NOT IN ('REVERSAL', 'REJECTION')
          UNION ALL
          SELECT named.id
          FROM commissions AS named
          WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[])
        )
        ORDER BY commissions.id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        ids,
    )
    # Only now: whoever wrote to one of these credits held the lock that was just given.
    found = await session.fetch(
        """/* commissions.locked */
        SELECT item.id, item.kind, item.state, item.credit_id, item.order_id, item.influencer_id, item.campaign_id,
          item.code, item.currency, item.amount_minor, item.amount_base_minor, item.occurred_at, item.taken_minor,
          CASE WHEN item.state = 'PAID' THEN (
            SELECT event.from_state
            FROM commission_events AS event
            WHERE event.tenant_id = $1 AND event.commission_id = item.id AND event.to_state = 'PAID'
            ORDER BY event.recorded_at DESC, event.id DESC
            LIMIT 1
          ) END AS paid_from
        FROM commissions AS item
        WHERE item.tenant_id = $1 AND item.id IN (
          SELECT sibling.id
          FROM commissions AS named
          JOIN commissions AS sibling
            ON sibling.tenant_id = $1 AND sibling.order_id = named.order_id AND sibling.credit_id = named.credit_id
          WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[])
          UNION ALL
          SELECT named.id
          FROM commissions AS named
          WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[])
        )
        ORDER BY item.id""",
        ctx.tenant_id,
        ids,
    )
    rows = [
        Row(
            id=plain(row["id"]),
            kind=CommissionKind(row["kind"]),
            state=CommissionState(row["state"]),
            was=CommissionState(row["state"]),
            credit_id=row["credit_id"],
            order_id=row["order_id"],
            influencer_id=row["influencer_id"],
            campaign_id=row["campaign_id"],
            code=row["code"],
            currency=row["currency"],
            amount=row["amount_minor"],
            base=row["amount_base_minor"],
            occurred_at=row["occurred_at"],
            taken=row["taken_minor"],
            paid_from=None if row["paid_from"] is None else CommissionState(row["paid_from"]),
        )
        for row in found
    ]
    of_credit: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        if row.credit_id is not None:
            of_credit[row.credit_id].append(row)
    paid = {row.order_id for row in rows if row.state is PAID and row.taken and row.order_id is not None}
    clawed = await clawed_back(ctx, session, paid) if paid else Clawed()
    return Passages({row.id: row for row in rows}, of_credit, clawed)


async def write(ctx: Ctx, session: WriteSession, passages: Passages) -> None:
    """Write what was entered, set-wise: states, events, postings, deltas, messages."""
    if not passages.events:
        await outbox.append(ctx, session, passages.messages)
        return
    # A commission may pass through several states in one call: its row and the sums change once.
    moved = [row for row in passages.rows.values() if row.state is not row.was]
    await session.execute(
        """/* commissions.move */
        UPDATE commissions
        SET state = moved.state, updated_at = $2
        FROM unnest($3::uuid[], $4::text[]) AS moved (id, state)
        WHERE commissions.tenant_id = $1 AND commissions.id = moved.id""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in moved],
        [row.state for row in moved],
    )
    await session.execute(
        """/* commissions.insert_passages */
        INSERT INTO commission_events (tenant_id, id, commission_id, from_state, to_state, reason, recorded_at, key_id)
        SELECT $1, event.id, event.commission_id, event.from_state, event.to_state, event.reason, $2, $3
        FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[])
          AS event (id, commission_id, from_state, to_state, reason)""",
        ctx.tenant_id,
        ctx.now,
        ctx.principal.key_id,
        new_ids(len(passages.events)),
        [row.id for row, _, _, _ in passages.events],
        [old for _, old, _, _ in passages.events],
        [new for _, _, new, _ in passages.events],
        [reason for _, _, _, reason in passages.events],
    )
    await ledger.append(ctx, session, passages.postings)
    await deltas.append(ctx, session, [each for row in moved for each in _contributions(row)])
    await outbox.append(ctx, session, passages.messages)
    # Also what has no amount in the tenant's currency: it has one in others.
    session.touch_days({row.occurred_at.date() for row in moved})
    for row in moved:
        row.was = row.state
    passages.events, passages.postings, passages.messages = [], [], []


def _is_open(row: Row) -> bool:
    return row.kind not in TAKING_BACK_KINDS and row.state is not PAID


def _contributions(row: Row) -> list[Contribution]:
    assert row.kind not in TAKING_BACK_KINDS
    if not row.base:
        return []
    return [
        Contribution(
            occurred_at=row.occurred_at,
            campaign_id=row.campaign_id,
            influencer_id=row.influencer_id,
            **in_state(state, amount),
        )
        for state, amount in ((row.was, -row.base), (row.state, row.base))
    ]
