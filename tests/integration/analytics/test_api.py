"""`analytics` over HTTP: what is selected is what is asked, and the numbers are those of the facts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.core import timegrain
from app.core.context import Role
from app.core.timegrain import Granularity, Interval
from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.asking import RANGE, UNTIL, MakeKey, asking, camel
from tests.integration.analytics.naive import Cell, is_listed, value
from tests.integration.analytics.store import START, Store

pytestmark = pytest.mark.database

Counting = Callable[[], Any]
ALL = " ".join(f"{name}(at: 0.5)" if measure.takes == "at" else name for name, measure in MEASURES.items())
GROUPED = tuple(name for name, dimension in DIMENSIONS.items() if dimension.is_group)


def shown(name: str, cell: Cell, currency: str = "GBP", states: tuple[str, ...] | None = None) -> Any:
    """A measure of a cell as JSON has it."""
    found = value(name, cell, currency, states=states)
    if found is None or isinstance(found, int):
        return found
    text = format(found, "f")
    return text.rstrip("0").rstrip(".") if name in ("orders", "units") and "." in text else text


def row(cell: Cell, *names: str, currency: str = "GBP", states: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Measures of a cell as JSON has them; all when none are named."""
    return {name: shown(name, cell, currency, states) for name in names or MEASURES}


async def test_totals_of_everything(asker: Client, store: Store) -> None:
    data = await asker.data(f"{{ analytics({RANGE}) {{ totals {{ {ALL} }} }} }}")

    assert data["analytics"]["totals"] == row(store.naive.cells(START, UNTIL)[()])


async def test_commissions_of_no_state_are_0_in_every_facet(asker: Client) -> None:
    none = "{measure: {name: COMMISSION, state: []}"
    asked = "measures { commission none: commission(state: []) }"
    data = await asker.data(
        f"""{{ analytics({RANGE}, compare: {{previousPeriod: FULL}}) {{
          totals {{ commission(state: []) }}
          previous {{ commission(state: []) }}
          change {{ commission(state: []) }}
          series(every: MONTH) {{ {asked} }}
          groups(
            by: [{{dimension: {{name: CODE}}}}], having: {{measure: {none}, eq: "0"}}}},
            orderBy: [{{measure: {none}}}}}]
          ) {{ nodes {{ {asked} }} }}
          states: groups(by: [{{dimension: {{name: COMMISSION_STATE}}}}]) {{ nodes {{ {asked} }} }}
          table(
            by: [{{dimension: {{name: CAMPAIGN}}}}],
            measures: [{{name: COMMISSION}}, {{name: COMMISSION, state: [], as: "none"}}]
          ) {{ rowCount columns {{ name decimals }} }}
        }} }}"""
    )

    found = data["analytics"]
    facets = (found["series"], found["groups"]["nodes"], found["states"]["nodes"])
    assert found["totals"] == found["previous"] == {"commission": "0.00"}
    assert found["change"] == {"commission": None}
    for rows in facets:
        assert {row["measures"]["none"] for row in rows} == {"0.00"}
        assert {row["measures"]["commission"] for row in rows} - {"0.00"}
    table = {column["name"]: column["decimals"] for column in found["table"]["columns"]}
    assert table["none"] == ["0.00"] * found["table"]["rowCount"] != table["commission"]


@pytest.mark.parametrize("every", [Granularity.DAY, Granularity.MONTH])
async def test_series_has_every_bucket(asker: Client, store: Store, every: Granularity) -> None:
    data = await asker.data(
        f"""{{ analytics({RANGE}, timeZone: "Europe/London") {{
          series(every: {every}) {{ start end localDate partial filled measures {{ netRevenue clicks }} }}
        }} }}"""
    )

    buckets = data["analytics"]["series"]
    edges = timegrain.edges(Interval(START, UNTIL), every, "Europe/London")
    cells = store.naive.cells(START, UNTIL, edges=edges)
    assert [datetime.fromisoformat(bucket["start"]) for bucket in buckets] == edges[: len(buckets)]
    assert buckets[0]["partial"]
    assert buckets[0]["localDate"] == "2025-09-01" if every is Granularity.MONTH else "2025-09-20"
    for number, bucket in enumerate(buckets):
        cell = cells.get((number,), Cell())
        assert bucket["measures"] == row(cell, "netRevenue", "clicks")


