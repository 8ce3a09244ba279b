"""Mistakes in what the language asks: each with its code, the argument's path and a way out, and all at once."""

from typing import Any

import pytest

from tests.client import Client
from tests.integration.analytics.asking import between

pytestmark = pytest.mark.database

JANUARY = between("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
BY_CODE = "by: [{dimension: {name: CODE}}]"
ORDERS = "nodes { measures { orders } }"


def over(selection: str, *more: str) -> str:
    """A question about January."""
    return f"{{ analytics({' '.join((JANUARY, *more))}) {{ {selection} }} }}"


REFUSED: dict[str, tuple[str, str, list[str], str]] = {
    "the last none": (
        "{ analytics(range: {last: {n: 0, unit: DAY}}) { totals { orders } } }",
        "RANGE_INVALID",
        ["range", "last", "n"],
        "`n: 1`",
    ),
    "more of the last than there can be": (
        "{ analytics(range: {last: {n: 10001, unit: HOUR}}) { totals { orders } } }",
        "RANGE_INVALID",
        ["range", "last", "n"],
        "coarser `unit`",
    ),
    "years before the calendar": (
        "{ analytics(range: {last: {n: 1000, unit: YEAR}}) { totals { orders } } }",
        "RANGE_INVALID",
        ["range", "last"],
        "shorter range",
    ),
    "a range without an instant": (
        f"{{ analytics({between('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')}) {{ totals {{ orders }} }} }}",
        "RANGE_INVALID",
        ["range", "between"],
        "later `until`",
    ),
    "an order by change without compare": (
        over(f"groups({BY_CODE}, orderBy: [{{measure: {{measure: {{name: ORDERS}}, of: CHANGE}}}}]) {{ {ORDERS} }}"),
        "COMPARE_MISSING",
        ["groups", "orderBy", "0", "of"],
        "`compare`",
    ),
    "a condition on what was before without compare": (
        over(f"groups({BY_CODE}, having: {{measure: {{measure: {{name: ORDERS}}, of: PREVIOUS}}}}) {{ {ORDERS} }}"),
        "COMPARE_MISSING",
        ["groups", "having", "of"],
        "`compare`",
    ),
    "a time before all time": (
        "{ analytics(range: {preset: ALL_TIME}, compare: {previousPeriod: FULL}) { previous { orders } } }",
        "RANGE_INVALID",
        ["compare", "previousPeriod"],
        "a beginning",
    ),
    "a year before all time": (
        "{ analytics(range: {preset: ALL_TIME}, compare: {previousYear: FULL}) { previous { orders } } }",
        "RANGE_INVALID",
        ["compare", "previousYear"],
        "a beginning",
    ),
    "a compared time that is reversed": (
        over(
            "previous { orders }",
            'compare: {between: {from: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z"}}',
        ),
        "RANGE_INVALID",
        ["compare", "between"],
        "before `until`",
    ),
    "an order by the share of what does not add up": (
        over(f"groups({BY_CODE}, orderBy: [{{measure: {{measure: {{name: VISITORS}}, of: SHARE}}}}]) {{ {ORDERS} }}"),
        "NOT_ADDITIVE",
        ["groups", "orderBy", "0", "visitors"],
        "GROSS_REVENUE",
    ),
    "a running total of what does not add up": (
        over("series(every: DAY, cumulative: true) { measures { visitors } }"),
        "NOT_ADDITIVE",
        ["series", "visitors"],
        "without `cumulative`",
    ),
    "clicks by the kind of customer": (
        over("groups(by: [{dimension: {name: CUSTOMER_KIND}}]) { nodes { measures { clicks } } }"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "clicks"],
        "CAMPAIGN",
    ),
    "orders by the state of commissions": (
        over(f"groups(by: [{{dimension: {{name: COMMISSION_STATE}}}}]) {{ {ORDERS} }}"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "orders"],
        "CUSTOMER_KIND",
    ),
    "spend by country": (
        over("groups(by: [{dimension: {name: COUNTRY}}]) { nodes { measures { spend } } }"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "spend"],
        "INFLUENCER, CAMPAIGN, CURRENCY",
    ),
    "likes of a code": (
        over("totals { postLikes }", 'where: {code: {in: ["SPICY20"]}}'),
        "MEASURE_NOT_BY_DIMENSION",
        ["totals", "postLikes"],
        "INFLUENCER, CAMPAIGN, PLATFORM",
    ),
    "orders that are purchases": (
        over("totals { orders }", "where: {isPurchase: true}"),
        "MEASURE_NOT_BY_DIMENSION",
        ["totals", "orders"],
        "by time",
    ),
    "a measure's own filter that its facts do not know": (
        over(
            f"groups({BY_CODE}, orderBy: [{{measure: {{measure: {{name: CLICKS, where: {{customerKind: NEW}}}}}}}}]) "
            f"{{ {ORDERS} }}"
        ),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "clicks"],
        "CAMPAIGN",
    ),
    "a quantile above all": (
        over("totals { orderValueQuantile(at: 1.5) }"),
        "BAD_USER_INPUT",
        ["totals", "orderValueQuantile", "at"],
        "the median",
    ),
    "a quantile of nothing said": (
        over(f"table({BY_CODE}, measures: [{{name: ORDER_VALUE_QUANTILE}}]) {{ rowCount }}"),
        "BAD_USER_INPUT",
        ["table", "orderValueQuantile", "at"],
        "the median",
    ),
    "the first none": (
        over(f"groups(by: [{{dimension: {{name: CODE, top: {{n: 0, by: {{name: ORDERS}}}}}}}}]) {{ {ORDERS} }}"),
        "BAD_USER_INPUT",
        ["groups", "by", "0", "top", "n"],
        "Without `top`",
    ),
    "the first of each bucket without time": (
        over(
            "groups(by: [{dimension: {name: CODE, top: {n: 1, by: {name: ORDERS}, perBucket: true}}}]) "
            f"{{ {ORDERS} }}"
        ),
        "BAD_USER_INPUT",
        ["groups", "by", "0", "top", "perBucket"],
        "time element",
    ),
    "the first codes by what codes do not have": (
        over(f"groups(by: [{{dimension: {{name: CODE, top: {{n: 1, by: {{name: SPEND}}}}}}}}]) {{ {ORDERS} }}"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups", "by", "0", "top", "by", "spend"],
        "CAMPAIGN",
    ),
    "as of what is not recorded yet": (
        over("totals { orders }", 'freshness: {asOf: "2190-01-01T00:00:00Z"}'),
        "RANGE_INVALID",
        ["freshness", "asOf"],
        "an earlier instant",
    ),
    "keys that no facts have together": (
        over("groups(by: [{dimension: {name: PRODUCT}}]) { totalCount }", "where: {isPurchase: true}"),
        "MEASURE_NOT_BY_DIMENSION",
        ["groups"],
        "fewer of them",
    ),
    "too many conditions": (
        over(
            f"groups({BY_CODE}, having: {{and: [{'{measure: {measure: {name: ORDERS}, gt: 1}} ' * 21}]}}) "
            f"{{ {ORDERS} }}"
        ),
        "BAD_USER_INPUT",
        ["groups", "having"],
        "fewer",
    ),
    "hours of every group over a year": (
        over(
            f"groups({BY_CODE}, first: 1000) {{ nodes {{ series(every: HOUR) {{ measures {{ orders }} }} }} }}",
        ),
        "RANGE_INVALID",
        ["groups", "series", "every"],
        "shorter range",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_code_place_and_a_way_out(client: Client, name: str) -> None:
    document, code, path, way_out = REFUSED[name]

    answer = await client.query(document)

    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"].get("path")) == (code, path), error
    assert way_out in error["extensions"]["suggestion"]
    assert answer["data"] == {"analytics": None}


async def test_all_mistakes_are_told_at_once(client: Client) -> None:
    answer = await client.query(
        """{ analytics(
          range: {between: {from: "2024-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z"}}
        ) {
          hourly: series(every: HOUR) { measures { orders } }
          running: series(every: MONTH, cumulative: true) { measures { customers } }
          byKind: groups(
            by: [{dimension: {name: CUSTOMER_KIND}}], after: "no cursor"
            orderBy: [{measure: {measure: {name: ORDERS}, of: CHANGE}}]
          ) { nodes { measures { clicks } } }
        } }"""
    )

    found = {(error["extensions"]["code"], *error["extensions"]["path"]) for error in answer["errors"]}
    assert found == {
        ("RANGE_INVALID", "hourly", "every"),
        ("NOT_ADDITIVE", "running", "customers"),
        ("INVALID_CURSOR", "byKind", "after"),
        ("COMPARE_MISSING", "byKind", "orderBy", "0", "of"),
        ("MEASURE_NOT_BY_DIMENSION", "byKind", "clicks"),
    }
    assert all(error["extensions"]["suggestion"] for error in answer["errors"])
    assert len(answer["errors"]) == len(found)


async def test_an_unknown_zone_is_told_with_all_mistakes(client: Client) -> None:
    mistaken = over(
        f"groups({BY_CODE}, orderBy: [{{measure: {{measure: {{name: ORDERS}}, of: CHANGE}}}}]) {{ {ORDERS} }}",
        "timeZone: $zone",
    )

    answer = await client.query(f"query Mistaken($zone: TimeZone) {mistaken}", {"zone": "X/Y"})

    found = {error["extensions"]["code"]: error["extensions"] for error in answer["errors"]}
    assert found.keys() == {"INVALID_TIME_ZONE", "COMPARE_MISSING"}
    assert found["INVALID_TIME_ZONE"]["path"] == ["timeZone"]
    assert all(each["suggestion"] for each in found.values())
    assert answer["data"] == {"analytics": None}


async def test_an_unknown_zone_is_told_with_one_that_is_near(client: Client) -> None:
    answer = await client.query(over("totals { orders }", 'timeZone: "Europe/Berlim"'))

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_TIME_ZONE"
    assert "Europe/Berlin" in str(error)


BACKWARDS = between("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
NO_ZONE = 'timeZone: "Mars/Base"'
BESIDE_A_ZONE: dict[str, tuple[str, list[list[str]]]] = {
    "the last none": (
        f"analytics(range: {{last: {{n: 0, unit: DAY}}}}, {NO_ZONE}) {{ totals {{ orders }} }}",
        [["range", "last", "n"]],
    ),
    "a range backwards": (f"analytics({BACKWARDS}, {NO_ZONE}) {{ totals {{ orders }} }}", [["range", "between"]]),
    "a time before all time": (
        "analytics(range: {preset: ALL_TIME}, compare: {previousPeriod: FULL},"
        f" {NO_ZONE}) {{ totals {{ orders }} }}",
        [["compare", "previousPeriod"]],
    ),
    "cohorts of the last none": (
        "cohorts(range: {last: {n: 0, unit: MONTH}}, every: MONTH, by: FIRST_ORDER, measure: RETAINED_CUSTOMERS,"
        f" periods: 3, {NO_ZONE}) {{ rows {{ size }} }}",
        [["range", "last", "n"]],
    ),
    "two columns of one name": (
        f"analytics({JANUARY}, {NO_ZONE}) {{ table({BY_CODE}, measures: [{{name: SPEND}},"
        ' {name: ORDERS, as: "a"}, {name: CLICKS, as: "a"}]) { rowCount } }',
        [["table", "measures", "2"], ["table", "spend"]],
    ),
}


@pytest.mark.parametrize("name", BESIDE_A_ZONE)
async def test_an_unknown_zone_hides_no_other_mistake(client: Client, name: str) -> None:
    document, others = BESIDE_A_ZONE[name]

    answer = await client.query(f"{{ {document} }}")

    paths = [error["extensions"].get("path") for error in answer["errors"]]
    assert sorted(paths) == sorted([["timeZone"], *others]), answer["errors"]


async def test_null_is_as_good_as_not_given(client: Client) -> None:
    plain = over(
        f"series(every: DAY) {{ start }} groups({BY_CODE}, orderBy: [{{dimension: {{name: CODE}}}}]) {{ {ORDERS} }}"
    )
    nulls: dict[str, Any] = await client.data(
        over(
            f"""series(every: DAY, fill: null, cumulative: null) {{ start }}
            groups(
              {BY_CODE}, having: null, orderBy: [{{dimension: {{name: CODE, direction: null}}}}]
              first: null, after: null
            ) {{
              {ORDERS}
            }}""",
            "where: null, attribution: null, currency: null, compare: null",
            "freshness: null, maxCost: null, timeZone: null",
        )
    )

    assert nulls == await client.data(plain)
