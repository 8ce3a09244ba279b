"""Exchange rates come from files and by hand, a tenant's own before all others'; what waited for one is converted."""

import asyncio
import random
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app import worker
from app.analytics.rollups.verify import verify
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CommissionState, LineKind
from app.orders.ecb import Rate, read_rates
from app.orders.inputs import RefundLineInput
from app.orders.rate_inputs import RateFile, RateInput
from app.runtime import Runtime
from app.spend.inputs import SpendInput
from app.usecases.convert_late import convert_late
from app.usecases.edit_orders import edit_orders
from app.usecases.import_exchange_rates import import_exchange_rates
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_exchange_rates import record_exchange_rates
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.record_spend import record_spend
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows, adjustment, edit, item, line, order, refund
from tests.integration.money.test_states import moved

pytestmark = pytest.mark.database

HISTORY = """Date,USD,GBP,JPY,LTL,
2026-03-10,1.16,0.87,171.5,N/A,
2026-03-09,1.15,0.865,170.25,N/A,
"""
REVENUE = """query { analytics(range: {between: {from: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}}%s) {
  totals { grossRevenue refunds commission spend } meta { warnings { code count } } } }"""


def rate(base: str, quote: str, value: str, *, on: date | None = None) -> RateInput:
    """A rate of the day of NOON."""
    return RateInput(base, quote, on or NOON.date(), Decimal(value))


async def totals(client: Client, arguments: str = "") -> Any:
    """What March came to, and of how many facts it is not known."""
    answer = (await client.query(REVENUE % arguments))["data"]["analytics"]
    return answer["totals"], sum(warning["count"] for warning in answer["meta"]["warnings"])


async def test_what_waited_for_a_rate_is_converted_when_it_comes(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client
) -> None:
    offer = await program.offer()
    lines = (item("100.00"), item("33.33", sku="salt"), line(LineKind.DISCOUNT, "-13.33"))
    sent = [
        order(*lines, external_id=name, codes=(offer.code,), currency="KWD", total=Decimal("120.00"))
        for name in ("a", "b", "c")
    ]
    assert {each.outcome for each in await record_orders(runtime, ctx, sent)} == {Outcome.RECORDED}
    await edit_orders(runtime, ctx, [edit("b", item("77.77"))])
    for amount in ("10.01", "20.02", "89.97"):
        await record_refunds(runtime, ctx, [refund("c", amount)])
    await record_refunds(runtime, ctx, [refund("a", lines=(RefundLineInput(position=0, amount=Decimal("12.345")),))])
    await record_adjustments(runtime, ctx, [adjustment("5.000", currency="KWD")])
    await record_spend(runtime, ctx, [SpendInput("s", NOON, offer.campaign_id, "KWD", Decimal("2.000"))])
    first = await look.value("id", "commissions", "kind = 'ACCRUAL'")
    await moved(runtime, ctx, (first, CommissionState.APPROVED))
    before, missing = await totals(client)
    assert before == {"grossRevenue": "0.00", "refunds": "0.00", "commission": "0.00", "spend": "0.00"}
    assert missing > 10

    outcomes = await record_exchange_rates(runtime, ctx, [rate("KWD", "GBP", "2.4137")])

    assert [each.outcome for each in outcomes] == [Outcome.RECORDED]
    after, missing = await totals(client)
    assert missing == 0
    # Twice 241.37 + 80.45 - 32.17, and 187.71: each line rounded once.
    assert after["grossRevenue"] == "767.01"
    assert after["spend"] == "4.83"
    for table in ("order_lines", "refund_lines", "adjustments", "spend", "commissions", "commission_lines"):
        assert await look.value("count(*)", table, "amount_base_minor IS NULL") == 0, table
    back = await look.value("id", "orders", "external_id = 'c'")
    assert await look.value("sum(amount_base_minor)", "order_lines", f"order_id = '{back}'") == await look.value(
        "sum(amount_base_minor)", "refund_lines", f"order_id = '{back}'"
    )
    assert await look.value("sum(amount_base_minor)", "commissions", f"order_id = '{back}'") == 0
    parts: dict[Any, int] = {}
    for row in await look.rows("commission_lines"):
        parts[row["commission_id"]] = parts.get(row["commission_id"], 0) + row["amount_base_minor"]
    for row in await look.rows("commissions"):
        assert parts.get(row["id"], 0) == row["amount_base_minor"]
    assert await verify(runtime.db, ctx.tenant_id) == []
    assert await convert_late(runtime, ctx) == 0


async def test_what_was_converted_keeps_its_rate(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client
) -> None:
    offer = await program.offer()
    await record_exchange_rates(runtime, ctx, [rate("KWD", "GBP", "2.5")])
    await record_orders(runtime, ctx, [order(item("10.000"), codes=(offer.code,), currency="KWD")])
    assert (await totals(client))[0]["grossRevenue"] == "25.00"

    again = await record_exchange_rates(runtime, ctx, [rate("KWD", "GBP", "2.5"), rate("KWD", "GBP", "2.6")])

    assert [each.outcome for each in again] == [Outcome.REPLAYED, Outcome.RECORDED]
    assert (await totals(client))[0]["grossRevenue"] == "25.00"
    await record_orders(runtime, ctx, [order(item("10.000"), codes=(offer.code,), currency="KWD")])
    assert (await totals(client))[0]["grossRevenue"] == "51.00"