@pytest.mark.parametrize("dimension", GROUPED)
async def test_groups_by_every_dimension(asker: Client, store: Store, dimension: str) -> None:
    key = {"influencer": "influencer { id }", "campaign": "campaign { id }", "product": "product { id }"}
    # Commissions alone have a state, and its groups are amounts of that state, not of the net.
    names = ("commission",) if dimension == "commission_state" else ("grossRevenue", "refunds")
    data = await asker.data(
        f"""{{ analytics({RANGE}) {{
          groups(by: [{{dimension: {{name: {dimension.upper()}}}}}], first: 200) {{
            totalCount nodes {{ key {{ {key.get(dimension, camel(dimension))} }} measures {{ {" ".join(names)} }} }}
          }}
        }} }}"""
    )

    found = data["analytics"]["groups"]
    cells = {
        keys[0]: cell
        for keys, cell in store.naive.cells(START, UNTIL, by=[dimension]).items()
        if is_listed(names, cell)
    }
    nodes = {}
    for node in found["nodes"]:
        named = node["key"][camel(dimension)]
        nodes[named["id"] if isinstance(named, dict) else named] = node["measures"]
    assert nodes == {
        str(name) if isinstance(name, UUID) else name: row(
            cell,
            *names,
            currency=name if dimension == "currency" else "GBP",
            states=(name,) if dimension == "commission_state" else None,
        )
        for name, cell in cells.items()
    }
    assert found["totalCount"] == len(cells)


async def test_fragments_aliases_and_directives_decide_what_is_computed(
    asker: Client, store: Store, count_statements: Counting
) -> None:
    document = f"""
      query Board($with: Boolean!, $every: Granularity!) {{
        analytics({RANGE}) {{
          ...Sums
          ... on Analytics {{ totals {{ sold: grossRevenue @include(if: $with) visitors @skip(if: $with) }} }}
          again: totals {{ clicks }}
          byStep: series(every: $every) {{ measures {{ ...Clicks }} }}
          byMonth: series(every: MONTH) {{ measures {{ orders ... @skip(if: $with) {{ visitors }} }} }}
          none: series(every: HOUR) @skip(if: $with) {{ measures {{ visitors }} }}
        }}
      }}
      fragment Sums on Analytics {{ totals {{ ...Clicks }} }}
      fragment Clicks on Measures {{ __typename all: instances }}
    """
    cell = store.naive.cells(START, UNTIL)[()]

    with count_statements() as statements:
        data = await asker.data(document, {"with": True, "every": "QUARTER"})

    answer = data["analytics"]
    assert answer["totals"] == {
        "__typename": "Measures", "all": cell.instances, "sold": shown("grossRevenue", cell)
    }  # fmt: skip
    assert answer["again"] == {"clicks": cell.clicks}
    assert sum(bucket["measures"]["all"] for bucket in answer["byStep"]) == cell.instances
    assert set(answer["byMonth"][0]["measures"]) == {"orders"}
    assert "none" not in answer
    asked = [sql for sql in statements if sql.startswith(("/* analytics.totals", "/* analytics.series"))]
    # The first series brings the totals along.
    assert len(asked) == 2
    assert not any("visitor" in sql for sql in asked)


async def test_one_field_is_one_snapshot(asker: Client, count_statements: Counting) -> None:
    with count_statements() as statements:
        await asker.data(
            f"""{{ analytics({RANGE}) {{
              totals {{ orders }} series(every: DAY) {{ measures {{ orders }} }}
              groups(by: [{{dimension: {{name: PLATFORM}}}}]) {{ nodes {{ measures {{ orders }} }} }}
              table(by: [{{time: {{every: MONTH}}}}], measures: [{{name: ORDERS}}]) {{ rowCount }}
            }} }}"""
        )

    assert len([sql for sql in statements if "REPEATABLE READ" in sql]) <= 1
    assert len([sql for sql in statements if sql.startswith("/* analytics.groups")]) == 2


