"""Statements and their files: what they tell, and to whom."""

import csv
import re
import zlib
from io import StringIO
from typing import Any

import asyncpg
import pytest

from app.core.context import Role, TenantInfo
from tests.client import Client
from tests.integration.money.test_fraud import NOW, MakeKey, offer, order, record
from tests.scenarios.test_commission_plans import one

pytestmark = pytest.mark.database

MONTH = f"{NOW:%Y-%m}"
LINES = """query($influencer: ID!, $month: String!) {
  statements(influencer: $influencer, month: $month) { lines { kind reason } }
}"""


async def corrected(client: Client, influencer: str, reason: str) -> None:
    """Book a correction with this reason."""
    given = {"externalId": "c-1", "influencerId": influencer, "currency": "GBP", "amount": "5.00", "reason": reason}
    await one(client, "adjustCommissions", {"adjustments": [given]})


async def file(client: Client, influencer: str, key: str, ending: str, *, month: str = MONTH) -> tuple[int, bytes]:
    """Status and body of a statement's file."""
    path = f"/statements/{influencer}/{month}.{ending}"
    response = await client.http.get(path, headers={"authorization": f"Bearer {key}"})
    return response.status_code, response.content


def text_of(pdf: bytes) -> str:
    """What a PDF's pages hold, one piece of text after the other."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    drawn = [zlib.decompress(stream) for stream in streams if stream.startswith(b"x")]
    return b"\n".join(piece for stream in drawn for piece in re.findall(rb"\((.*?)\) Tj", stream)).decode("cp1252")


async def test_an_influencer_is_told_why_of_corrections_alone(client: Client, make_key: MakeKey) -> None:
    (ana,) = await offer(client, "Ana")
    own, staff = await make_key(Role.INFLUENCER, influencer_id=ana), await make_key(Role.FINANCE)
    await one(client, "setFraudRules", {"velocityOrders": 1})
    await record(client, order("o-1"), order("o-2"))
    listed = "{ commissions { nodes { id kind order { externalId } events { toState reason } } } }"
    nodes = (await client.data(listed))["commissions"]["nodes"]
    (plain,) = [node["id"] for node in nodes if node["order"]["externalId"] == "o-1"]
    moves = {"commissions": [{"id": plain, "reason": "Looks odd to Jo"}]}
    for move in ("holdCommissions", "rejectCommissions"):
        document = f"mutation($input: MoveCommissionsInput!) {{ {move}(input: $input) {{ results {{ outcome }} }} }}"
        assert (await client.data(document, {"input": moves}))[move]["results"] == [{"outcome": "RECORDED"}]
    await corrected(client, ana, "A thank you")

    async def told(key: str) -> list[set[str | None]]:
        nodes = (await client.data(listed, key=key))["commissions"]["nodes"]
        (statement,) = (await client.data(LINES, {"influencer": ana, "month": MONTH}, key=key))["statements"]
        _, body = await file(client, ana, key, "csv")
        _, pdf = await file(client, ana, key, "pdf")
        shown = " ".join(text_of(pdf).split())
        return [
            {event["reason"] for node in nodes for event in node["events"]},
            {line["reason"] for line in statement["lines"]},
            {row["reason"] or None for row in csv.DictReader(StringIO(body.decode()))},
            {each for each in ("Suspected", "Looks odd", "A thank you") if each in shown},
        ]

    assert await told(own) == [{None, "A thank you"}] * 3 + [{"A thank you"}]
    suspected, odd, thanks = "Suspected of fraud: VELOCITY.", "Looks odd to Jo", "A thank you"
    assert await told(staff) == [
        {None, suspected, odd, thanks},
        {None, suspected, odd, thanks},
        {None, suspected, odd, thanks},
        {"Suspected", "Looks odd", thanks},
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Käse & Café – “Zürich”", "Käse & Café – “Zürich”"),
        ("€hop™", "€hop™"),
        ("Łódź 李 \N{CHEESE WEDGE}", "?ód? ? ?"),
    ],
)
async def test_a_pdf_has_western_letters_and_a_mark_for_all_others(
    client: Client, make_key: MakeKey, admin: "asyncpg.Pool[Any]", tenant: TenantInfo, name: str, shown: str
) -> None:
    await admin.execute("UPDATE tenants SET name = $2 WHERE id = $1", tenant.id, f"{tenant.id} {name}")
    (ana,) = await offer(client, "Ana")
    await corrected(client, ana, f"For {name}")

    status, pdf = await file(client, ana, await make_key(Role.FINANCE), "pdf")

    assert status == 200
    found = text_of(pdf).split("\n")
    assert f"{tenant.id} {shown}" in found
    assert f"For {shown}" in " ".join(found)


@pytest.mark.parametrize("month", ["2026-13", "٢٠٢٦-٠٣", "２０２６-０３", "2026-3", "202٦-03"])
async def test_what_is_no_month_is_refused(client: Client, make_key: MakeKey, month: str) -> None:
    (ana,) = await offer(client, "Ana")

    assert await client.error_codes(LINES, {"influencer": ana, "month": month}) == ["BAD_USER_INPUT"]
    assert (await file(client, ana, await make_key(Role.FINANCE), "csv", month=month))[0] == 400
    assert (await file(client, ana, await make_key(Role.FINANCE), "csv"))[0] == 200
