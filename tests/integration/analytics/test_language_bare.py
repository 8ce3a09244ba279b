"""Questions of which little is selected: keys without measures, parts without a measure left."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.asking import RANGE, MakeKey, asking, camel
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

GROUPED = [name for name, dimension in DIMENSIONS.items() if dimension.is_group]
FILTERS: Mapping[str, str] = {
    "": "",
    "is_purchase": "where: {isPurchase: true}",
    "customer_kind": "where: {customerKind: NEW}",
    "commission_state": "where: {not: {commissionState: [PAID]}}",
}


def by(names: Sequence[str]) -> str:
    """Grouped by these dimensions."""
    return "by: [" + " ".join(f"{{dimension: {{name: {name.upper()}}}}}" for name in names) + "]"


def tellers(needed: set[str]) -> str:
    """What to select to see whether anything that knows these dimensions lies in a group; "" where nothing does."""

    def knows(name: str) -> bool:
        return needed <= set(MEASURES[name].dimensions)

    found = [name for name in ("instances", "orders") if knows(name)]
    if not found and knows("commission"):
        states = ("PENDING", "HELD", "APPROVED", "PAID", "REVERSED")
        found = [f"{state.lower()}: commission(state: [{state}])" for state in states]
    return " ".join(found)


def bare(names: Sequence[str]) -> str:
    """The keys of groups alone."""
    keys = " ".join(
        f"{camel(name)} {{ id }}" if DIMENSIONS[name].kind == "entity" else camel(name) for name in sorted(names)
    )
    return f"nodes {{ key {{ {keys} }} }}"


@pytest.mark.parametrize("filtered", FILTERS)
async def test_keys_alone_are_of_what_was_tracked_ordered_or_else_earned(asker: Client, filtered: str) -> None:
    for names in (*combinations(GROUPED, 1), *combinations(GROUPED, 2)):
        page = f"{by(names)}, first: 1000"
        question = f"analytics({RANGE}, {FILTERS[filtered]})"
        answer = await asker.query(f"{{ {question} {{ groups({page}) {{ totalCount {bare(names)} }} }} }}")

        told = tellers({*names, filtered} - {""})
        if not told:
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "MEASURE_NOT_BY_DIMENSION", (names, error)
            assert error["extensions"]["path"] == ["groups"]
            continue
        selected = f"{bare(names)} nodes {{ measures {{ {told} }} }}"
        data = await asker.data(f"{{ {question} {{ groups({page}) {{ {selected} }} }} }}")
        nodes = data["analytics"]["groups"]["nodes"]
        shown = [node["key"] for node in nodes if any(float(each) for each in node["measures"].values())]
        found = answer["data"]["analytics"]["groups"]
        assert [node["key"] for node in found["nodes"]] == shown, names
        assert found["totalCount"] == len(shown) if len(shown) < 1_000 else found["totalCount"] >= 1_000


@pytest.mark.parametrize(
    ("where", "is_there"),
    [
        ("isPurchase: true", True),
        ("commissionState: [PAID]", True),
        ("commissionState: []", True),
        ("isPurchase: true, customerKind: NEW", False),
    ],
)
async def test_buckets_alone(asker: Client, where: str, is_there: bool) -> None:
    answer = await asker.query(
        f"{{ analytics({RANGE}, where: {{{where}}}) {{ series(every: MONTH) {{ localDate filled }} }} }}"
    )

    if is_there:
        assert len(answer["data"]["analytics"]["series"]) > 5
        assert all(bucket["filled"] for bucket in answer["data"]["analytics"]["series"]) is ("[]" in where)
    else:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "MEASURE_NOT_BY_DIMENSION"
        assert error["extensions"]["path"] == ["series"]
        assert "CUSTOMER_KIND, IS_PURCHASE" in error["message"]


async def test_a_table_without_measures(asker: Client) -> None:
    document = "{{ analytics({}) {{ table(by: [{{dimension: {{name: {}}}}}], measures: []) {{ rowCount }} }} }}"
    answer = await asker.data(document.format(RANGE, "COMMISSION_STATE"))
    assert answer["analytics"]["table"]["rowCount"] > 1

    refused = await asker.query(document.format(f"{RANGE}, where: {{isPurchase: true}}", "PRODUCT"))
    assert refused["errors"][0]["extensions"]["code"] == "MEASURE_NOT_BY_DIMENSION"


NOTHING_LEFT: Mapping[str, tuple[str, Any]] = {
    "totals": ("totals { __typename }", {"totals": {"__typename": "Measures"}}),
    "totals that are left out": ("totals { orders @skip(if: true) }", {"totals": {}}),
    "totals by a variable": (
        "__typename totals { __typename orders @include(if: $fast) }",
        {"__typename": "Analytics", "totals": {"__typename": "Measures"}},
    ),
    "previous": ("previous { __typename }", {"previous": {"__typename": "Measures"}}),
    "change": ("change { __typename }", {"change": {"__typename": "Changes"}}),
    "totals of groups": (
        "groups(by: [{dimension: {name: CODE}}], first: 0) { totals { __typename } nodes { rank } }",
        {"groups": {"totals": {"__typename": "Measures"}, "nodes": []}},
    ),
    "totals of groups that fit": (
        "groups(by: [{dimension: {name: CODE}}], first: 0, having: {measure: {measure: {name: ORDERS}, gt: 1}})"
        " { totals { __typename } }",
        {"groups": {"totals": {"__typename": "Measures"}}},
    ),
    "beside others": (
        "totals { __typename } series(every: YEAR, fill: NONE) { previous { __typename } }",
        {"totals": {"__typename": "Measures"}, "series": [{"previous": {"__typename": "Measures"}}] * 2},
    ),
}


@pytest.mark.parametrize("name", NOTHING_LEFT)
async def test_parts_without_a_measure_left_are_there(asker: Client, name: str) -> None:
    selection, shown = NOTHING_LEFT[name]
    compared = f"{RANGE}, compare: {{previousPeriod: FULL}}"
    data = await asker.data(
        f"""query Of($fast: Boolean!) {{
          analytics({compared}) {{ {selection} ... @include(if: $fast) {{ meta {{ asOf }} }} }}
          campaigns(first: 2) {{ nodes {{ analytics({compared}) {{ {selection} }} }} }}
        }}""",
        {"fast": False},
    )

    assert data["analytics"] == shown
    if "series" not in shown:
        assert data["campaigns"]["nodes"] == [{"analytics": shown}] * 2


STATED: Mapping[str, str] = {
    "totals": "totals { commission }",
    "series": "series(every: MONTH) { measures { commission } }",
    "groups": "groups(by: [{dimension: {name: COMMISSION_STATE}}]) { nodes { measures { commission } } }",
    "a table": "table(by: [{dimension: {name: PRODUCT}}], measures: [{name: COMMISSION}]) { rowCount }",
}


@pytest.mark.parametrize("more", ["", 'currency: "USD"', 'freshness: {asOf: "2026-03-01T00:00:00Z"}'])
@pytest.mark.parametrize("states", ["[PENDING]", "[]"])
async def test_amounts_without_a_rate_are_counted_of_what_knows_the_filter(
    asker: Client, states: str, more: str
) -> None:
    """Of commissions in a state; orders, which have none, are not asked for theirs."""
    selection = f"{' '.join(STATED.values())} meta {{ warnings {{ code count }} }}"
    for where in (f"{{commissionState: {states}}}", f"{{not: {{or: [{{commissionState: {states}}}]}}}}"):
        question = f"analytics({RANGE}, where: {where}, {more}) {{ {selection} }}"
        data = await asker.data(f"{{ {question} campaigns(first: 2) {{ nodes {{ {question} }} }} }}")

        apart = await asker.data(f"{{ analytics({RANGE}, where: {where}, {more}) {{ {' '.join(STATED.values())} }} }}")
        warned = data["analytics"].pop("meta")["warnings"]
        assert data["analytics"] == apart["analytics"]
        assert all(warning["count"] > 0 for warning in warned)


async def test_a_file_of_commissions_in_a_state(asker: Client) -> None:
    document = (
        f"{{ analytics({RANGE}, where: {{commissionState: [PAID, APPROVED]}}) {{ table("
        "by: [{dimension: {name: INFLUENCER}}], measures: [{name: COMMISSION}], first: 1000) { rowCount } } }"
    )
    shown = await asker.data(document)

    response = await asker.post({"query": document}, headers={"accept": "text/csv"})

    assert response.status_code == 200
    assert len(response.text.splitlines()) - 1 == shown["analytics"]["table"]["rowCount"] > 1


async def test_all_time_costs_what_the_plan_says(asker: Client) -> None:
    document = """query Cost($most: Int) { analytics(range: {preset: ALL_TIME}, maxCost: $most) {
      totals { customers visitors } plan { cost } meta { cost estimates { measure } }
    } }"""
    free = (await asker.data(document))["analytics"]
    cost = free["plan"]["cost"]
    assert free["meta"]["cost"] == cost

    refused = await asker.query(document, {"most": 0})
    assert f"{cost} without estimates" in refused["errors"][0]["message"]
    assert (await asker.data(document, {"most": cost}))["analytics"] == free


@pytest.mark.parametrize("model", ["BOOKED", "LINEAR", "FIRST_TOUCH"])
@pytest.mark.parametrize(
    "where",
    [
        "",
        "platform: {isNull: true}",
        "not: {platform: {in: [TIKTOK]}}",
        "channel: {isNull: true}",
        "not: {commissionState: [PAID]}",
        'country: {in: ["GB"]}',
    ],
)
async def test_rollups_and_facts_miss_the_same_rates(
    runtime: Runtime, store: Store, make_key: MakeKey, where: str, model: str
) -> None:
    """Of what does not know what is filtered the key is null, wherever it is counted."""
    measure = "commission" if "commissionState" in where else "netRevenue"
    selection = f"totals {{ {measure} }} meta {{ warnings {{ code count }} }}"
    document = f"{{ analytics({RANGE}, where: {{{where}}}, attribution: {model}) {{ {selection} }} }}"
    found = []
    for rollups in (True, False):
        async with asking(runtime, store, make_key, rollups=rollups) as client:
            found.append(await client.data(document))

    assert found[0] == found[1]
    if "GB" not in where:
        assert found[0]["analytics"]["meta"]["warnings"][0]["count"] > 0


async def test_a_file_warns_as_its_table_does(asker: Client) -> None:
    table = "table(by: [{time: {every: MONTH}}], measures: [{name: ORDERS}], first: 0) { rowCount }"
    document = "{{ analytics(range: {{between: {{from: {}, until: {}}}}}) {{ {} {} }} }}"
    for since, until, count in (
        ('"2025-11-10T00:00:00Z"', '"2026-01-15T00:00:00Z"', 2),
        ('"2025-11-01T00:00:00Z"', '"2026-02-01T00:00:00Z"', 0),
    ):
        shown = await asker.data(document.format(since, until, table, "meta { warnings { code count } }"))
        counts = {each["code"]: each["count"] for each in shown["analytics"]["meta"]["warnings"]}
        assert counts.get("PARTIAL_BUCKET", 0) == count
        response = await asker.post({"query": document.format(since, until, table, "")}, headers={"accept": "text/csv"})
        assert ("PARTIAL_BUCKET=2" in response.headers.get("scoville-warnings", "")) is bool(count)


async def test_buckets_of_groups_that_are_cut_are_warned_of(asker: Client) -> None:
    data = await asker.data(
        """{ analytics(range: {between: {from: "2025-11-10T00:00:00Z", until: "2026-01-15T00:00:00Z"}}) {
          groups(by: [{dimension: {name: PLATFORM}}]) { nodes { series(every: MONTH) { partial } } }
          meta { warnings { code count } }
        } }"""
    )

    (warning,) = [each for each in data["analytics"]["meta"]["warnings"] if each["code"] == "PARTIAL_BUCKET"]
    assert warning["count"] == 2


async def test_a_file_is_refused_with_every_mistake(asker: Client) -> None:
    document = (
        f"{{ analytics({RANGE}) {{ table(by: [{{dimension: {{name: CODE}}}}], first: -1, measures: [{{name: SPEND}},"
        ' {name: ORDERS, as: "a"}, {name: CLICKS, as: "a"}]) { rowCount } } }'
    )

    response = await asker.post({"query": document}, headers={"accept": "text/csv"})

    assert response.status_code == 400
    codes = sorted(error["extensions"]["code"] for error in response.json()["errors"])
    assert codes == ["BAD_USER_INPUT", "INVALID_PAGE", "MEASURE_NOT_BY_DIMENSION"]


@pytest.mark.parametrize("of", ["dimension: {name: INFLUENCER}", "time: {every: MONTH}", "dimension: {name: CODE}"])
async def test_commission_in_no_state_brings_no_group_into_being(asker: Client, of: str) -> None:
    none = '{name: COMMISSION, state: [], as: "none"}'
    found = []
    for measures in ("{name: PURCHASES}", f"{none} {{name: PURCHASES}}", none):
        table = f"table(by: [{{{of}}}], measures: [{measures}]) {{ rowCount columns {{ name decimals integers }} }}"
        data = await asker.data(f'{{ analytics({RANGE}, where: {{code: {{startsWith: "SPICY"}}}}) {{ {table} }} }}')
        found.append(data["analytics"]["table"])

    alone, beside, nothing = found
    assert nothing["rowCount"] == 0
    assert beside["rowCount"] == alone["rowCount"] > 0
    assert [column for column in beside["columns"] if column["name"] != "none"] == alone["columns"]
    (zeros,) = [column["decimals"] for column in beside["columns"] if column["name"] == "none"]
    assert set(zeros) == {"0.00"}


async def test_buckets_of_commission_in_no_state_hold_nothing(asker: Client) -> None:
    views = {"none": "commission(state: [])", "paid": "commission(state: [PAID])", "both": "commission(state: [PAID])"}
    views["both"] += " nothing: commission(state: [])"
    series = " ".join(
        f"{name}: series(every: WEEK, fill: NONE) {{ start measures {{ {asked} }} }}" for name, asked in views.items()
    )
    data = (await asker.data(f"{{ analytics({RANGE}) {{ {series} all: series(every: WEEK) {{ start }} }} }}"))[
        "analytics"
    ]

    assert data["none"] == []
    starts = {name: [bucket["start"] for bucket in data[name]] for name in views}
    assert 0 < len(starts["paid"]) < len(data["all"])
    assert starts["both"] == starts["paid"]


@pytest.mark.parametrize(
    ("measure", "argument", "takes"),
    [
        ("{name: ORDERS, state: [PAID]}", "orders.state", "COMMISSION"),
        ("{name: NET_REVENUE, at: 0.9}", "netRevenue.at", "ORDER_VALUE_QUANTILE"),
        ("{name: COMMISSION, at: 0.5}", "commission.at", "ORDER_VALUE_QUANTILE"),
    ],
)
async def test_an_argument_of_another_measure_is_refused(
    asker: Client, measure: str, argument: str, takes: str
) -> None:
    by = "by: [{dimension: {name: CAMPAIGN}}]"
    asked = [
        ("table", f"table({by}, measures: [{measure}]) {{ rowCount }}"),
        ("groups", f"groups({by}, orderBy: [{{measure: {{measure: {measure}}}}}]) {{ nodes {{ rank }} }}"),
        ("groups", f"groups({by}, having: {{measure: {{measure: {measure}, gt: 1}}}}) {{ nodes {{ rank }} }}"),
    ]
    for part, facet in asked:
        answer = await asker.query(f"{{ analytics({RANGE}) {{ {facet} }} }}")

        (error,) = answer["errors"]
        place = [part, *argument.split(".")]
        assert error["extensions"] == {
            "code": "BAD_USER_INPUT",
            "path": place,
            "suggestion": f"It is an argument of {takes}.",
        }


async def test_precision_of_what_is_no_distinct_count_says_nothing(asker: Client) -> None:
    measures = 'measures: [{name: CLICKS, precision: APPROXIMATE}, {name: CLICKS, as: "exact"}]'
    table = f"table(by: [{{dimension: {{name: CAMPAIGN}}}}], {measures}) {{ columns {{ name integers }} }}"

    answer = await asker.data(f"{{ analytics({RANGE}) {{ {table} meta {{ estimates {{ measure }} }} }} }}")

    found = {column["name"]: column["integers"] for column in answer["analytics"]["table"]["columns"]}
    assert found["clicks"] == found["exact"] != []
    assert answer["analytics"]["meta"]["estimates"] == []


@pytest.mark.parametrize("name", ["", " ", "\u200b"])
async def test_a_column_needs_a_name_that_can_be_seen(asker: Client, name: str) -> None:
    table = f'table(by: [{{dimension: {{name: CAMPAIGN}}}}], measures: [{{name: CLICKS, as: "{name}"}}]) {{ rowCount }}'

    answer = await asker.query(f"{{ analytics({RANGE}) {{ {table} }} }}")

    (error,) = answer["errors"]
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT",
        "path": ["table", "measures", "0", "as"],
        "suggestion": "Choose one that has, or leave it out.",
    }