async def test_pages_of_groups_add_up_to_all_of_them(asker: Client) -> None:
    document = f"""query Page($first: Int, $after: String) {{
      analytics({RANGE}) {{
        groups(
          by: [{{dimension: {{name: CODE}}}}, {{time: {{every: MONTH}}}}]
          orderBy: [{{measure: {{measure: {{name: NET_REVENUE}}, direction: ASC, nulls: FIRST}}}}, {{time: DESC}}]
          first: $first, after: $after
        ) {{
          totals {{ netRevenue }} totalCount
          pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
          edges {{ cursor node {{ rank key {{ code time {{ start end localDate }} }} measures {{ netRevenue }} }} }}
          nodes {{ rank }}
        }}
      }}
    }}"""
    whole = (await asker.data(document, {"first": 200}))["analytics"]["groups"]
    assert whole["totalCount"] == len(whole["edges"]) > 10

    edges: list[Any] = []
    after = None
    while True:
        page = (await asker.data(document, {"first": 7, "after": after}))["analytics"]["groups"]
        assert page["totals"] == whole["totals"]
        assert page["pageInfo"]["hasPreviousPage"] == bool(edges)
        assert [node["rank"] for node in page["nodes"]] == [edge["node"]["rank"] for edge in page["edges"]]
        edges += page["edges"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert edges == whole["edges"]
    assert [edge["node"]["rank"] for edge in edges] == list(range(1, len(edges) + 1))
    net = [float(edge["node"]["measures"]["netRevenue"]) for edge in edges]
    assert net == sorted(net)


async def test_table_has_the_same_numbers_as_columns(asker: Client, store: Store) -> None:
    data = await asker.data(
        f"""{{ analytics({RANGE}) {{
          table(
            by: [{{dimension: {{name: INFLUENCER}}}}, {{time: {{every: MONTH}}}}]
            measures: [
              {{name: CLICKS}}, {{name: NET_REVENUE, as: "net"}}
              {{name: CONVERSION_RATE}}, {{name: CLICKS, as: "again"}}
            ]
            orderBy: [{{time: ASC}}]
          ) {{ rowCount pageInfo {{ hasNextPage }} columns {{ name kind unit strings integers decimals times }} }}
        }} }}"""
    )

    table = data["analytics"]["table"]
    columns = {column["name"]: column for column in table["columns"]}
    assert list(columns) == ["influencerId", "influencerName", "time", "clicks", "net", "conversionRate", "again"]
    assert [column["unit"] for column in table["columns"]] == [None, None, None, "count", "GBP", "ratio", "count"]
    lists = {"STRING": "strings", "INTEGER": "integers", "DECIMAL": "decimals", "TIME": "times"}
    for column in table["columns"]:
        filled = {name for name in lists.values() if column[name] is not None}
        assert filled == {lists[column["kind"]]}
        assert len(column[lists[column["kind"]]]) == table["rowCount"]
    edges = timegrain.edges(Interval(START, UNTIL), Granularity.MONTH, "Europe/London")
    cells = store.naive.cells(START, UNTIL, by=["influencer"], edges=edges)
    names = {str(each["id"]): each["name"] for each in store.facts.rows["influencers"]}
    for number in range(table["rowCount"]):
        influencer = columns["influencerId"]["strings"][number]
        bucket = edges.index(datetime.fromisoformat(columns["time"]["times"][number]))
        (cell,) = [
            cell
            for (key, at), cell in cells.items()
            if at == bucket and (None if key is None else str(key)) == influencer
        ]
        assert columns["clicks"]["integers"][number] == columns["again"]["integers"][number] == cell.clicks
        assert columns["net"]["decimals"][number] == shown("netRevenue", cell)
        assert columns["conversionRate"]["decimals"][number] == shown("conversionRate", cell)
        assert columns["influencerName"]["strings"][number] == names.get(influencer or "")
    assert not table["pageInfo"]["hasNextPage"]


async def test_filters_count_what_they_say(asker: Client, store: Store) -> None:
    some, other = store.facts.ids("influencers")[:2]
    document = (
        f"""query Some($where: FactFilter) {{ analytics({RANGE}, where: $where) {{ totals {{ orders clicks }} }} }}"""
    )
    filters: list[tuple[Any, Callable[[dict[str, Any]], bool]]] = [
        (None, lambda keys: True),
        ({"influencer": {"in": [str(some), "no id"]}}, lambda keys: keys.get("influencer") == some),
        ({"influencer": {"in": []}}, lambda keys: False),
        ({"influencer": {"isNull": True, "in": [str(some)]}}, lambda keys: keys.get("influencer") in (None, some)),
        ({"influencer": {"notIn": [str(some)]}}, lambda keys: keys.get("influencer") != some),
        ({"not": {"influencer": {"in": [str(some)]}}}, lambda keys: keys.get("influencer") != some),
        (
            {"or": [{"platform": {"in": ["TIKTOK"]}}, {"code": {"startsWith": "SPICY"}}]},
            lambda keys: keys.get("platform") == "TIKTOK" or (keys.get("code") or "").startswith("SPICY"),
        ),
        (
            {"and": [{"country": {"in": ["GB", "DE"]}}, {"country": {"notIn": ["DE"]}}], "channel": {"isNull": False}},
            lambda keys: keys.get("country") == "GB" and keys.get("channel") is not None,
        ),
        ({"influencer": {"in": [str(some), str(other)]}, "or": []}, lambda keys: False),
        ({}, lambda keys: True),
    ]

    for where, holds in filters:
        data = await asker.data(document, {"where": where})
        cell = store.naive.cells(START, UNTIL, where=holds).get((), Cell())
        assert data["analytics"]["totals"] == row(cell, "orders", "clicks"), where


async def test_plan_alone_runs_nothing(asker: Client, count_statements: Counting) -> None:
    document = f"""{{ analytics({RANGE}) {{
      __typename
      plan {{ cost estimatedRows sources {{ name kind granularity }} }}
    }} }}"""
    await asker.data(document)

    with count_statements() as statements:
        data = await asker.data(document)

    assert [sql for sql in statements if "analytics" in sql] == []
    assert data["analytics"]["plan"] == {"cost": 0, "estimatedRows": 0, "sources": []}


async def test_meta_says_where_the_answer_came_from(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    document = f"""{{ analytics({RANGE}, timeZone: "Asia/Kolkata") {{
      totals {{ netRevenue }}
      groups(by: [{{dimension: {{name: CODE}}}}], first: 1) {{ nodes {{ rank }} }}
      series(every: MONTH) {{ measures {{ clicks }} }}
      plan {{ sources {{ kind }} cost }}
      meta {{ asOf servedFrom timeZone currency truncated cost warnings {{ code message count }} }}
    }} }}"""
    kinds = {}
    for rollups in (True, False):
        async with asking(runtime, store, make_key, rollups=rollups) as client:
            answer = (await client.data(document))["analytics"]
        meta = answer["meta"]
        kinds[rollups] = meta["servedFrom"]
        assert meta["timeZone"] == "Asia/Kolkata"
        assert meta["currency"] == "GBP"
        assert meta["truncated"]
        assert meta["cost"] == answer["plan"]["cost"] > 0
        warnings = {each["code"]: each["count"] for each in meta["warnings"]}
        assert warnings["PARTIAL_BUCKET"] == 2
        assert warnings["MISSING_EXCHANGE_RATE"] > 0
        assert datetime.now(UTC) - datetime.fromisoformat(meta["asOf"]) < timedelta(minutes=1)

    assert kinds == {True: ["ROLLUP", "DELTAS", "FACTS"], False: ["FACTS"]}


async def test_sql_is_for_operators(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    document = f"{{ analytics({RANGE}) {{ totals {{ orders }} plan {{ cost sql }} }} }}"

    async with asking(runtime, store, make_key, Role.ADMIN) as client:
        (sql,) = (await client.data(document))["analytics"]["plan"]["sql"]
        assert sql.startswith("/* analytics.totals */")
    async with asking(runtime, store, make_key, Role.ANALYST) as client:
        answer = await client.query(document)
    assert answer["data"]["analytics"]["plan"]["sql"] is None
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_catalog_is_what_is_declared(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    async with asking(runtime, store, make_key) as client:
        data = await client.data(
            """{ catalog {
              measures { name title description formula unit dimensions additiveBy }
              dimensions { name title description }
              rollups { name dimensions granularities rows }
              dataFrom dataUntil
            } }"""
        )

    catalog = data["catalog"]
    assert [each["name"] for each in catalog["measures"]] == [measure.api_name for measure in MEASURES.values()]
    assert [each["name"] for each in catalog["dimensions"]] == [name.upper() for name in GROUPED]
    orders = next(each for each in catalog["measures"] if each["name"] == "ORDERS")
    assert "PRODUCT" in orders["dimensions"]
    assert "PRODUCT" not in orders["additiveBy"]
    rollups = {each["name"]: each for each in catalog["rollups"]}
    assert rollups["campaign_platform"]["dimensions"] == ["CAMPAIGN", "PLATFORM"]
    assert rollups["campaign_platform"]["granularities"] == ["QUARTER", "MONTH", "DAY"]
    assert all(each["rows"] > 0 for each in rollups.values())
    times = [row["occurred_at"] for name in ("instances", "credits") for row in store.facts.rows[name]]
    assert datetime.fromisoformat(catalog["dataFrom"]) == min(times)
    assert datetime.fromisoformat(catalog["dataUntil"]) >= max(times)


async def test_influencer_sees_own_numbers_only(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    first = min(store.facts.rows["instances"], key=lambda each: each["occurred_at"])["influencer_id"]
    some, other = [each for each in store.facts.ids("influencers") if each != first][:2]
    own = store.naive.cells(START, UNTIL, where=lambda keys: keys.get("influencer") == some)[()]
    document = f"""query Own($where: FactFilter) {{ analytics({RANGE}, where: $where) {{
      totals {{ orders clicks commission }}
      groups(by: [{{dimension: {{name: INFLUENCER}}}}]) {{ totalCount nodes {{ key {{ influencer {{ id }} }} }} }}
      table(by: [{{dimension: {{name: INFLUENCER}}}}], measures: [{{name: ORDERS}}]) {{ columns {{ strings }} }}
    }} }}"""

    async with asking(runtime, store, make_key, Role.INFLUENCER, influencer_id=some) as client:
        mine = (await client.data(document))["analytics"]
        others = (await client.data(document, {"where": {"influencer": {"in": [str(other)]}}}))["analytics"]
        wider = (await client.data(document, {"where": {"or": [{"influencer": {"notIn": []}}]}}))["analytics"]
        data = await client.data("{ catalog { dataFrom rollups { rows } } }")

    assert mine["totals"] == wider["totals"] == row(own, "orders", "clicks", "commission")
    assert mine["groups"] == {"totalCount": 1, "nodes": [{"key": {"influencer": {"id": str(some)}}}]}
    assert mine["table"]["columns"][0] == {"strings": [str(some)]}
    assert others["totals"] == row(Cell(), "orders", "clicks", "commission")
    assert others["groups"]["nodes"] == []
    times = [
        each["occurred_at"]
        for name in ("instances", "credits", "engagement_snapshots", "spend", "payout_payments")
        for each in (*store.facts.rows[name], *store.facts.former.get(name, ()))
        if each["influencer_id"] == some
    ]
    assert datetime.fromisoformat(data["catalog"]["dataFrom"]) == min(times)
    assert {each["rows"] for each in data["catalog"]["rollups"]} == {0}


async def test_stores_may_not_ask(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    async with asking(runtime, store, make_key, Role.STORE) as client:
        asked = await client.query(f"{{ analytics({RANGE}) {{ totals {{ orders }} }} }}")
        listed = await client.query("{ catalog { dimensions { name } } }")

    assert asked["data"] == {"analytics": None}
    assert listed["data"] is None
    assert [answer["errors"][0]["extensions"]["code"] for answer in (asked, listed)] == ["FORBIDDEN", "FORBIDDEN"]


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ('code: {in: [" spicy20 ", "Hot"]}', 'code: {in: ["SPICY20", "HOT"]}'),
        ('code: {notIn: ["spicy20"]}', 'code: {notIn: ["SPICY20"]}'),
        ('code: {startsWith: "spi"}', 'code: {startsWith: "SPI"}'),
        ('code: {in: ["hot"], isNull: true}', 'code: {in: ["HOT"], isNull: true}'),
        ('country: {in: ["de"]}', 'country: {in: ["DE"]}'),
        ('country: {startsWith: "d"}', 'country: {startsWith: "D"}'),
    ],
)
async def test_filters_on_codes_and_countries_ignore_case(asker: Client, lower: str, upper: str) -> None:
    document = "{{ analytics({}, where: {{{}}}) {{ totals {{ instances orders netRevenue }} }} }}"

    ours, theirs, all_ = [
        (await asker.data(document.format(RANGE, condition)))["analytics"]["totals"] for condition in (lower, upper, "")
    ]

    assert ours == theirs
    assert 0 < ours["instances"] < all_["instances"]
