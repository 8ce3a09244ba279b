"""`scoville explain`: plan and SQL of a document or of options, read as the API reads it."""

import uuid
from pathlib import Path

import pytest

from tests.factories.commands import Scoville, output
from tests.integration.test_cli import new_name, scoville

pytestmark = pytest.mark.database

__all__ = ["scoville"]

DOCUMENT = """query Board($last: Int!) {
  board: analytics(range: {last: {n: $last, unit: MONTH}}) { ...Answer }
  campaigns { nodes { analytics(range: {preset: YESTERDAY}) { totals { clicks } plan { cost } } } }
}
fragment Answer on Analytics {
  totals { netRevenue visitors @skip(if: true) }
  groups(by: [{dimension: {name: CAMPAIGN}}], first: 3) { nodes { measures { orders } } }
}"""


@pytest.fixture(scope="session")
def tenant(scoville: Scoville) -> str:
    """Name of a tenant without facts, and so without rollups."""
    name = new_name()
    assert scoville("tenants", "create", name, "--zone", "Europe/Paris", "--currency", "EUR").returncode == 0
    return name


def test_document_as_file_and_as_text(scoville: Scoville, tenant: str, tmp_path: Path) -> None:
    path = tmp_path / "board.graphql"
    path.write_text(DOCUMENT, encoding="utf-8")
    rest = ("--tenant", tenant, "--variables", '{"last": 3}', "--json")

    found = output(scoville("explain", str(path), *rest))

    assert [each["path"] for each in found] == [["board"], ["campaigns", "nodes", "analytics"]]
    assert [each["parents"] for each in found] == [None, "campaign"]
    board, nested = found
    # What is stored decides: nothing yet.
    assert {source["kind"] for source in board["sources"]} == {"FACTS"}
    totals, groups = board["statements"]
    assert totals["sql"].startswith("/* analytics.totals */")
    assert groups["sql"].startswith("/* analytics.groups */")
    assert "visitor" not in totals["sql"]
    parameters = {each["name"]: (each["type"], each["value"]) for each in groups["parameters"]}
    assert next(iter(parameters)) == "tenant"
    assert uuid.UUID(parameters["tenant"][1]).version == 7
    assert parameters["range_start"][0] == "timestamp with time zone"
    assert parameters["limit"] == ("bigint", 4)
    assert all(f"${number}" in groups["sql"] for number in range(1, len(groups["parameters"]) + 1))
    assert "parents" in {each["name"] for each in nested["statements"][0]["parameters"]}
    assert [each["path"] for each in output(scoville("explain", DOCUMENT, *rest))] == [each["path"] for each in found]


def test_a_subscription_is_explained_as_its_question(scoville: Scoville, tenant: str) -> None:
    once, followed = (
        output(scoville("explain", document, "--tenant", tenant, "--json"))
        for document in (
            "{ analytics(range: {preset: TODAY}) { totals { clicks } } }",
            'subscription { analytics(range: {preset: TODAY}, every: "PT5S") { totals { clicks } } }',
        )
    )

    assert followed == once


def test_options_instead_of_a_document(scoville: Scoville, tenant: str) -> None:
    done = scoville(
        "explain", "--tenant", tenant, "--measure", "NET_REVENUE", "--measure", "orders", "--by", "campaign",
        "--every", "MONTH", "--last", "90", "--zone", "Asia/Kolkata",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("analytics: cost ")
    assert "  groups by campaign, " in done.stdout
    assert "FACTS order_lines: gross_e9" in done.stdout
    assert "-- $1 tenant: uuid" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "either a document or --measure"),
        (("{ catalog { dataFrom } }", "--measure", "orders"), 2, "either a document or --measure"),
        (("no such file",), 2, "is no file that can be read"),
        (("{ catalog { dataFrom } }",), 2, "asks nothing of `analytics`"),
        (("{ analytics { totals } }",), 2, "'Query.analytics(range:)'"),
        (("{ analytics(",), 2, "Syntax Error"),
        (("{ analytics(range: {last: {n: 0, unit: DAY}}) { totals { orders } } }",), 1, "must be 1 to"),
        ((DOCUMENT,), 2, "$last"),
        ((DOCUMENT, "--variables", "[1]"), 2, "not a JSON object"),
        ((DOCUMENT, "--variables", "{"), 2, "not JSON"),
        (("--measure", "profits", "--by", "moon"), 2, "no profits and no moon"),
    ],
)
def test_mistakes_are_one_line(
    scoville: Scoville, tenant: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = scoville("explain", "--tenant", tenant, *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("scoville: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_tenant(scoville: Scoville) -> None:
    done = scoville("explain", "--tenant", "nobody", "--measure", "orders", "--json")

    assert done.returncode == 1
    assert done.stdout == ""
    assert "There is no tenant named" in done.stderr
