"""What cannot be asked is refused with a code, a place and a way out, all mistakes at once; never an internal error."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.asking import RANGE, MakeKey, asking
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

GROUPS = "groups({}) {{ nodes {{ rank measures {{ orders }} }} pageInfo {{ endCursor }} }}"
BY = "{{dimension: {{name: {}}}}}"
BY_CODE = "by: [{dimension: {name: CODE}}]"


def between(start: str, until: str) -> str:
    return f'{{between: {{from: "{start}", until: "{until}"}}}}'


def over(arguments: str, selection: str) -> str:
    return f"{{ analytics({arguments}) {{ {selection} }} }}"


def groups(arguments: str) -> str:
    return over(RANGE, GROUPS.format(arguments))


ORDERS = "totals { orders }"

REFUSED: dict[str, tuple[str, str, list[str]]] = {
    "a reversed range": (
        over(f"range: {between('2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z')}", ORDERS),
        "RANGE_INVALID",
        ["range", "between"],
    ),
    "an empty range": (
        over(f"range: {between('2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z')}", ORDERS),
        "RANGE_INVALID",
        ["range", "between"],
    ),
    "the last 0 days": (over("range: {last: {n: 0, unit: DAY}}", ORDERS), "RANGE_INVALID", ["range", "last", "n"]),
    "the last million years": (
        over("range: {last: {n: 1000000, unit: YEAR}}", ORDERS),
        "RANGE_INVALID",
        ["range", "last", "n"],
    ),
    "years before the calendar": (
        over("range: {last: {n: 9999, unit: YEAR}}", ORDERS),
        "RANGE_INVALID",
        ["range", "last"],
    ),
    "hours of many years": (
        over(
            f"range: {between('2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z')}",
            "hourly: series(every: HOUR) { measures { orders } }",
        ),
        "RANGE_INVALID",
        ["hourly", "every"],
    ),
    "too long a page": (groups(f"{BY_CODE}, first: 1001"), "INVALID_PAGE", ["groups", "first"]),
    "a negative page": (groups(f"{BY_CODE}, first: -1"), "INVALID_PAGE", ["groups", "first"]),
    "too long a table": (
        over(RANGE, "table(by: [{dimension: {name: CODE}}], measures: [{name: ORDERS}], first: 40000) { rowCount }"),
        "INVALID_PAGE",
        ["table", "first"],
    ),
    "no cursor": (groups(f'{BY_CODE}, after: "no cursor"'), "INVALID_CURSOR", ["groups", "after"]),
    "an empty cursor": (groups(f'{BY_CODE}, after: ""'), "INVALID_CURSOR", ["groups", "after"]),
    "nothing to group by": (groups("by: []"), "BAD_USER_INPUT", ["groups", "by"]),
    "a dimension twice": (
        groups("by: [{dimension: {name: CODE}}, {dimension: {name: CODE}}]"),
        "BAD_USER_INPUT",
        ["groups", "by", "1"],
    ),
    "two granularities": (
        groups("by: [{time: {every: DAY}}, {time: {every: MONTH}}]"),
        "NOT_SUPPORTED",
        ["groups", "by", "1"],
    ),
    "too many dimensions": (
        groups(f"by: [{' '.join(map(BY.format, ('CODE', 'PLATFORM', 'CHANNEL', 'COUNTRY', 'CAMPAIGN')))}]"),
        "TOO_MANY_GROUPS",
        ["groups", "by"],
    ),
    "an order by what is not grouped by": (
        groups(f"{BY_CODE}, orderBy: [{{dimension: {{name: COUNTRY}}}}]"),
        "BAD_USER_INPUT",
        ["groups", "orderBy", "0"],
    ),
    "an order by time without time": (
        groups(f"{BY_CODE}, orderBy: [{{time: ASC}}]"),
        "BAD_USER_INPUT",
        ["groups", "orderBy", "0"],
    ),
    "a measure by what its facts do not know": (
        over(RANGE, "a: groups(by: [{dimension: {name: PRODUCT}}]) { nodes { measures { clicks } } }"),
        "MEASURE_NOT_BY_DIMENSION",
        ["a", "clicks"],
    ),
    "an order by a measure that is not by the dimension": (
        groups("by: [{dimension: {name: PRODUCT}}], orderBy: [{measure: {measure: {name: CLICKS}}}]"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "clicks"],
    ),
    "a filter that a measure does not know": (
        over(f"{RANGE}, where: {{product: {{in: []}}}}", "totals { visitors }"),
        "MEASURE_NOT_BY_DIMENSION",
        ["totals", "visitors"],
    ),
    "two columns of one name": (
        over(RANGE, f'table({BY_CODE}, measures: [{{name: ORDERS}}, {{name: CLICKS, as: "orders"}}]) {{ rowCount }}'),
        "BAD_USER_INPUT",
        ["table", "measures", "1"],
    ),
    "a column named as a key": (
        over(RANGE, f'table({BY_CODE}, measures: [{{name: ORDERS, as: "code"}}]) {{ rowCount }}'),
        "BAD_USER_INPUT",
        ["table", "measures", "0"],
    ),
    "a column of a long name": (
        over(RANGE, f'table({BY_CODE}, measures: [{{name: ORDERS, as: "{"x" * 101}"}}]) {{ rowCount }}'),
        "BAD_USER_INPUT",
        ["table", "measures", "0", "as"],
    ),
    "too many filters": (
        over(f"{RANGE}, where: {{and: [{'{code: {isNull: true}} ' * 60}]}}", ORDERS),
        "BAD_USER_INPUT",
        ["where"],
    ),
}


@pytest.fixture
async def asker(runtime: Runtime, store: Store, make_key: MakeKey) -> AsyncIterator[Client]:
    """An analyst of the store."""
    async with asking(runtime, store, make_key) as client:
        yield client


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_code_and_place(asker: Client, name: str) -> None:
    document, code, path = REFUSED[name]

    answer = await asker.query(document)

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code, error
    assert error["extensions"]["path"] == path
    assert answer["data"] == {"analytics": None}


async def test_long_lists_in_filters_are_refused(asker: Client) -> None:
    document = f"query Q($where: FactFilter) {{ analytics({RANGE}, where: $where) {{ {ORDERS} }} }}"

    answer = await asker.query(document, {"where": {"code": {"in": ["x"] * 1001}}})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["errors"][0]["extensions"]["path"] == ["where", "code"]


async def test_a_way_out_is_told(asker: Client) -> None:
    hourly = await asker.query(REFUSED["hours of many years"][0])
    reversed_ = await asker.query(REFUSED["a reversed range"][0])
    unknown = await asker.query(REFUSED["a measure by what its facts do not know"][0])

    assert hourly["errors"][0]["extensions"]["suggestion"] == "Use DAY, or a shorter range."
    assert reversed_["errors"][0]["extensions"]["suggestion"] == "Swap `from` and `until`."
    assert "COUNTRY" in unknown["errors"][0]["extensions"]["suggestion"]


async def test_all_mistakes_are_told_at_once(asker: Client) -> None:
    answer = await asker.query(
        over(
            f"range: {between('2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z')}",
            f"""a: groups(by: []) {{ totalCount }}
            b: groups(by: [{{dimension: {{name: PRODUCT}}}}], first: -1) {{ nodes {{ measures {{ clicks }} }} }}
            {ORDERS}""",
        )
    )

    found = {(error["extensions"]["code"], *error["extensions"]["path"]) for error in answer["errors"]}
    assert found == {
        ("RANGE_INVALID", "range", "between"),
        ("BAD_USER_INPUT", "a", "by"),
        ("MEASURE_NOT_BY_DIMENSION", "b", "clicks"),
        ("INVALID_PAGE", "b", "first"),
    }


async def test_one_that_fails_does_not_take_the_others_with_it(asker: Client) -> None:
    answer = await asker.query(
        f"""{{
          good: analytics({RANGE}) {{ {ORDERS} }}
          bad: analytics(range: {{last: {{n: 0, unit: DAY}}}}) {{ {ORDERS} }}
        }}"""
    )

    assert answer["data"]["bad"] is None
    assert answer["data"]["good"]["totals"]["orders"] != "0"
    assert [error["path"] for error in answer["errors"]] == [["bad"]]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"zone": "Mars/Phobos"}, "INVALID_TIME_ZONE"),
        ({"range": {"last": {"n": 3, "unit": "DAY"}, "preset": "TODAY"}}, "BAD_USER_INPUT"),
        ({"range": {}}, "BAD_USER_INPUT"),
        ({"range": {"preset": None}}, "BAD_USER_INPUT"),
        ({"range": {"between": {"from": "2026-01-01T00:00:00", "until": "2026-02-01T00:00:00Z"}}}, "BAD_USER_INPUT"),
        ({"by": [{}]}, "BAD_USER_INPUT"),
        ({"by": [{"dimension": {"name": "PRODUCTS"}}]}, "BAD_USER_INPUT"),
        ({"where": {"platform": {"in": ["MYSPACE"]}}}, "BAD_USER_INPUT"),
    ],
)
async def test_values_that_do_not_fit_their_types(asker: Client, variables: dict[str, Any], code: str) -> None:
    document = """query Q($range: RangeInput!, $zone: TimeZone, $where: FactFilter, $by: [GroupBy!]!) {
      analytics(range: $range, timeZone: $zone, where: $where) { groups(by: $by) { totalCount } }
    }"""
    values = {"range": {"preset": "TODAY"}, "by": [{"time": {"every": "DAY"}}]}
    assert (await asker.query(document, values))["data"] is not None

    answer = await asker.query(document, values | variables)

    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    if "zone" in variables:
        assert "Europe/Berlin" in answer["errors"][0]["message"]


async def test_forged_cursors_are_refused(asker: Client) -> None:
    document = f"""query Q($by: Dimension!, $after: String) {{ analytics({RANGE}) {{
      groups(
        by: [{{dimension: {{name: $by}}}}, {{time: {{every: DAY}}}}], first: 3, after: $after
        orderBy: [{{measure: {{measure: {{name: NET_REVENUE}}}}}}]
      ) {{ totalCount pageInfo {{ endCursor }} }}
    }} }}"""
    data = await asker.data(document, {"by": "CODE"})
    cursor = data["analytics"]["groups"]["pageInfo"]["endCursor"]
    mark, (amount, code, start) = orjson.loads(base64.urlsafe_b64decode(cursor + "==="))

    async def codes(values: list[Any], by: str = "CODE") -> list[str]:
        forged = base64.urlsafe_b64encode(orjson.dumps([mark, values])).decode()
        answer = await asker.query(document, {"by": by, "after": forged})
        return [error["extensions"]["code"] for error in answer.get("errors", ())]

    assert await codes([amount, code, start]) == []
    assert await codes([amount, code, start], by="COUNTRY") == ["INVALID_CURSOR"]
    for values in (
        [],
        [amount, code],
        [{"d": "1E999999"}, code, start],
        [{"d": "NaN"}, code, start],
        [{"d": "0.5"}, code, start],
        [True, code, start],
        ["1", code, start],
        [amount, 7, start],
        [amount, "a\0b", start],
        [amount, code, 3],
        [amount, code, {"t": "2026-01-01"}],
        [amount, code, {"t": "2026-01-01", "u": 1}],
    ):
        assert await codes(values) == ["INVALID_CURSOR"], values


async def test_all_mistakes_of_a_question_are_told(asker: Client) -> None:
    measures = ("CLICKS", "INSTANCES", "PURCHASES", "NON_PURCHASES", "VISITORS", "POST_LIKES", "SPEND")
    refs = ", ".join(f"{{name: {name}}}" for name in measures)
    table = f"table(by: [{{dimension: {{name: PRODUCT}}}}], measures: [{refs}]) {{ rowCount }}"
    answer = await asker.query(f"{{ analytics({RANGE}) {{ {table} }} }}")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["MEASURE_NOT_BY_DIMENSION"] * len(measures)
    assert "errorsOmitted" not in answer["extensions"]
