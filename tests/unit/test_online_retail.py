"""The Online Retail format: which line becomes what, and that none is lost."""

import csv
import gzip
import os
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import DomainError
from app.integrations.online_retail import COLUMNS, Reading, Report, survey
from app.integrations.online_retail.reading import Fact
from app.integrations.online_retail.report import Bucket
from app.orders.inputs import AdjustmentInput, OrderInput, RefundInput
from tests.factories.online_retail import FULL, SLICE, needs_full, row, write


def read(path: Path, *, weeks: int = 0, end: datetime | None = None) -> tuple[list[Fact], Report]:
    reading = Reading(survey(path, weeks=weeks, end=end))
    return list(reading.facts()), reading.report


def test_invoice_becomes_an_order_of_all_its_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row(quantity=6, price="2.55", title=" WHITE HANGING HEART "),
        row(quantity=6, price="2.55", title=" WHITE HANGING HEART "),
        row(sku="POST", quantity=1, price="18.0", title=""),
    )

    facts, report = read(path)

    (order,) = facts
    assert isinstance(order, OrderInput)
    assert (order.external_id, order.customer, order.country, order.currency) == ("536365", "17850", "GB", "GBP")
    assert order.occurred_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert [(line.sku, line.quantity, line.amount, line.title) for line in order.lines] == [
        ("85123A", 6, Decimal("15.30"), "WHITE HANGING HEART"),
        ("85123A", 6, Decimal("15.30"), "WHITE HANGING HEART"),
        ("POST", 1, Decimal("18.00"), None),
    ]
    assert order.total == Decimal("48.60")
    assert (report.orders, report.units, report.gross) == (1, 13, Decimal("48.60"))


def test_summer_times_are_an_hour_earlier_in_utc(tmp_path: Path) -> None:
    (order,), _ = read(write(tmp_path / "file.csv", row(at="2011-07-01 12:00:00")))

    assert order.occurred_at == datetime(2011, 7, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2011-03-27 01:30:00", datetime(2011, 3, 27, 1, tzinfo=UTC)),
        ("2011-10-30 01:30:00", datetime(2011, 10, 30, 0, 30, tzinfo=UTC)),
    ],
    ids=["skipped by the clock: the jump", "occurs twice: the first"],
)
def test_times_at_clock_changes_have_one_meaning(tmp_path: Path, local: str, instant: datetime) -> None:
    (order,), _ = read(write(tmp_path / "file.csv", row(at=local)))

    assert order.occurred_at == instant


def test_invoice_of_several_times_takes_the_earliest_even_if_its_lines_are_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", at="2011-02-01 11:20:00"),
        row("2", at="2011-02-01 11:19:30"),
        row("1", at="2011-02-01 11:19:00"),
    )

    facts, report = read(path)

    assert [(fact.external_id, fact.occurred_at.minute) for fact in facts] == [("2", 19), ("1", 19)]
    assert [len(fact.lines) for fact in facts if isinstance(fact, OrderInput)] == [1, 2]
    assert report.several_times == 1


def test_cancellation_takes_back_the_latest_line_with_enough_open(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", quantity=10),
        row("2", quantity=10),
        row("3", quantity=2),
        row("C4", quantity=-8),
        row("C5", quantity=-8),
        row("C6", quantity=-4),
    )

    facts, report = read(path)

    refunds = [fact for fact in facts if isinstance(fact, RefundInput)]
    assert [(refund.external_id, refund.order_external_id) for refund in refunds] == [("C4-2", "2"), ("C5-1", "1")]
    assert [(line.position, line.quantity, line.amount) for line in refunds[0].lines] == [(0, 8, Decimal("20.40"))]
    (adjustment,) = [fact for fact in facts if isinstance(fact, AdjustmentInput)]
    assert (adjustment.external_id, adjustment.quantity, adjustment.amount, adjustment.reason) == (
        "C6-line-0",
        4,
        Decimal("10.20"),
        "ADJUSTMENT_NO_ORDER",
    )
    assert report.buckets[Bucket.REFUND].lines == 2
    assert report.buckets[Bucket.ADJUSTMENT_NO_ORDER].value == Decimal("-10.20")


