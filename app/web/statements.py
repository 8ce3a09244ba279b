"""An influencer's statements of a month as files: GET /statements/{influencer}/{month}.csv, and .pdf with fpdf2.

One file holds all currencies, one after the other: the opening, each posting that changed what is owed, with what was
owed after it, and the closing. It is read in one snapshot.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.money import exponent
from app.db.session import ReadSession
from app.exports import pages
from app.exports.columns import ColumnKind, FileColumn
from app.exports.csv import CsvWriter, decimal_text
from app.exports.pages import PageColumn
from app.ledger import statements
from app.ledger.statements import Line, Month, Statement
from app.runtime import Runtime
from app.web.errors import EdgeError

ROUTE = "/statements/{influencer}/{month}.{ending:str}"

PAGE = 1_000
"""Postings that one statement reads."""

PDF_LINES_MAX = 2_000
"""Postings that a PDF shows of a currency: for more there is CSV."""

PDF_COLUMNS = (
    PageColumn("Date (UTC)", 14),
    PageColumn("What", 12),
    PageColumn("Order", 22),
    PageColumn("Reason", 24),
    PageColumn("Currency", 9),
    PageColumn("Amount", 12, is_number=True),
    PageColumn("Owed", 12, is_number=True),
)

Row = tuple[str, str, datetime, str, str | None, str | None, str | None, int, int]
"""Month, currency, time, kind, order, posting, reason, amount, what is owed then."""


class StatementFiles:
    """Answers with statements as CSV or PDF."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, request: Request, ctx: Ctx) -> Response:
        """The file. An influencer's key gets its own alone."""
        ending = request.path_params["ending"]
        if ending not in ("csv", "pdf"):
            raise EdgeError(404, "NOT_FOUND", "Statements are files of ending csv or pdf.")
        if ending == "pdf" and not pages.is_installed():
            raise EdgeError(
                501, "NOT_SUPPORTED", "This server writes no PDF: install it with: pip install 'scoville[pdf]'"
            )
        try:
            influencer_id = UUID(request.path_params["influencer"])
        except ValueError:
            raise _nobody() from None
        month = statements.month_of(ctx, request.path_params["month"])
        if ctx.principal.influencer_id not in (None, influencer_id):
            raise _nobody()
        async with self._runtime.db.snapshot(ctx.tenant_id) as session:
            found = await statements.statements(ctx, session, influencer_id, month)
            body = await (_csv(ctx, session, found) if ending == "csv" else _pdf(ctx, session, month, found))
        name = f"statement-{influencer_id}-{month.text}.{ending}"
        return Response(
            body,
            media_type="text/csv; charset=utf-8; header=present" if ending == "csv" else "application/pdf",
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
                "x-content-type-options": "nosniff",
            },
        )


def _nobody() -> EdgeError:
    return EdgeError(404, "NOT_FOUND", "There are no statements of such an influencer.")


def _columns(digits: int) -> CsvWriter:
    return CsvWriter(
        [
            FileColumn("month", ColumnKind.STRING),
            FileColumn("currency", ColumnKind.STRING),
            FileColumn("postedAt", ColumnKind.TIME),
            FileColumn("kind", ColumnKind.STRING),
            FileColumn("order", ColumnKind.STRING),
            FileColumn("posting", ColumnKind.STRING),
            FileColumn("reason", ColumnKind.STRING),
            FileColumn("amount", ColumnKind.DECIMAL, digits=digits),
            FileColumn("owed", ColumnKind.DECIMAL, digits=digits),
        ]
    )


async def _rows(ctx: Ctx, session: ReadSession, statement: Statement) -> AsyncIterator[list[Row]]:
    month, currency = statement.month, statement.currency
    owed = statement.opening
    yield [(month.text, currency, month.start, "OPENING", None, None, None, 0, owed)]
    after = None
    while True:
        lines = await statements.lines(
            ctx, session, statement.influencer_id, month, currency=currency, limit=PAGE, after=after
        )
        rows: list[Row] = []
        for line in lines:
            owed += line.amount
            rows.append(_row(month, currency, line, owed))
        if rows:
            yield rows
        if len(lines) < PAGE:
            break
        after = lines[-1].posted_at, lines[-1].posting_id
    assert owed == statement.closing, "a statement closes"
    yield [(month.text, currency, month.end, "CLOSING", None, None, None, 0, owed)]


def _row(month: Month, currency: str, line: Line, owed: int) -> Row:
    return (
        month.text,
        currency,
        line.posted_at,
        line.kind.value,
        line.order,
        str(line.posting_id),
        line.reason,
        line.amount,
        owed,
    )


async def _csv(ctx: Ctx, session: ReadSession, found: list[Statement]) -> bytes:
    pieces = [_columns(2).start()]
    for statement in found:
        writer = _columns(exponent(statement.currency))
        pieces += [writer.rows(list(zip(*rows, strict=True))) async for rows in _rows(ctx, session, statement)]
    return b"".join(pieces)


async def _pdf(ctx: Ctx, session: ReadSession, month: Month, found: list[Statement]) -> bytes:
    cells: list[tuple[str, ...]] = []
    told = [
        ctx.tenant.name,
        f"Times from {_instant(month.start)} to {_instant(month.end)} ({ctx.tenant.reporting_zone})",
    ]
    for statement in found:
        digits = exponent(statement.currency)
        shown = 0
        async for rows in _rows(ctx, session, statement):
            for _, currency, at, kind, order, _, reason, amount, owed in rows:
                if kind != "CLOSING" and shown > PDF_LINES_MAX:
                    continue
                shown += 1
                amounts = decimal_text(amount, digits), decimal_text(owed, digits)
                cells.append((_instant(at), kind.capitalize(), order or "", reason or "", currency, *amounts))
        if shown > PDF_LINES_MAX:
            told.append(f"In {statement.currency} the first {PDF_LINES_MAX} postings are shown; the CSV has all.")
    # Laying out takes a while and waits for nothing: elsewhere than where requests are answered.
    return await asyncio.to_thread(pages.pages, f"Statement {month.text}", told, PDF_COLUMNS, cells)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
