"""The second pass: invoices become orders, cancellations become refunds and adjustments, in the file's order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from app.core import words
from app.integrations.online_retail.lines import CURRENCY, ZERO, Line, LineKind, Parser, opened
from app.integrations.online_retail.matching import OpenLine, OpenLines
from app.integrations.online_retail.report import Bucket, Report
from app.integrations.online_retail.survey import Invoice, Survey
from app.orders.inputs import AdjustmentInput, LineInput, OrderInput, RefundInput, RefundLineInput

Fact = OrderInput | RefundInput | AdjustmentInput

_LEFT_OUT = {
    LineKind.BAD_DEBT: Bucket.BAD_DEBT,
    LineKind.STOCK_ADJUSTMENT: Bucket.STOCK_ADJUSTMENT,
    LineKind.PRICE_NOT_POSITIVE: Bucket.PRICE_NOT_POSITIVE,
}


@dataclass(slots=True)
class Reading:
    """One reading of a surveyed file. `facts` may be iterated once; `report` is whole when it has ended.

    An invoice is held from its first line to its last (they nearly always stand together), so memory grows with the
    lines that could still be cancelled, not with the file.
    """

    survey: Survey
    report: Report = field(default_factory=Report)
    _open: OpenLines = field(default_factory=OpenLines)

    def facts(self) -> Iterator[Fact]:
        """Orders, refunds and adjustments; an order always comes before what takes it back."""
        self.report.several_times = self.survey.several_times
        self.report.several_customers = self.survey.several_customers
        parser = Parser(weeks=self.survey.weeks)
        pending: dict[str, list[Line]] = {}
        with opened(self.survey.path) as rows:
            for number, row in enumerate(rows):
                line = parser.line(row)
                if line is None:
                    self.report.count_malformed(number + 2, *parser.remains(row))
                    continue
                lines = pending.setdefault(line.invoice, [])
                invoice = self.survey.invoices[line.invoice]
                if line.kind is LineKind.UNCLEAR and not invoice.is_late:
                    self.report.count_malformed(number + 2, line.quantity, line.value)
                else:
                    lines.append(line)
                if invoice.lines_last == number:
                    yield from self._booked(invoice, pending.pop(line.invoice))
        assert not pending, "the file changed between its survey and its reading"
        self.report.check()

    def _booked(self, invoice: Invoice, lines: list[Line]) -> Iterator[Fact]:
        if invoice.is_late:
            for line in lines:
                self.report.count(Bucket.AFTER_END, line.quantity, line.value)
            return
        sold: list[Line] = []
        cancelled: list[Line] = []
        for line in lines:
            if line.kind is LineKind.SALE:
                sold.append(line)
            elif line.kind is LineKind.CANCELLATION:
                cancelled.append(line)
            else:
                self.report.count(_LEFT_OUT[line.kind], line.quantity, line.value)
        if sold:
            yield self._order(invoice, sold)
        if cancelled:
            yield from self._taken_back(invoice, cancelled)

    def _order(self, invoice: Invoice, lines: list[Line]) -> OrderInput:
        booked = []
        total = ZERO
        for position, line in enumerate(lines):
            amount = line.amount
            total += amount
            self._count(Bucket.ORDER_LINE, line, amount)
            self.report.units += line.quantity
            # Every line of the file stays a line of the order, also one that repeats another: counts equal the file's.
            booked.append(LineInput(words.LineKind.ITEM, amount, line.quantity, line.sku, line.title or None))
            if line.customer is not None:
                left = OpenLine(invoice.number, position, invoice.occurred_at, line.quantity, amount)
                self._open.add(line.customer, line.sku, left)
        self.report.orders += 1
        self.report.gross += total
        return OrderInput(
            external_id=invoice.number,
            occurred_at=invoice.occurred_at,
            currency=CURRENCY,
            total=total,
            lines=tuple(booked),
            customer=invoice.customer,
            country=invoice.country,
        )

    def _taken_back(self, invoice: Invoice, lines: list[Line]) -> Iterator[RefundInput | AdjustmentInput]:
        # By order, then by position: a refund names a line once, whatever the credit note does.
        refunds: dict[str, dict[int, tuple[int, Decimal]]] = {}
        for number, line in enumerate(lines):
            quantity, amount = -line.quantity, line.amount
            match = None
            if line.customer is not None:
                match = self._open.take(
                    line.customer, line.sku, quantity=quantity, amount=amount, at=invoice.occurred_at
                )
            if match is None:
                known = line.customer is not None
                bucket = Bucket.ADJUSTMENT_NO_ORDER if known else Bucket.ADJUSTMENT_NO_CUSTOMER
                self._count(bucket, line, -amount)
                yield self._adjustment(invoice, line, number, quantity, amount, bucket.value)
                continue
            self._count(Bucket.REFUND, line, -amount)
            taken = refunds.setdefault(match.order, {})
            before = taken.get(match.position, (0, ZERO))
            taken[match.position] = (before[0] + quantity, before[1] + match.amount)
            if match.surplus:
                self.report.surplus.add(0, -match.surplus)
                yield self._adjustment(invoice, line, number, 0, match.surplus, "ABOVE_ORDER")
        for order, taken in refunds.items():
            yield self._refund(invoice, order, taken)

    def _refund(self, invoice: Invoice, order: str, taken: dict[int, tuple[int, Decimal]]) -> RefundInput:
        self.report.refunds += 1
        self.report.refunded += sum((amount for _, amount in taken.values()), ZERO)
        return RefundInput(
            external_id=f"{invoice.number}-{order}",
            order_external_id=order,
            occurred_at=invoice.occurred_at,
            lines=tuple(
                RefundLineInput(position=position, quantity=quantity, amount=amount)
                for position, (quantity, amount) in taken.items()
            ),
            currency=CURRENCY,
        )

    def _adjustment(
        self, invoice: Invoice, line: Line, number: int, quantity: int, amount: Decimal, reason: str
    ) -> AdjustmentInput:
        self.report.adjustments += 1
        self.report.adjusted += amount
        return AdjustmentInput(
            external_id=f"{invoice.number}-line-{number}",
            occurred_at=invoice.occurred_at,
            currency=CURRENCY,
            amount=amount,
            quantity=quantity,
            sku=line.sku,
            title=line.title or None,
            customer=line.customer,
            country=invoice.country,
            reason=reason,
        )

    def _count(self, bucket: Bucket, line: Line, booked: Decimal) -> None:
        # booked: signed as the file's value.
        value = line.value
        self.report.count(bucket, line.quantity, value)
        if booked != value:
            self.report.rounded += 1
            self.report.rounding += booked - value