def test_cancelled_lines_of_one_order_line_add_up_in_one_refund(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", row("1", quantity=10), row("C2", quantity=-1), row("C2", quantity=-2))

    facts, report = read(path)

    refund = facts[1]
    assert isinstance(refund, RefundInput)
    assert [(line.position, line.quantity, line.amount) for line in refund.lines] == [(0, 3, Decimal("7.65"))]
    assert (report.refunds, report.buckets[Bucket.REFUND].lines) == (1, 2)


def test_cancellation_above_the_price_paid_leaves_the_rest_as_adjustment(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv", row("1", quantity=2, price="5.00"), row("C2", quantity=-2, price="7.50"), row("C3")
    )

    facts, report = read(path)

    _, adjustment, refund = facts
    assert isinstance(refund, RefundInput)
    assert isinstance(adjustment, AdjustmentInput)
    assert refund.lines[0].amount == Decimal("10.00")
    assert (adjustment.amount, adjustment.quantity, adjustment.reason) == (Decimal("5.00"), 0, "ABOVE_ORDER")
    assert [report.refunded, report.adjusted, report.surplus.value] == [Decimal(10), Decimal(5), Decimal(-5)]
    # A cancellation of a positive quantity cancels nothing.
    assert report.buckets[Bucket.MALFORMED].value == Decimal("15.30")


def test_cancellation_matches_neither_others_nor_later_lines_nor_guests(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("C1", quantity=-1),
        row("2", quantity=5),
        row("C3", quantity=-1, customer="1.0"),
        row("C4", quantity=-1, sku="X"),
        row("5", quantity=5, customer=""),
        row("C6", quantity=-1, customer=""),
    )

    facts, report = read(path)

    assert not [fact for fact in facts if isinstance(fact, RefundInput)]
    assert report.buckets[Bucket.ADJUSTMENT_NO_ORDER].lines == 3
    assert report.buckets[Bucket.ADJUSTMENT_NO_CUSTOMER].lines == 1


def test_lines_that_cannot_be_orders_are_counted_by_kind(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", quantity=-5, price="0.0", customer=""),
        row("2", quantity=5, price="0"),
        row("A3", sku="B", price="-11062.06", quantity=1),
        row("4", quantity="many"),
        ["5", "too", "short"],
        row("6", price="NaN"),
        row("7", at="yesterday"),
        row("8", quantity=-1, price="2.00"),
    )

    facts, report = read(path)

    assert facts == []
    assert {bucket.value: tally.lines for bucket, tally in report.buckets.items() if tally.lines} == {
        "STOCK_ADJUSTMENT": 2,
        "PRICE_NOT_POSITIVE": 1,
        "BAD_DEBT": 1,
        "MALFORMED": 4,
    }
    assert report.malformed_rows == [5, 6, 7, 8]
    assert (report.lines, report.negative) == (8, Decimal("-11064.06"))


def test_of_a_malformed_line_counts_what_can_be_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", sku="", quantity=2, price="3.00"),
        row("", quantity=-1, price="0.50"),
        row("2", at="yesterday", quantity=3, price="NaN"),
        row("3", at="yesterday", quantity="many"),
        row("4", customer="somebody", quantity=4, price="0.255"),
        ["5", "too", "short", "7"],
        [*row("6", title="RED", quantity=9), "too long"],
        row("7"),
        row("C7", quantity=10, price="1.00"),
        row("C8", quantity=10, price="1.00", at="2011-01-01 00:00:00"),
    )

    facts, report = read(path, end=datetime(2011, 1, 1, tzinfo=UTC))

    assert len(facts) == 1
    malformed = report.buckets[Bucket.MALFORMED]
    assert (malformed.lines, malformed.quantity, malformed.value) == (8, 2 - 1 + 3 + 4 + 7 + 10, Decimal("16.520"))
    assert report.malformed_rows == [2, 3, 4, 5, 6, 7, 8, 10]
    assert (report.positive, report.negative) == (Decimal("42.320"), Decimal("-0.50"))
    assert report.buckets[Bucket.AFTER_END].lines == 1


def test_numbers_beyond_all_reason_are_malformed(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", row("1", price="1e30"), row("2", price="1e-30"), row("3", quantity=10**13))

    _, report = read(path)

    assert report.malformed_rows == [2, 3, 4]


def test_malformed_rows_are_listed_up_to_a_bound_and_all_counted(tmp_path: Path) -> None:
    _, report = read(write(tmp_path / "file.csv", *(row(sku="") for _ in range(30))))

    assert report.malformed_rows == list(range(2, 22))
    assert report.buckets[Bucket.MALFORMED].lines == 30


def test_invoices_of_several_customers_take_the_first_and_are_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1"),
        row("1", customer="1.0"),
        row("1", customer="2.0"),
        row("2", customer=""),
        row("2"),
        row("3"),
        row("3", customer="17850"),
    )

    facts, report = read(path)

    assert [fact.customer for fact in facts if isinstance(fact, OrderInput)] == ["17850", None, "17850"]
    assert report.several_customers == 2
    assert report.to_json()["invoicesWithSeveralCustomers"] == 2


def test_parts_of_a_penny_round_half_even_per_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row(quantity=1, price="0.001"),
        row(quantity=5, price="0.001"),
        row(quantity=15, price="0.001"),
    )

    (order,), report = read(path)

    assert isinstance(order, OrderInput)
    assert [line.amount for line in order.lines] == [Decimal("0.00"), Decimal("0.00"), Decimal("0.02")]
    assert (report.rounded, report.rounding) == (3, Decimal("-0.001"))


def test_times_move_by_whole_weeks_and_stop_at_the_end(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", at="2011-03-20 09:00:00"),
        row("2", at="2011-03-27 09:00:00"),
        row("C3", quantity=-6, at="2011-03-28 09:00:00"),
    )

    facts, report = read(path, weeks=1, end=datetime(2011, 4, 3, 8, tzinfo=UTC))

    # 9 o'clock stays 9 o'clock: in London that is 8 UTC from 27 March on.
    assert [fact.occurred_at for fact in facts] == [datetime(2011, 3, 27, 8, tzinfo=UTC)]
    assert report.buckets[Bucket.AFTER_END].lines == 2


