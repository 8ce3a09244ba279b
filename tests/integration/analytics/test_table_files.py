"""Tables as files over HTTP: every format holds what `table` answers, and mistakes are told before."""

import asyncio
import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import httpx
import orjson
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

import app.exports.formats as formats
from app.analytics import resolve, streaming
from app.core.context import Ctx, Role, TenantInfo
from app.main import create_app
from app.observability import metrics
from app.runtime import Runtime
from tests.client import Client
from tests.factories.few import Few
from tests.integration.analytics.asking import RANGE, MakeKey, asking
from tests.integration.analytics.naive import Naive
from tests.integration.analytics.store import START, Store

pytestmark = pytest.mark.database

CSV, PARQUET, ARROW = (each.media_type for each in formats.FORMATS)

SHOWN = "rowCount columns { name kind unit strings integers decimals times } pageInfo { hasNextPage endCursor }"

BY_INFLUENCER = "by: [{dimension: {name: INFLUENCER}}]"
NET = "measures: [{name: NET_REVENUE}]"

QUESTIONS = {
    "entities by time": """table(
        by: [{dimension: {name: INFLUENCER}}, {dimension: {name: CAMPAIGN}}, {time: {every: MONTH}}],
        measures: [{name: NET_REVENUE}, {name: CLICKS}, {name: ORDERS}, {name: CONVERSION_RATE}, {name: SPEND}])""",
    "top with others": """table(
        by: [{dimension: {name: PRODUCT, top: {n: 2, by: {name: UNITS}}}}, {dimension: {name: COUNTRY}}],
        measures: [{name: UNITS}, {name: AVERAGE_ORDER_VALUE}],
        orderBy: [{measure: {measure: {name: UNITS}, direction: ASC, nulls: FIRST}}])""",
    "top of each bucket": """table(
        by: [{dimension: {name: CODE, top: {n: 1, by: {name: CLICKS}, perBucket: true}}}, {time: {every: MONTH}}],
        measures: [{name: CLICKS}])""",
    "having over another facet": """table(
        by: [{dimension: {name: CAMPAIGN}}], measures: [{name: GROSS_REVENUE, as: "sold"}],
        having: {measure: {measure: {name: GROSS_REVENUE}, of: SHARE, gt: "0.1"}},
        orderBy: [{measure: {measure: {name: GROSS_REVENUE}, of: SHARE}}])""",
    "filtered beside unfiltered": """table(
        by: [{dimension: {name: CODE}}],
        measures: [{name: CLICKS}, {name: CLICKS, as: "abroad", where: {country: {notIn: ["GB"]}}},
          {name: COMMISSION, state: [PENDING], as: "=pending"}])""",
    "commissions of no state": """table(
        by: [{dimension: {name: CODE}}], measures: [{name: COMMISSION}, {name: COMMISSION, state: [], as: "none"}],
        having: {measure: {measure: {name: COMMISSION, state: []}, eq: "0"}})""",
    "original currencies": """table(
        by: [{dimension: {name: CURRENCY}}, {dimension: {name: CUSTOMER_KIND}}],
        measures: [{name: NET_REVENUE}, {name: ORDERS}, {name: AVERAGE_ORDER_VALUE}])""",
    "top of two dimensions": """table(
        by: [{dimension: {name: CHANNEL, top: {n: 1, by: {name: CLICKS}}}},
          {dimension: {name: CAMPAIGN, top: {n: 1, by: {name: CLICKS}}}},
          {dimension: {name: COUNTRY, top: {n: 1, by: {name: CLICKS}, others: false}}}],
        measures: [{name: CLICKS}])""",
    "others of several currencies": """table(
        by: [{dimension: {name: CURRENCY, top: {n: 1, by: {name: ORDERS}}}}],
        measures: [{name: ORDERS}, {name: UNITS}])""",
    "top hours": """table(
        by: [{dimension: {name: HOUR_OF_DAY, top: {n: 3, by: {name: CLICKS}}}}], measures: [{name: CLICKS}])""",
    "local clock": """table(
        by: [{dimension: {name: HOUR_OF_DAY}}, {dimension: {name: DAY_OF_WEEK}}],
        measures: [{name: INSTANCES}, {name: VISITORS}, {name: ORDER_VALUE_QUANTILE, at: 0.5}])""",
    "keys alone": "table(by: [{dimension: {name: CHANNEL}}], measures: [])",
    "nothing": """table(
        by: [{dimension: {name: CODE}}], measures: [{name: CLICKS}],
        having: {measure: {measure: {name: CLICKS}, gt: "1000000"}})""",
}  # fmt: skip

