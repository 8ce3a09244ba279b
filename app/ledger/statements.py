"""Statements: what an influencer was owed when a month began, what moved, and what they were owed when it ended.

Months are of the tenant's reporting zone; an entry is in the month in which it was posted. The opening comes from the
balances, the movements from the entries, and the closing from the balances again: opening + movements = closing, or the
statement is not shown.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.core import timegrain
from app.core.context import Ctx
from app.core.ids import plain
from app.core.reasons import tells_reason
from app.core.words import CommissionKind, LedgerAccount, StatementKind
from app.db.session import ReadSession
from app.errors import DomainError
from app.ledger.balances import held
from app.ledger.invoices import CAUSE as INVOICE_PAYMENT

OWED = (
    LedgerAccount.ACCRUED,
    LedgerAccount.HELD,
    LedgerAccount.PAYABLE,
    LedgerAccount.PAYING,
    LedgerAccount.INVOICED,
)
"""Accounts that together say what an influencer is owed; INVOICED is what they owe."""

KINDS: dict[CommissionKind, StatementKind] = {
    CommissionKind.ACCRUAL: StatementKind.EARNED,
    CommissionKind.EDIT: StatementKind.EDITED,
    CommissionKind.BONUS: StatementKind.BONUS,
    CommissionKind.ADJUSTMENT: StatementKind.ADJUSTED,
    CommissionKind.REVERSAL: StatementKind.REVERSED,
    CommissionKind.REJECTION: StatementKind.REJECTED,
}

_MONTH = re.compile("([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the tenant's reporting zone: from the instant `start` to before `end`."""

    text: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a statement, in minor units, owed to the influencer positive."""

    account: LedgerAccount
    opening: int
    moved: int

    @property
    def closing(self) -> int:
        """What it held when the month ended."""
        return self.opening + self.moved


@dataclass(frozen=True, slots=True)
class Movement:
    """What one kind of cause changed of what is owed. postings: by how many."""

    kind: StatementKind
    amount: int
    postings: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in one currency. Sums are in minor units, owed to the influencer positive."""

    influencer_id: UUID
    month: Month
    currency: str
    accounts: tuple[Account, ...]
    movements: tuple[Movement, ...]

    @property
    def opening(self) -> int:
        """What was owed when the month began."""
        return sum(account.opening for account in self.accounts)

    @property
    def closing(self) -> int:
        """What was owed when it ended."""
        return sum(account.closing for account in self.accounts)


@dataclass(frozen=True, slots=True)
class Line:
    """A posting that changed what is owed. order, reason: of the commission, where there is one.

    reason: None as well where the caller is not told.
    """

    posted_at: datetime
    posting_id: UUID
    kind: StatementKind
    amount: int
    cause_kind: str
    cause_id: UUID
    order: str | None
    reason: str | None


@dataclass(slots=True)
class _Sums:
    moved: dict[LedgerAccount, int] = field(default_factory=lambda: defaultdict(int))
    kinds: dict[StatementKind, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))


