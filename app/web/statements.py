"""An influencer's statements of a month as CSV: GET /statements/{influencer}/{month}.csv.

One file holds all currencies, one after the other: the opening, each posting that changed what is owed, with what was
owed after it, and the closing. It is read in one snapshot.
"""

from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.money import exponent
from app.db.session import ReadSession
from app.exports.columns import ColumnKind, FileColumn
from app.exports.csv import CsvWriter
from app.ledger import statements
from app.ledger.statements import Line, Month, Statement
from app.runtime import Runtime
from app.web.errors import EdgeError

ROUTE = "/statements/{influencer}/{month}.csv"

MEDIA_TYPE = "text/csv"

PAGE = 1_000
"""Postings that one statement reads."""

Row = tuple[str, str, datetime, str, str | None, str | None, str | None, int, int]


class StatementFiles:
    """Answers with statements as CSV."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, request: Request, ctx: Ctx) -> Response:
        """The file. An influencer's key gets its own alone."""
        try:
            influencer_id = UUID(request.path_params["influencer"])
        except ValueError:
            raise _nobody() from None
        month = statements.month_of(ctx, request.path_params["month"])
        if ctx.principal.influencer_id not in (None, influencer_id):
            raise _nobody()
        async with self._runtime.db.snapshot(ctx.tenant_id) as session:
            body = _columns(2).start()
            for statement in await statements.statements(ctx, session, influencer_id, month):
                body += await _file(ctx, session, statement)
        name = f"statement-{influencer_id}-{month.text}.csv"
        return Response(
            body,
            media_type=f"{MEDIA_TYPE}; charset=utf-8; header=present",
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


async def _file(ctx: Ctx, session: ReadSession, statement: Statement) -> bytes:
    writer = _columns(exponent(statement.currency))
    month, currency = statement.month, statement.currency
    owed = statement.opening
    body = writer.rows(_values([(month.text, currency, month.start, "OPENING", None, None, None, 0, owed)]))
    after = None
    while True:
        lines = await statements.lines(
            ctx, session, statement.influencer_id, month, currency=currency, limit=PAGE, after=after
        )
        rows: list[Row] = []
        for line in lines:
            owed += line.amount
            rows.append(_row(month, currency, line, owed))
        body += writer.rows(_values(rows)) if rows else b""
        if len(lines) < PAGE:
            break
        after = lines[-1].posted_at, lines[-1].posting_id
    assert owed == statement.closing, "a statement closes"
    return body + writer.rows(_values([(month.text, currency, month.end, "CLOSING", None, None, None, 0, owed)]))


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


def _values(rows: list[Row]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))