OTHERS = {
    "top with others": ["productIsOthers"],
    "top of each bucket": ["codeIsOthers"],
    "top of two dimensions": ["channelIsOthers", "campaignIsOthers"],
    "others of several currencies": ["currencyIsOthers"],
    "top hours": ["hourOfDayIsOthers"],
}
"""Columns that tell of rows whether they are the rest of a dimension's keys, by question."""


def document(table: str, arguments: str = "") -> str:
    """A query of one table, over all that happened in the store."""
    return f"{{ analytics({RANGE}{arguments}) {{ {table} {{ {SHOWN} }} }} }}"


async def exported(
    client: Client,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    accept: str | None = CSV,
    path: str = "/export",
    **more: Any,
) -> httpx.Response:
    """The response to an export."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {client.key}"}
    if accept is not None:
        headers["accept"] = accept
    body = {"query": query, "variables": dict(variables or {}), **more}
    return await client.http.post(path, content=orjson.dumps(body), headers=headers)


def code_of(response: httpx.Response) -> str:
    """The code of the refusal's only error."""
    (error,) = response.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


def values_of(table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Columns of a `table` as Python values."""
    read: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "STRING": ("strings", str),
        "INTEGER": ("integers", int),
        "DECIMAL": ("decimals", Decimal),
        "TIME": ("times", datetime.fromisoformat),
    }
    found = {}
    for column in table["columns"]:
        name, kind = read[column["kind"]]
        found[column["name"]] = [None if value is None else kind(value) for value in column[name]]
    return found


def values_in(media_type: str, file: bytes, table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Columns of a file as Python values."""
    if media_type == PARQUET:
        found = parquet.read_table(io.BytesIO(file))
    elif media_type == ARROW:
        found = arrow.ipc.open_stream(file).read_all()
    else:
        return csv_values(file, table)
    return {name: found.column(name).to_pylist() for name in found.column_names}


def csv_values(file: bytes, table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Columns of a CSV file as Python values; of what kind they are `table` tells."""
    header, *rows = csv.reader(io.StringIO(file.decode(), newline=""))
    kinds: dict[str, Callable[[str], Any]] = {
        "STRING": str,
        "INTEGER": int,
        "DECIMAL": Decimal,
        "TIME": datetime.fromisoformat,
    }
    names = [name.removeprefix("'") for name in header]
    read = [kinds[column["kind"]] for column in table["columns"]]
    turned = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        name: [None if text == "" else kind(text) for text in texts]
        for name, kind, texts in zip(names, read, turned, strict=True)
    }


@pytest.fixture(params=["rollups", "facts"])
async def asker(request: pytest.FixtureRequest, runtime: Runtime, store: Store, make_key: MakeKey) -> Any:
    """An analyst of the store, answered from rollups where they can, and never."""
    async with asking(runtime, store, make_key, rollups=request.param == "rollups") as client:
        yield client


@pytest.fixture
async def analyst(runtime: Runtime, store: Store, make_key: MakeKey) -> Any:
    """An analyst of the store."""
    async with asking(runtime, store, make_key) as client:
        yield client


# --- what is in a file


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_format_holds_what_table_answers(
    asker: Client, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 7)
    asked = document(QUESTIONS[question], ", compare: {previousPeriod: ELAPSED}")
    table = (await asker.data(asked))["analytics"]["table"]
    assert (table["rowCount"] == 0) == (question == "nothing")
    told = [name for name in values_of(table) if name.endswith("IsOthers")]
    assert told == OTHERS.get(question, [])
    assert all({*values_of(table)[name]} == {0, 1} for name in told)

    for media_type in (CSV, PARQUET, ARROW):
        response = await exported(asker, asked, accept=media_type)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].partition(";")[0] == media_type
        assert values_in(media_type, response.content, table) == values_of(table), media_type


@pytest.mark.parametrize("question", ["entities by time", "original currencies", "local clock"])
async def test_duckdb_reads_files_without_help(analyst: Client, question: str, tmp_path: Any) -> None:
    asked = document(QUESTIONS[question])
    table = (await analyst.data(asked))["analytics"]["table"]
    files = {CSV: tmp_path / "table.csv", PARQUET: tmp_path / "table.parquet"}
    for media_type, path in files.items():
        path.write_bytes((await exported(analyst, asked, accept=media_type)).content)
    stream = arrow.ipc.open_stream((await exported(analyst, asked, accept=ARROW)).content).read_all()

    expected = [tuple(row) for row in zip(*values_of(table).values(), strict=True)]
    with duckdb.connect() as connection:
        connection.register("stream", stream)
        for source in (f"'{files[CSV]}'", f"'{files[PARQUET]}'", "stream"):
            rows = connection.sql(f"SELECT * FROM {source}").to_arrow_table().to_pylist()
            found = [tuple(row.values()) for row in rows]
            assert len(found) == len(expected)
            for row, wanted in zip(found, expected, strict=True):
                # DuckDB reads ids of a CSV file as UUIDs and its decimals as doubles.
                shown = [Decimal(repr(value)) if isinstance(value, float) else value for value in row]
                assert [str(value) if type(value).__name__ == "UUID" else value for value in shown] == list(wanted)
        kinds = dict(connection.sql(f"DESCRIBE FROM '{files[PARQUET]}'").project("column_name, column_type").fetchall())
    types = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "TIME": "TIMESTAMP WITH TIME ZONE"}
    for column in table["columns"]:
        assert kinds[column["name"]].startswith(types.get(column["kind"], "DECIMAL(38,"))


async def test_no_page_bounds_a_file(analyst: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "CELLS_MAX", 100)
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 10)
    question = f"table({BY_INFLUENCER[:-1]}, {{time: {{every: WEEK}}}}], measures: [{{name: UNITS}}])"
    pages: list[dict[str, Any]] = []
    after: str | None = "null"
    while after is not None:
        data = await analyst.data(document(question.replace("table(", f"table(after: {after}, ")))
        page = data["analytics"]["table"]
        pages.append(page)
        after = f'"{page["pageInfo"]["endCursor"]}"' if page["pageInfo"]["hasNextPage"] else None

    found = csv_values((await exported(analyst, document(question))).content, pages[0])

    assert len(pages) > 3
    assert found == {name: [value for page in pages for value in values_of(page)[name]] for name in found}


WIDE = """table(
    by: [{time: {every: HOUR}}, {dimension: {name: INFLUENCER}}, {dimension: {name: CODE}}],
    measures: [{name: INSTANCES}, {name: PURCHASES}, {name: VISITORS}, {name: CONVERSION_RATE}])"""
WIDE_ROWS = 10_200
"""Groups that there are of it: more than the 10,000 that a page of 100,000 cells has room for."""


async def test_a_table_of_100_000_cells_is_its_file_row_by_row(runtime: Runtime, ctx: Ctx, make_key: MakeKey) -> None:
    few = Few(ctx)
    ids = [few.influencer(name, START) for name in ("Ada", "Ada")]
    await few.stored(runtime)
    async with runtime.db.write(ctx.tenant_id) as session:
        # In every hour six groups, of which one in seven sold something too; the third code is unknown, and so is one
        # visitor in nine.
        await session.execute(
            """/* test.wide */
            INSERT INTO instances (tenant_id, id, occurred_at, kind, influencer_id, code, visitor_id, recorded_at)
            SELECT $1, gen_random_uuid(), place.at, kind.name, ($4::uuid[])[1 + place.number % 2],
              (ARRAY['COLD', 'HOT'])[1 + place.number % 3], 'visitor ' || nullif(place.number % 9, 0), place.at
            FROM (
              SELECT number, $2::timestamptz + number / 6 * interval '1 hour' AS at
              FROM generate_series(0, $3::int - 1) AS number
            ) AS place
            JOIN (VALUES ('CLICK', 1), ('VIEW', 1), ('PURCHASE', 7)) AS kind (name, every)
              ON place.number % kind.every = 0""",
            ctx.tenant_id,
            START,
            WIDE_ROWS,
            ids,
        )

    async with asking(runtime, Store(ctx, few.facts, Naive(few.facts)), make_key) as client:
        first = (await client.data(document(WIDE)))["analytics"]["table"]
        after = f'table(after: "{first["pageInfo"]["endCursor"]}", '
        rest = (await client.data(document(WIDE.replace("table(", after))))["analytics"]["table"]
        file = (await exported(client, document(WIDE))).content

    pages = [list(zip(*values_of(page).values(), strict=True)) for page in (first, rest)]
    found = csv_values(file, first)
    assert list(found) == [
        "time",
        "influencerId",
        "influencerName",
        "code",
        "instances",
        "purchases",
        "visitors",
        "conversionRate",
    ]
    assert [len(page) for page in pages] == [resolve.CELLS_MAX // 10, WIDE_ROWS - resolve.CELLS_MAX // 10]
    assert first["pageInfo"]["hasNextPage"]
    assert not rest["pageInfo"]["hasNextPage"]
    for number, (row, shown) in enumerate(zip(zip(*found.values(), strict=True), pages[0] + pages[1], strict=True)):
        assert row == shown, number
    sums = {name: sum(found[name]) for name in ("instances", "purchases", "visitors")}
    sold = -(-WIDE_ROWS // 7)
    assert sums == {"instances": 2 * WIDE_ROWS + sold, "purchases": sold, "visitors": WIDE_ROWS - -(-WIDE_ROWS // 9)}


@pytest.mark.parametrize("first", [0, 1, 9, 10, 11, 1_000])
async def test_first_bounds_a_file(analyst: Client, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 5)
    every = (await exported(analyst, document(QUESTIONS["entities by time"]))).text.splitlines()

    found = await exported(
        analyst, document(QUESTIONS["entities by time"].replace("table(", f"table(first: {first}, "))
    )

    assert found.text.splitlines() == every[: first + 1]


async def test_file_goes_on_after_a_page(analyst: Client) -> None:
    question = QUESTIONS["top with others"]
    page = (await analyst.data(document(question.replace("table(", "table(first: 3, "))))["analytics"]["table"]
    every = (await exported(analyst, document(question))).text.splitlines()

    after = f'table(after: "{page["pageInfo"]["endCursor"]}", '
    found = (await exported(analyst, document(question.replace("table(", after)))).text.splitlines()

    assert found == [every[0], *every[4:]]


async def test_variables_fragments_and_directives_are_read(analyst: Client) -> None:
    query = """
      query Codes($first: Int, $with: Boolean!) { ...All __typename }
      query Other { viewer { role } }
      fragment All on Query { program: analytics(RANGE) { ...Table plan { cost } meta { currency } } }
      fragment Table on Analytics {
        table(by: [{dimension: {name: CODE}}], measures: [{name: CLICKS}], first: $first) { __typename }
        totals @include(if: $with) { clicks }
      }""".replace("RANGE", RANGE)

    found = await exported(analyst, query, {"first": 2, "with": False}, operationName="Codes")

    assert found.status_code == 200, found.text
    assert found.text.splitlines()[0] == "code,clicks"
    assert len(found.text.splitlines()) == 3
    assert 'filename="Codes-' in found.headers["content-disposition"]


async def test_names_take_one_statement_a_dimension_and_chunk(
    analyst: Client, count_statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    by = "table(by: [{dimension: {name: INFLUENCER}}, {dimension: {name: CAMPAIGN}}, {dimension: {name: PRODUCT}}], "

    with count_statements() as whole:
        rows = (await exported(analyst, document(f"{by} {NET})"))).text.count("\r\n") - 1
    monkeypatch.setattr(streaming, "CHUNK_ROWS", rows // 2 + 1)
    with count_statements() as halves:
        await exported(analyst, document(f"{by} {NET})"))

    assert rows > 100
    assert sum("get_many" in sql for sql in whole) == 3
    assert sum("get_many" in sql for sql in halves) <= 6
    assert sum("analytics.groups" in sql for sql in halves) == 1


# --- what is told about it


async def test_file_tells_what_it_is(analyst: Client) -> None:
    asked = document(
        f"table({BY_INFLUENCER}, measures: [{{name: NET_REVENUE}}, {{name: CLICKS}}])", ', timeZone: "Asia/Kolkata"'
    )

    response = await exported(analyst, asked, accept=PARQUET)

    schema = parquet.read_schema(io.BytesIO(response.content))
    notes = orjson.loads(schema.metadata[b"scoville"])
    headers = response.headers
    assert notes["query"] == asked
    assert (notes["timeZone"], notes["currency"]) == ("Asia/Kolkata", "GBP")
    assert notes["asOf"] == headers["scoville-as-of"]
    assert datetime.fromisoformat(notes["from"]) < datetime.fromisoformat(notes["until"])
    assert [warning["code"] for warning in notes["warnings"]] == ["MISSING_EXCHANGE_RATE"]
    assert headers["scoville-warnings"] == f"MISSING_EXCHANGE_RATE={notes['warnings'][0]['count']}"
    assert (headers["scoville-time-zone"], headers["scoville-currency"]) == ("Asia/Kolkata", "GBP")
    rows = parquet.read_metadata(io.BytesIO(response.content)).num_rows
    assert (headers["scoville-rows"], headers["scoville-columns"]) == (str(rows), "4")
    assert schema.field("netRevenue").metadata == {b"unit": b"GBP"}
    assert schema.field("clicks").metadata == {b"unit": b"count"}
    assert headers["content-disposition"].startswith('attachment; filename="table-')
    assert headers["content-disposition"].endswith('.parquet"')
    assert headers["cache-control"] == "no-store"


async def test_number_of_rows_is_told_where_it_is_known(analyst: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 5)

    small = await exported(analyst, document(f"table({BY_INFLUENCER}, {NET}, first: 4)"))
    large = await exported(analyst, document(f"table({BY_INFLUENCER}, {NET})"))

    assert small.headers["scoville-rows"] == "4"
    assert "scoville-rows" not in large.headers


async def test_estimates_are_told(analyst: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.analytics import computing

    monkeypatch.setattr(computing, "SAMPLE_SPLIT", 8)
    asked = document("table(by: [{dimension: {name: PLATFORM}}], measures: [{name: VISITORS, precision: APPROXIMATE}])")

    response = await exported(analyst, asked, accept=ARROW)

    field = arrow.ipc.open_stream(response.content).schema.field("visitors")
    assert int(field.metadata[b"estimatedFromOneIn"]) > 1
    assert response.headers["scoville-warnings"] == "ESTIMATED_VALUES=1"


@pytest.mark.parametrize(
    "looks",
    [
        "by: [{{dimension: {{name: PLATFORM}}}}], having: {{measure: {{measure: {0}, gte: 1}}}}",
        "by: [{{dimension: {{name: PLATFORM}}}}], orderBy: [{{measure: {{measure: {0}}}}}]",
        "by: [{{dimension: {{name: PLATFORM, top: {{n: 1, by: {0}}}}}}}]",
    ],
    ids=["having", "order", "top"],
)
async def test_estimates_that_decide_which_rows_come_are_told(
    analyst: Client, monkeypatch: pytest.MonkeyPatch, looks: str
) -> None:
    from app.analytics import computing

    monkeypatch.setattr(computing, "SAMPLE_SPLIT", 8)
    estimated = looks.format("{name: VISITORS, precision: APPROXIMATE}")
    asked = document(f"table({estimated}, measures: [{{name: CLICKS}}])")

    response = await exported(analyst, asked)

    assert response.headers["scoville-warnings"] == "ESTIMATED_VALUES=1"


async def test_instances_that_are_no_longer_kept_are_told(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    since = START + timedelta(days=10)
    cut = replace(runtime, settings=runtime.settings.model_copy(update={"instances_since": since}))
    async with asking(cut, store, make_key) as client:
        clicks = await exported(client, document(f"table({BY_INFLUENCER}, measures: [{{name: CLICKS}}])"))
        money = await exported(client, document(f"table({BY_INFLUENCER}, measures: [{{name: UNITS}}])"))

    assert clicks.headers["scoville-warnings"] == "RETENTION_CUT"
    assert "scoville-warnings" not in money.headers


async def test_graphql_gives_a_file_to_those_who_name_its_format(analyst: Client) -> None:
    asked = document(QUESTIONS["keys alone"])
    whole = await exported(analyst, asked)

    found = await exported(analyst, asked, path="/graphql")
    preferred = await exported(analyst, asked, path="/graphql", accept=f"{CSV};q=0.5, application/json")
    anything = await exported(analyst, asked, path="/graphql", accept="*/*")

    assert (found.status_code, found.content) == (200, whole.content)
    assert preferred.headers["content-type"].startswith("application/json")
    assert "data" in anything.json()


@pytest.mark.parametrize(
    ("accept", "chosen"), [(None, CSV), ("*/*", CSV), (f"{ARROW}, {CSV};q=0.9", ARROW), ("application/*", PARQUET)]
)
async def test_format_is_what_the_client_prefers(analyst: Client, accept: str | None, chosen: str) -> None:
    # httpx sends one of its own where none is given.
    response = await exported(analyst, document(QUESTIONS["keys alone"]), accept=accept or "")

    assert response.headers["content-type"].partition(";")[0] == chosen


def count(name: str, **labels: str) -> float:
    """A measure of this process."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_exports_are_counted(analyst: Client) -> None:
    before = count("scoville_exports_total", format="csv", ending="finished")
    rows = count("scoville_export_rows_total", format="csv")

    response = await exported(analyst, document(QUESTIONS["keys alone"]))

    assert count("scoville_exports_total", format="csv", ending="finished") == before + 1
    assert count("scoville_export_rows_total", format="csv") == rows + response.text.count("\r\n") - 1
    assert count("scoville_in_progress_exports") == 0


# --- who sees what


async def test_influencer_gets_own_rows(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    own = store.facts.ids("influencers")[0]
    asked = document(QUESTIONS["entities by time"].replace("{name: SPEND}", "{name: COMMISSION}"))
    async with asking(runtime, store, make_key, Role.INFLUENCER, influencer_id=own) as client:
        table = (await client.data(asked))["analytics"]["table"]
        response = await exported(client, asked)

    assert csv_values(response.content, table) == values_of(table)
    assert set(values_of(table)["influencerId"]) == {str(own)}


async def test_other_tenant_gets_nothing_of_it(
    runtime: Runtime, store: Store, make_key: MakeKey, tenant: TenantInfo
) -> None:
    own = ", ".join(f'"{each}"' for each in store.facts.ids("influencers"))
    async with Client(create_app(runtime), await make_key(Role.ANALYST, of=tenant)) as client:
        everything = await exported(client, document(QUESTIONS["entities by time"]))
        named = await exported(
            client, document(f"table({BY_INFLUENCER}, {NET})", f", where: {{influencer: {{in: [{own}]}}}}")
        )

    assert everything.text.count("\r\n") == named.text.count("\r\n") == 1


async def test_key_needs_the_scope(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    async with asking(runtime, store, make_key, Role.STORE) as client:
        for path in ("/export", "/graphql"):
            response = await exported(client, document(QUESTIONS["keys alone"]), path=path)
            assert (response.status_code, code_of(response)) == (403, "FORBIDDEN")


async def test_nobody_gets_nothing(analyst: Client) -> None:
    response = await analyst.http.post("/export", content=b"{}", headers={"accept": CSV})

    assert (response.status_code, code_of(response)) == (401, "UNAUTHENTICATED")


# --- what is refused


KEYS = QUESTIONS["keys alone"]

MISTAKES = {
    "no document": ("{", "GRAPHQL_PARSE_FAILED"),
    "no field": ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
    "which operation": ("query A { viewer { role } } query B { viewer { role } }", "OPERATION_RESOLUTION_FAILURE"),
    "other field": ("{ viewer { role } }", "NOT_SUPPORTED"),
    "nothing": ("{ __typename }", "NOT_SUPPORTED"),
    "no table": (f"{{ analytics({RANGE}) {{ totals {{ clicks }} }} }}", "NOT_SUPPORTED"),
    "more than a table": (document(f"totals {{ clicks }} {KEYS}"), "NOT_SUPPORTED"),
    "two tables": (
        document(f"...One two: {KEYS}") + f"fragment One on Analytics {{ {KEYS} {{ rowCount }} }}",
        "NOT_SUPPORTED",
    ),
    "two fields": (document(KEYS).replace("{ analytics", "{ viewer { role } analytics"), "NOT_SUPPORTED"),
    "subscription": (f"subscription {{ analytics({RANGE}) {{ totals {{ clicks }} }} }}", "NOT_SUPPORTED"),
    "measure": (document(KEYS.replace("[])", "[{name: POST_LIKES}])")), "MEASURE_NOT_BY_DIMENSION"),
    "zone": (document(KEYS, ', timeZone: "Mars/Base"'), "INVALID_TIME_ZONE"),
    "first": (document(KEYS.replace("table(", "table(first: -1, ")), "INVALID_PAGE"),
    "cursor": (document(KEYS.replace("table(", 'table(after: "x", ')), "INVALID_CURSOR"),
    "cost": (document(KEYS, ", maxCost: 1"), "QUERY_TOO_COSTLY"),
    "name": (document(KEYS.replace("[])", '[{name: CLICKS, as: "channel"}])')), "BAD_USER_INPUT"),
}


@pytest.mark.parametrize(("query", "code"), MISTAKES.values(), ids=MISTAKES)
async def test_mistake_is_told_before_the_first_byte(analyst: Client, query: str, code: str) -> None:
    response = await exported(analyst, query)

    assert (response.status_code, code_of(response)) == (400, code)
    assert response.headers["content-type"].startswith("application/json")


async def test_all_mistakes_are_told_at_once(analyst: Client) -> None:
    table = "table(by: [{dimension: {name: COUNTRY}}, {dimension: {name: COUNTRY}}], measures: [{name: SPEND}])"

    errors = (await exported(analyst, document(table))).json()["errors"]

    assert {error["extensions"]["code"] for error in errors} == {"MEASURE_NOT_BY_DIMENSION", "BAD_USER_INPUT"}
    assert all(error["extensions"]["path"][0] == "table" for error in errors)


async def test_variable_that_does_not_fit_is_told(analyst: Client) -> None:
    query = f"query($n: Int!) {{ analytics({RANGE}) {{ table({BY_INFLUENCER}, {NET}, first: $n) {{ rowCount }} }} }}"

    response = await exported(analyst, query, {"n": "many"})

    assert (response.status_code, code_of(response)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no", orjson.dumps({"query": 1})])
async def test_body_that_is_no_request_is_refused(analyst: Client, body: bytes) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {analyst.key}"}

    response = await analyst.http.post("/export", content=body, headers=headers)

    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")


async def test_other_media_types_are_refused(analyst: Client) -> None:
    response = await exported(analyst, document(QUESTIONS["keys alone"]), accept="text/html")

    assert (response.status_code, code_of(response)) == (406, "BAD_REQUEST")
    assert PARQUET in response.json()["errors"][0]["message"]


async def test_only_post_exports(analyst: Client) -> None:
    response = await analyst.http.get("/export")

    assert (response.status_code, code_of(response)) == (405, "BAD_REQUEST")


async def test_without_pyarrow_there_is_csv(analyst: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    asked = document(QUESTIONS["keys alone"])

    refused = await exported(analyst, asked, accept=PARQUET)
    fallen_back = await exported(analyst, asked, accept=f"{PARQUET}, {CSV};q=0.1")

    assert (refused.status_code, code_of(refused)) == (501, "NOT_SUPPORTED")
    assert "scoville[export]" in refused.json()["errors"][0]["message"]
    assert fallen_back.headers["content-type"].startswith(CSV)


# --- bounds


@contextmanager
def held_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Exports stop when their table is open: an event that one did, and one that lets it go on."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    chunks = streaming._chunks

    async def waiting(*args: Any) -> Any:
        reached.set()
        await go_on.wait()
        async for chunk in chunks(*args):
            yield chunk

    with monkeypatch.context() as patch:
        patch.setattr(streaming, "_chunks", waiting)
        yield reached, go_on


async def test_so_many_files_are_written_at_once(
    runtime: Runtime, store: Store, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = replace(runtime, settings=runtime.settings.model_copy(update={"exports_max": 1}))
    asked = document(QUESTIONS["keys alone"])
    before = count("scoville_exports_total", format="csv", ending="refused")
    async with asking(narrow, store, make_key) as client:
        with held_back(monkeypatch) as (reached, go_on):
            first = asyncio.create_task(exported(client, asked))
            await reached.wait()
            refused = await exported(client, asked)
            answered = await client.query(asked)
            go_on.set()
            written = await first
        again = await exported(client, asked)

    assert (refused.status_code, code_of(refused)) == (429, "TOO_MANY_EXPORTS")
    assert int(refused.headers["retry-after"]) > 0
    assert count("scoville_exports_total", format="csv", ending="refused") == before + 1
    assert "errors" not in answered
    assert written.status_code == again.status_code == 200


async def test_file_that_takes_too_long_is_refused_while_it_can_be(
    runtime: Runtime, store: Store, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried = replace(runtime, settings=runtime.settings.model_copy(update={"export_timeout_s": 0.3}))
    before = count("scoville_exports_total", format="csv", ending="expired")
    async with asking(hurried, store, make_key) as client:
        with held_back(monkeypatch):
            response = await exported(client, document(QUESTIONS["keys alone"]))

    assert (response.status_code, code_of(response)) == (503, "SERVICE_UNAVAILABLE")
    assert count("scoville_exports_total", format="csv", ending="expired") == before + 1