def month_of(ctx: Ctx, text: str) -> Month:
    """The month that a text such as 2026-03 names. Raises BAD_USER_INPUT."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) <= 9998:
        raise DomainError("BAD_USER_INPUT", f"{text[:20]!r} is no month. Give one such as 2026-03.", path=("month",))
    year, number = int(found[1]), int(found[2])
    zone = ctx.tenant.reporting_zone
    after = date(year + number // 12, number % 12 + 1, 1)
    return Month(text, timegrain.first_instant(date(year, number, 1), zone), timegrain.first_instant(after, zone))


async def statements(ctx: Ctx, session: ReadSession, influencer_id: UUID, month: Month) -> list[Statement]:
    """The influencer's statements, one for each currency that held or moved anything, in order of currency.

    The session is a snapshot.
    """
    opening = await _held_at(ctx, session, influencer_id, month.start)
    closing = await _held_at(ctx, session, influencer_id, month.end)
    moved = await _moved(ctx, session, influencer_id, month)
    found = []
    for currency in sorted({*opening, *closing, *moved}):
        before, sums = opening.get(currency, {}), moved.get(currency, _Sums())
        accounts = tuple(Account(name, -before.get(name, 0), sums.moved.get(name, 0)) for name in OWED)
        after = closing.get(currency, {})
        assert all(each.closing == -after.get(each.account, 0) for each in accounts), "a statement closes"
        movements = tuple(
            Movement(kind, amount, count)
            for kind in StatementKind
            if (moves := sums.kinds.get(kind)) is not None
            for amount, count in [moves]
        )
        found.append(Statement(influencer_id, month, currency, accounts, movements))
    return found


async def _held_at(
    ctx: Ctx, session: ReadSession, influencer_id: UUID, at: datetime
) -> dict[str, dict[LedgerAccount, int]]:
    # Whole months of UTC from the balances, the rest of the instant's month from the entries.
    month = at.astimezone(UTC).date().replace(day=1)
    found: dict[str, dict[LedgerAccount, int]] = defaultdict(lambda: defaultdict(int))
    whole = await held(ctx, session, OWED, influencer_ids=[influencer_id], before=month)
    for (_, currency), accounts in whole.items():
        found[currency].update(accounts)
    rows = await session.fetch(
        """/* ledger.held_since */
        SELECT currency, account, sum(amount_minor)::bigint AS amount_minor
        FROM ledger_entries
        WHERE tenant_id = $1 AND influencer_id = $2 AND posted_at >= $3 AND posted_at < $4 AND account = ANY($5::text[])
        GROUP BY currency, account""",
        ctx.tenant_id,
        influencer_id,
        datetime(month.year, month.month, 1, tzinfo=UTC),
        at,
        list(OWED),
    )
    for row in rows:
        found[row["currency"]][LedgerAccount(row["account"])] += row["amount_minor"]
    return {
        currency: kept
        for currency, accounts in found.items()
        if (kept := {account: amount for account, amount in accounts.items() if amount})
    }


async def _moved(ctx: Ctx, session: ReadSession, influencer_id: UUID, month: Month) -> dict[str, _Sums]:
    found: dict[str, _Sums] = defaultdict(_Sums)
    args = ctx.tenant_id, influencer_id, month.start, month.end, list(OWED)
    for row in await session.fetch(
        """/* ledger.statement_accounts */
        SELECT currency, account, sum(-amount_minor)::bigint AS amount_minor
        FROM ledger_entries
        WHERE tenant_id = $1 AND influencer_id = $2 AND posted_at >= $3 AND posted_at < $4 AND account = ANY($5::text[])
        GROUP BY currency, account""",
        *args,
    ):
        found[row["currency"]].moved[LedgerAccount(row["account"])] = row["amount_minor"]
    # What goes from one of these accounts to another changes nothing of what is owed, and is no movement.
    for row in await session.fetch(
        """/* ledger.statement_movements */
        SELECT moved.currency, moved.cause_kind, sign(moved.amount_minor) AS way, commission.kind AS commission_kind,
          CASE WHEN moved.cause_kind = 'commission' THEN false ELSE EXISTS (
            SELECT 1
            FROM ledger_entries AS other
            WHERE other.tenant_id = $1 AND other.posting_id = moved.posting_id AND other.account = 'FX'
          ) END AS is_converted, sum(moved.amount_minor)::bigint AS amount_minor, count(*) AS postings
        FROM (
          SELECT entry.currency, entry.posting_id, entry.cause_kind, entry.cause_id,
            sum(-entry.amount_minor)::bigint AS amount_minor
          FROM ledger_entries AS entry
          WHERE entry.tenant_id = $1 AND entry.influencer_id = $2 AND entry.posted_at >= $3 AND entry.posted_at < $4
            AND entry.account = ANY($5::text[])
          GROUP BY entry.currency, entry.posting_id, entry.cause_kind, entry.cause_id
          HAVING sum(entry.amount_minor) <> 0
        ) AS moved
        LEFT JOIN commissions AS commission
          ON commission.tenant_id = $1 AND commission.id = moved.cause_id AND moved.cause_kind = 'commission'
        GROUP BY moved.currency, moved.cause_kind, way, commission.kind, is_converted""",
        *args,
    ):
        kind = found[row["currency"]].kinds[_kind(row)]
        kind[0] += row["amount_minor"]
        kind[1] += row["postings"]
    return dict(found)


async def lines(
    ctx: Ctx,
    session: ReadSession,
    influencer_id: UUID,
    month: Month,
    *,
    currency: str,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Line]:
    """Postings of the month that changed what is owed in the currency, oldest first, at most `limit` after a place."""
    rows = await session.fetch(
        """/* ledger.statement_lines */
        SELECT moved.posted_at, moved.posting_id, moved.amount_minor, sign(moved.amount_minor) AS way, moved.cause_kind,
          moved.cause_id, EXISTS (
            SELECT 1
            FROM ledger_entries AS other
            WHERE other.tenant_id = $1 AND other.posting_id = moved.posting_id AND other.account = 'FX'
          ) AS is_converted, commission.kind AS commission_kind, ordered.external_id AS order_name, first.reason
        FROM (
          SELECT entry.posted_at, entry.posting_id, entry.cause_kind, entry.cause_id,
            sum(-entry.amount_minor)::bigint AS amount_minor
          FROM ledger_entries AS entry
          WHERE entry.tenant_id = $1 AND entry.influencer_id = $2 AND entry.posted_at >= $3 AND entry.posted_at < $4
            AND entry.account = ANY($5::text[]) AND entry.currency = $6
            AND (entry.posted_at, entry.posting_id) > ($7::timestamptz, $8::uuid)
          GROUP BY entry.posted_at, entry.posting_id, entry.cause_kind, entry.cause_id
          HAVING sum(entry.amount_minor) <> 0
          ORDER BY entry.posted_at, entry.posting_id
          LIMIT $9
        ) AS moved
        LEFT JOIN commissions AS commission
          ON commission.tenant_id = $1 AND commission.id = moved.cause_id AND moved.cause_kind = 'commission'
        LEFT JOIN orders AS ordered ON ordered.tenant_id = $1 AND ordered.id = commission.order_id
        LEFT JOIN commission_events AS first
          ON first.tenant_id = $1 AND first.commission_id = commission.id AND first.from_state IS NULL
        ORDER BY moved.posted_at, moved.posting_id""",
        ctx.tenant_id,
        influencer_id,
        month.start,
        month.end,
        list(OWED),
        currency,
        *(after or (month.start, UUID(int=0))),
        limit,
    )
    return [
        Line(
            posted_at=row["posted_at"],
            posting_id=plain(row["posting_id"]),
            kind=_kind(row),
            amount=row["amount_minor"],
            cause_kind=row["cause_kind"],
            cause_id=plain(row["cause_id"]),
            order=row["order_name"],
            reason=row["reason"] if _tells_reason(ctx, row) else None,
        )
        for row in rows
    ]


def _tells_reason(ctx: Ctx, row: Any) -> bool:
    kind = row["commission_kind"]
    return kind is not None and tells_reason(ctx.principal, CommissionKind(kind), is_first=True)


def _kind(row: Any) -> StatementKind:
    if row["commission_kind"] is not None:
        return KINDS[CommissionKind(row["commission_kind"])]
    if row["is_converted"]:
        return StatementKind.CONVERTED
    if row["cause_kind"] == INVOICE_PAYMENT:
        return StatementKind.INVOICE_PAID
    return StatementKind.PAID if row["way"] < 0 else StatementKind.RETURNED