def test_products_are_called_by_their_commonest_title_and_customers_are_where_they_were_last(tmp_path: Path) -> None:
    path = write(
        tmp_path / "file.csv",
        row("1", title="RED HEART"),
        row("2", title="HEART, RED", country="EIRE"),
        row("3", title="HEART, RED", country="Channel Islands", customer="1.0"),
        row("4", title="damaged", quantity=-3, price="0"),
        row("5", sku="X", title=""),
    )

    found = survey(path)

    assert found.products == {"85123A": "HEART, RED", "X": "X"}
    assert found.customers == {"17850": "GB", "1": None}


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", header=("Invoice", "StockCode"))

    with pytest.raises(DomainError, match=r"file\.csv is not an Online Retail file"):
        survey(path)


def test_broken_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(write(tmp_path / "file.csv", row(), row()).read_bytes())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    latin = tmp_path / "latin.csv"
    latin.write_bytes(",".join(COLUMNS).encode() + b"\n1,2,CAF\xc9,1,2010-12-01 08:26:00,1.0,1.0,France\n")

    for path in (cut, latin):
        with pytest.raises(DomainError, match=f"{path.name} cannot be read"):
            survey(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"InvoiceNo,")

    for path, said in ((tmp_path / "pipe", "is a pipe"), (tmp_path, "Is a directory"), (tmp_path / "no", "No such")):
        with pytest.raises(DomainError, match=said) as refused:
            survey(path)
        assert refused.value.code == "BAD_USER_INPUT"
    os.close(writer)


def test_slice_lands_in_buckets_that_add_up() -> None:
    facts, report = read(SLICE)

    assert {bucket.value: tally.lines for bucket, tally in report.buckets.items() if tally.lines} == {
        "ORDER_LINE": 39_357,
        "REFUND": 449,
        "ADJUSTMENT_NO_ORDER": 94,
        "ADJUSTMENT_NO_CUSTOMER": 23,
        "BAD_DEBT": 3,
        "STOCK_ADJUSTMENT": 102,
        "PRICE_NOT_POSITIVE": 133,
    }
    assert (report.lines, report.positive, report.negative) == (40_161, Decimal("665269.97"), Decimal("-59662.42"))
    assert Counter(type(fact).__name__ for fact in facts) == {
        "OrderInput": 1_367,
        "RefundInput": 247,
        "AdjustmentInput": 119,
    }


def test_ids_are_unique_and_refunds_follow_their_orders() -> None:
    facts, _ = read(SLICE)

    ids = Counter((type(fact), fact.external_id) for fact in facts)
    assert set(ids.values()) == {1}
    seen: dict[str, datetime] = {}
    for fact in facts:
        if isinstance(fact, OrderInput):
            seen[fact.external_id] = fact.occurred_at
        elif isinstance(fact, RefundInput):
            assert seen[fact.order_external_id] <= fact.occurred_at


@needs_full
def test_whole_file_gives_the_published_figures_in_ten_seconds() -> None:
    started = time.process_time()
    found = survey(FULL)
    reading = Reading(found)
    facts = Counter(type(fact).__name__ for fact in reading.facts())
    elapsed_s = time.process_time() - started

    report = reading.report
    assert report.lines == 541_909
    assert (report.positive, report.negative) == (Decimal("10666684.544"), Decimal("-918936.61"))
    assert len(found.invoices) == 25_900
    assert sum(number.startswith("C") for number in found.invoices) == 3_836
    assert (report.several_times, report.several_customers) == (43, 0)
    assert report.malformed_rows == []
    buckets = {bucket.value: (tally.lines, tally.value) for bucket, tally in report.buckets.items() if tally.lines}
    assert buckets == {
        "ORDER_LINE": (530_103, Decimal("10655622.484")),
        "REFUND": (7_471, Decimal("-467440.82")),
        "ADJUSTMENT_NO_ORDER": (1_434, Decimal("-143901.27")),
        "ADJUSTMENT_NO_CUSTOMER": (383, Decimal("-285470.40")),
        "BAD_DEBT": (3, Decimal("-11062.06")),
        "STOCK_ADJUSTMENT": (1_336, Decimal(0)),
        "PRICE_NOT_POSITIVE": (1_179, Decimal(0)),
    }
    assert facts == {"OrderInput": 19_959, "RefundInput": 3_765, "AdjustmentInput": 1_859}
    assert (report.rounded, report.rounding) == (4, Decimal("-0.004"))
    assert elapsed_s < 10


@needs_full
def test_slice_is_what_its_readme_says() -> None:
    def is_kept(line: list[str]) -> bool:
        number = line[6].removesuffix(".0") or line[0].lstrip("CA")
        return int(number) % 12 == 0 or line[0].startswith("A")

    with gzip.open(FULL, "rt", encoding="utf-8", newline="") as whole, gzip.open(SLICE, "rt", newline="") as part:
        lines = csv.reader(whole)
        assert next(lines) == next(kept := csv.reader(part))
        assert [line for line in lines if is_kept(line)] == list(kept)
