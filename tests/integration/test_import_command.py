"""`scoville import orders` reports each line, makes the months it needs, and exits with 1 when anything was refused."""

import asyncio
import json
import re
import uuid
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from app.db.connection import OPEN_UNUSED_S_MAX
from tests.factories.commands import Scoville, output
from tests.factories.online_retail import row, write
from tests.integration.test_cli import scoville

__all__ = ["scoville"]

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"

ROWS = (
    row("536365", "85123A", 6, at="1996-03-01 08:26:00"),
    row("536366", "22632", 2, "1.85", at="1996-03-02 09:00:00", customer=""),
    row("C536367", "85123A", -1, at="1996-04-02 10:00:00"),
    row("536368", "22632", 1, "0.0", at="1996-04-03 10:00:00"),
    row("536369", "22632", "many", at="1996-04-03 10:00:00"),
)


@pytest.fixture
async def shop(scoville: Scoville) -> str:
    """The name of a new tenant."""
    # An import makes partitions, and waits for whoever looks at the table. What this process has read is ended while
    # its event loop runs, and commands stop that.
    await asyncio.sleep(2 * OPEN_UNUSED_S_MAX)
    name = f"shop {uuid.uuid4().hex}"
    output(scoville("tenants", "create", name, "--zone", "Europe/London", "--currency", "GBP", "--json"))
    return name


async def test_every_line_is_told_and_a_second_run_replays(
    scoville: Scoville, shop: str, admin: Admin, tmp_path: Path
) -> None:
    path = str(write(tmp_path / "orders.csv", *ROWS))
    arguments = ("import", "orders", path, "--format", "online-retail", "--tenant", shop)

    runs = [scoville(*arguments, "--json") for _ in range(2)]
    first, second = (json.loads(done.stdout) for done in runs)

    # A row cannot be read.
    assert [done.returncode for done in runs] == [1, 1]
    assert first["seconds"] > max(phase["seconds"] for phase in first["phases"].values())
    told = {name: bucket["lines"] for name, bucket in first["file"]["buckets"].items() if bucket["lines"]}
    assert told == {"ORDER_LINE": 2, "REFUND": 1, "PRICE_NOT_POSITIVE": 1, "MALFORMED": 1}
    assert (first["file"]["lines"], first["file"]["malformedRows"]) == (5, [6])
    recorded = {name: phase["recorded"] for name, phase in first["phases"].items()}
    assert (recorded["orders"], recorded["refunds"], recorded["influencers"]) == (2, 1, 24)
    assert {name: phase["replayed"] for name, phase in second["phases"].items()} == recorded
    assert not any(phase["recorded"] or phase["rejected"] for phase in second["phases"].values())
    months = ("instances_1995_12", "instances_1996_03", "instances_1996_04")
    for month in months:
        assert await admin.fetchval("SELECT to_regclass($1)", month) is not None, month
    assert await admin.fetchval("SELECT to_regclass('instances_1996_05')") is None


def test_people_read_what_became_of_the_lines(scoville: Scoville, shop: str, tmp_path: Path) -> None:
    # More malformed rows than are named, and an invoice of two customers.
    rows = (*ROWS, *(row("536370", "") for _ in range(30)), row("536366", "22632", customer="1.0"))
    path = str(write(tmp_path / "orders.csv", *rows))

    done = scoville("import", "orders", path, "--format", "online-retail", "--tenant", shop, "--no-program")

    assert (done.returncode, done.stderr) == (1, "")
    assert "sold: a line of an order" in done.stdout
    assert "31 malformed rows, the first at [6, 7, 8, 9, 10]." in done.stdout
    assert "1 invoices have lines of several customers; the first line's counts." in done.stdout
    assert "influencers" not in done.stdout
    assert re.search(r"^It took \d+\.\d s in all\.", done.stdout, re.MULTILINE)


def test_what_is_logged_meanwhile_does_not_spoil_the_json(scoville: Scoville, shop: str, tmp_path: Path) -> None:
    path = str(write(tmp_path / "orders.csv", *ROWS[:-1]))
    arguments = ("import", "orders", path, "--format", "online-retail", "--tenant", shop, "--json")

    done = scoville(*arguments, REDIS_URL="redis://127.0.0.1:9")

    assert output(done)["file"]["lines"] == 4
    assert "redis_away" in done.stderr


def test_a_refusal_is_told_and_the_exit_code_is_one(scoville: Scoville, shop: str, tmp_path: Path) -> None:
    arguments = ("--format", "online-retail", "--tenant", shop, "--no-program")
    output(scoville("import", "orders", str(write(tmp_path / "one.csv", ROWS[0])), *arguments, "--json"))
    changed = str(write(tmp_path / "two.csv", row("536365", "85123A", 7, at="1996-03-01 08:26:00")))

    done = scoville("import", "orders", changed, *arguments)
    as_json = scoville("import", "orders", changed, *arguments, "--json")

    assert done.returncode == as_json.returncode == 1
    assert "orders 536365: CONFLICTING_DUPLICATE" in done.stderr
    assert json.loads(as_json.stdout)["phases"]["orders"]["rejected"] == 1


@pytest.mark.parametrize(
    ("header", "tenant", "said"),
    [
        (("InvoiceNo",), None, "is not an Online Retail file"),
        (None, "nobody", "There is no tenant named 'nobody'"),
    ],
)
def test_what_cannot_be_is_one_line(
    scoville: Scoville, shop: str, tmp_path: Path, header: tuple[str, ...] | None, tenant: str | None, said: str
) -> None:
    path = tmp_path / "orders.csv"
    write(path, *ROWS, **({} if header is None else {"header": header}))

    done = scoville("import", "orders", str(path), "--format", "online-retail", "--tenant", tenant or shop)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