async def test_a_tenants_own_rate_comes_before_the_one_of_all(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client
) -> None:
    offer = await program.offer()
    await program.rate("OMR", "GBP", "2", on=NOON)
    await program.rate("OMR", "BHD", "3", on=NOON)
    await record_exchange_rates(
        runtime,
        ctx,
        [rate("GBP", "OMR", "0.4"), rate("OMR", "BHD", "1.1"), rate("OMR", "GBP", "7", on=NOON.date() - timedelta(2))],
    )

    await record_orders(runtime, ctx, [order(item("10.000"), codes=(offer.code,), currency="OMR")])

    assert (await totals(client))[0]["grossRevenue"] == "25.00"
    assert (await totals(client, ', currency: "BHD"'))[0]["grossRevenue"] == "11.000"


async def test_a_file_of_the_ecb_brings_the_euros_rates_and_the_tenants(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    files = [RateFile(HISTORY), RateFile(HISTORY, date(2026, 3, 10)), RateFile("nonsense")]
    outcomes = await import_exchange_rates(runtime, ctx, files)

    assert [(each.outcome, each.code, each.detail.get("rates")) for each in outcomes] == [
        (Outcome.RECORDED, None, 10),
        (Outcome.REPLAYED, None, 0),
        (Outcome.REJECTED, "BAD_USER_INPUT", None),
    ]
    rows = await look.rows("own_rates", f"day = '{NOON.date()}'", "base, quote")
    assert [(row["base"], row["quote"], row["rate"], row["source"]) for row in rows] == [
        ("EUR", "GBP", Decimal("0.87"), "ecb"),
        ("EUR", "JPY", Decimal("171.5"), "ecb"),
        ("EUR", "USD", Decimal("1.16"), "ecb"),
        ("GBP", "JPY", Decimal("197.1264367816"), "ecb-cross"),
        ("GBP", "USD", Decimal("1.3333333333"), "ecb-cross"),
    ]
    offer = await program.offer()
    await record_orders(runtime, ctx, [order(item("15000"), codes=(offer.code,), currency="JPY")])
    assert await look.value("amount_base_minor", "order_lines") == 7609


async def test_files_are_read_elsewhere_and_no_further_than_there_is_room(
    runtime: Runtime, ctx: Ctx, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, read = threading.Event(), list[Rate]()

    def slow(text: str, *, since: date | None) -> Iterator[Rate]:
        assert go_on.wait(10), "the loop runs on while a file is read"
        for rate in read_rates(text, since=since):
            read.append(rate)
            yield rate

    monkeypatch.setattr("app.usecases.import_exchange_rates.read_rates", slow)
    monkeypatch.setattr("app.usecases.import_exchange_rates.RATES_MAX", 12)
    codes = ",".join(["USD", "GBP", "JPY"] * 1_000)
    long = f"Date,{codes}\n2026-03-09,{','.join(['2'] * 3_000)}\n"

    files = [RateFile(long), RateFile(HISTORY), RateFile(HISTORY), RateFile(long.replace("," + codes, ",USD"))]
    importing = asyncio.create_task(import_exchange_rates(runtime, ctx, files))
    await asyncio.sleep(0.01)
    go_on.set()

    assert [each.code for each in await importing] == ["BATCH_TOO_LARGE", None, "BATCH_TOO_LARGE", None]
    assert len(read) == 13 + 6 + 3 + 1
    assert await look.counts("own_rates") == {"own_rates": 11}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (rate("KWD", "KWD", "1"), "BAD_USER_INPUT"),
        (rate("KWD", "GBP", "0"), "INVALID_AMOUNT"),
        (rate("KWD", "GBP", "1e10"), "INVALID_AMOUNT"),
        (rate("KWD", "GBP", "0.12345678901"), "INVALID_AMOUNT"),
        (rate("XXX", "GBP", "1"), "INVALID_CURRENCY"),
    ],
)
async def test_rates_that_cannot_be_are_refused(runtime: Runtime, ctx: Ctx, given: RateInput, code: str) -> None:
    [outcome] = await record_exchange_rates(runtime, ctx, [given])

    assert (outcome.outcome, outcome.code) == (Outcome.REJECTED, code)


async def test_rates_that_come_between_writes_leave_the_rollups_exact(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer()
    chance = random.Random(7)

    async def sell(name: str) -> None:
        price = Decimal(chance.randrange(1, 90_000)) / 1000
        await record_orders(
            runtime, ctx, [order(item(str(price)), external_id=name, codes=(offer.code,), currency="TND")]
        )
        await edit_orders(runtime, ctx, [edit(name, item(str(price + 1)), item("3.333", sku="salt"))])
        await record_refunds(runtime, ctx, [refund(name, "0.777"), refund(name, str(price / 2)[:6])])

    await asyncio.gather(
        *(sell(f"t-{number}") for number in range(8)),
        record_exchange_rates(runtime, ctx, [rate("TND", "GBP", "0.2573")]),
    )
    await worker.convert_late_facts(runtime)

    assert await look.value("count(*)", "commissions", "amount_base_minor IS NULL") == 0
    assert await look.value("count(*)", "order_lines", "amount_base_minor IS NULL") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []
