"""Groups: their keys and the rest of them, conditions, order, pages and totals."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.analytics import resolve
from app.core.context import Ctx, Role
from app.runtime import Runtime
from tests.client import Client
from tests.factories.few import Few
from tests.integration.analytics.asking import RANGE, MakeKey, asking, between
from tests.integration.analytics.naive import Naive
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

DAY = datetime.fromisoformat("2026-01-10T12:00:00+00:00")
JANUARY = between("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
BY_INFLUENCER = "by: [{dimension: {name: INFLUENCER}}]"


async def answer(client: Client, selection: str, *more: str) -> Any:
    """What `analytics` of January gives."""
    data = await client.data(f"{{ analytics({' '.join((JANUARY, *more))}) {{ {selection} }} }}")
    return data["analytics"]


@pytest.fixture
async def few(runtime: Runtime, ctx: Ctx) -> Few:
    """Five influencers, two of one name, with orders of 10, 20, 30, 40 and 50; one of 60 that nobody is credited for.

    Of their two customers one orders from every influencer.
    """
    few = Few(ctx)
    everywhere, other = few.customer(DAY), few.customer(DAY)
    for number, name in enumerate(("Ada", "Ada", "Bea", "Cleo", "Dora"), start=1):
        influencer = few.influencer(name, DAY)
        few.order(DAY, 1_000 * number, customer=everywhere, influencer_id=influencer)
    few.order(DAY, 6_000, customer=other)
    return await few.stored(runtime)


def influencers(few: Few) -> list[UUID]:
    """Their ids, by what they sold."""
    return few.facts.ids("influencers")


async def test_two_of_one_name_are_two_groups(few: Few, client: Client) -> None:
    found = await answer(
        client, f"groups({BY_INFLUENCER}) {{ nodes {{ key {{ influencer {{ name }} }} measures {{ orders }} }} }}"
    )

    named = [node["key"]["influencer"] and node["key"]["influencer"]["name"] for node in found["groups"]["nodes"]]
    assert sorted(filter(None, named)) == ["Ada", "Ada", "Bea", "Cleo", "Dora"]


async def test_names_of_many_groups_cost_as_many_statements_as_of_one(
    few: Few, client: Client, count_statements: Callable[[], Any]
) -> None:
    selection = "groups({}, first: {}) {{ nodes {{ key {{ influencer {{ {} }} }} measures {{ orders }} }} }}"
    await answer(client, selection.format(BY_INFLUENCER, 3, "name"))
    counted = []

    # Of none of them these columns are remembered.
    for first, field in ((1, "country"), (5, "externalId")):
        with count_statements() as statements:
            found = await answer(client, selection.format(BY_INFLUENCER, first, field))
        assert len(found["groups"]["nodes"]) == first
        counted.append([sql[: sql.index("*/")] for sql in statements])

    assert counted[0] == counted[1]
    assert len(counted[0]) == 2


async def test_what_nobody_is_credited_for_and_the_others_are_two_rows(few: Few, client: Client) -> None:
    found = await answer(
        client,
        """totals { netRevenue orders }
        groups(
          by: [{dimension: {name: INFLUENCER, top: {n: 2, by: {name: NET_REVENUE}}}}]
          orderBy: [{measure: {measure: {name: NET_REVENUE}}}]
        ) {
          totalCount
          nodes { rank isOthers memberCount key { influencer { id } } measures { netRevenue orders } }
        }""",
    )

    nodes = found["groups"]["nodes"]
    fourth, fifth = (str(each) for each in influencers(few)[3:])
    assert [(node["isOthers"], node["memberCount"], node["key"]["influencer"]) for node in nodes] == [
        (False, 1, None),
        (False, 1, {"id": fifth}),
        (False, 1, {"id": fourth}),
        (True, 3, None),
    ]
    assert [node["measures"]["netRevenue"] for node in nodes] == ["60.00", "50.00", "40.00", "60.00"]
    assert sum(float(node["measures"]["netRevenue"]) for node in nodes) == float(found["totals"]["netRevenue"])
    assert sum(float(node["measures"]["orders"]) for node in nodes) == float(found["totals"]["orders"])
    assert found["groups"]["totalCount"] == 4


async def test_customers_of_the_others_are_counted_once(few: Few, client: Client) -> None:
    found = await answer(
        client,
        """groups(by: [{dimension: {name: INFLUENCER, top: {n: 2, by: {name: NET_REVENUE}}}}]) {
          nodes { isOthers measures { customers } }
        }""",
    )

    # Three of the others sold to one customer, who is among the customers of the first two as well.
    assert [node["measures"]["customers"] for node in found["groups"]["nodes"] if node["isOthers"]] == [1]


async def test_a_table_tells_the_others_from_a_key_of_that_name(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    few = Few(ctx)
    for channel, clicks in (("Others", 3), ("email", 2), ("social", 1), ("video", 1), (None, 1)):
        for _ in range(clicks):
            few.click(DAY, channel=channel)
    await few.stored(runtime)
    selection = """table(
      by: [{dimension: {name: CHANNEL, top: {n: 2, by: {name: CLICKS}, others: OTHERS}}}]
      measures: [{name: CLICKS, as: "NAME"}], orderBy: [{dimension: {name: CHANNEL, direction: ASC}}]
    ) { columns { name kind unit strings integers } }"""

    def asked(others: str = "true", name: str = "n") -> str:
        return selection.replace("OTHERS", others).replace("NAME", name)

    columns = (await answer(client, asked()))["table"]["columns"]
    plain = (await answer(client, asked("false")))["table"]["columns"]
    taken = await client.query(f"{{ analytics({JANUARY}) {{ {asked(name='channelIsOthers')} }} }}")
    free = (await answer(client, asked("false", "channelIsOthers")))["table"]["columns"]

    assert [column["strings"] or column["integers"] for column in columns] == [
        ["Others", "email", None, "Others"],
        [3, 2, 1, 2],
        [0, 0, 0, 1],
    ]
    flag = {"name": "channelIsOthers", "kind": "INTEGER", "unit": None, "strings": None, "integers": [0, 0, 0, 1]}
    assert columns[2] == flag
    assert [column["name"] for column in plain] == ["channel", "n"]
    assert "Two columns are named 'channelIsOthers'." in taken["errors"][0]["message"]
    assert [column["name"] for column in free] == ["channel", "channelIsOthers"]


@pytest.mark.parametrize(("others", "rows"), [("true", 3), ("false", 4)])
async def test_a_column_that_tells_the_others_counts_among_a_tables_cells(
    few: Few, client: Client, monkeypatch: pytest.MonkeyPatch, others: str, rows: int
) -> None:
    monkeypatch.setattr(resolve, "CELLS_MAX", 12)

    found = await answer(
        client,
        f"""table(
          by: [{{dimension: {{name: INFLUENCER, top: {{n: 4, by: {{name: ORDERS}}, others: {others}}}}}}}]
          measures: [{{name: ORDERS}}]
        ) {{ rowCount columns {{ name }} }}""",
    )

    assert found["table"]["rowCount"] == rows
    assert rows * len(found["table"]["columns"]) == 12


async def test_without_others_the_rest_and_the_null_key_are_left_out(few: Few, client: Client) -> None:
    found = await answer(
        client,
        """groups(by: [{dimension: {name: INFLUENCER, top: {n: 2, by: {name: NET_REVENUE}, others: false}}}]) {
          totalCount nodes { isOthers key { influencer { id } } }
        }""",
    )

    ids = {node["key"]["influencer"]["id"] for node in found["groups"]["nodes"]}
    assert ids == {str(each) for each in influencers(few)[3:]}
    assert found["groups"]["totalCount"] == 2


@pytest.mark.parametrize("per_bucket", [False, True])
async def test_the_first_of_each_bucket_are_not_the_first_of_all(
    runtime: Runtime, ctx: Ctx, client: Client, per_bucket: bool
) -> None:
    few = Few(ctx)
    few.order(DAY, 1_000, platform="X")
    few.order(DAY, 9_000, platform="TIKTOK")
    few.order(DAY + timedelta(days=1), 2_000, platform="X")
    few.order(DAY + timedelta(days=1), 1_000, platform="TIKTOK")
    await few.stored(runtime)

    found = await answer(
        client,
        f"""groups(
          by: [
            {{time: {{every: DAY}}}}
            {{dimension: {{
              name: PLATFORM, top: {{n: 1, by: {{name: NET_REVENUE}}, perBucket: {str(per_bucket).lower()}}}
            }}}}
          ]
        ) {{ nodes {{ isOthers key {{ platform time {{ localDate }} }} measures {{ netRevenue }} }} }}""",
    )

    shown = [
        (node["key"]["time"]["localDate"][-2:], node["key"]["platform"], node["measures"]["netRevenue"])
        for node in found["groups"]["nodes"]
    ]
    second = [("11", "X", "20.00"), ("11", None, "10.00")] if per_bucket else [
        ("11", "TIKTOK", "10.00"), ("11", None, "20.00"),
    ]  # fmt: skip
    assert shown == [("10", "TIKTOK", "90.00"), ("10", None, "10.00"), *second]


HAVING = {
    "value": ("{measure: {measure: {name: NET_REVENUE}, gte: 30}}", {30, 40, 50, 60}),
    "value of a measure with a filter": (
        "{measure: {measure: {name: ORDERS, where: {influencer: {isNull: true}}}, eq: 1}}",
        {60},
    ),
    "share": ('{measure: {measure: {name: NET_REVENUE}, of: SHARE, gt: "0.2"}}', {50, 60}),
    "previous": ("{measure: {measure: {name: NET_REVENUE}, of: PREVIOUS, gt: 0}}", {10}),
    "change": ("{measure: {measure: {name: NET_REVENUE}, of: CHANGE, lt: 0}}", {10}),
    "null": ("{measure: {measure: {name: NET_REVENUE}, of: CHANGE, isNull: true}}", {20, 30, 40, 50, 60}),
    "any": (
        "{or: [{measure: {measure: {name: NET_REVENUE}, lt: 20}}, {measure: {measure: {name: NET_REVENUE}, gt: 50}}]}",
        {10, 60},
    ),
    "not": ("{not: {measure: {measure: {name: NET_REVENUE}, gt: 20}}}", {10, 20}),
    "all of none": ("{and: []}", {10, 20, 30, 40, 50, 60}),
    "one of none": ("{or: []}", set()),
}


@pytest.mark.parametrize("name", HAVING)
async def test_conditions_look_at_what_is_not_selected(runtime: Runtime, few: Few, client: Client, name: str) -> None:
    # December: the first sold more than in January, nobody else anything.
    before = Few(few.ctx)
    before.order(DAY - timedelta(days=31), 1_500, influencer_id=influencers(few)[0])
    await before.stored(runtime)
    having, expected = HAVING[name]

    found = await answer(
        client,
        f"""groups({BY_INFLUENCER}, having: {having}) {{
          totalCount totals {{ grossRevenue orders }} nodes {{ measures {{ grossRevenue }} }}
        }}""",
        "compare: {previousPeriod: FULL}",
    )

    groups = found["groups"]
    assert {int(float(node["measures"]["grossRevenue"])) for node in groups["nodes"]} == expected
    assert groups["totalCount"] == len(expected)
    assert groups["totals"] == {"grossRevenue": f"{sum(expected)}.00", "orders": str(len(expected))}


async def test_totals_are_neither_sums_nor_means_of_groups(runtime: Runtime, ctx: Ctx, client: Client) -> None:
    few = Few(ctx)
    for amount in (1_000, 1_000, 1_000, 9_000):
        few.order(DAY, amount, platform="X" if amount == 9_000 else "TIKTOK")
    few.order(DAY, 100_000)
    await few.stored(runtime)

    found = await answer(
        client,
        """totals { averageOrderValue }
        groups(
          by: [{dimension: {name: PLATFORM}}]
          having: {measure: {measure: {name: AVERAGE_ORDER_VALUE}, lt: 100}}
        ) {
          totals { averageOrderValue } nodes { measures { averageOrderValue } }
        }""",
    )

    # Of 10, 10, 10 and 90; not of 10 and 90.
    assert found["groups"]["totals"] == {"averageOrderValue": "30.00"}
    assert {node["measures"]["averageOrderValue"] for node in found["groups"]["nodes"]} == {"10.00", "90.00"}
    # Before the condition, with that of 1,000.
    assert found["totals"] == {"averageOrderValue": "224.00"}


@pytest.mark.parametrize(
    ("of", "expected"),
    [("PREVIOUS", [10, 20, 30, 40, 50, 60]), ("CHANGE", [20, 10, 30, 40, 50, 60])],
)
async def test_groups_are_ordered_by_any_facet(
    runtime: Runtime, few: Few, client: Client, of: str, expected: list[int]
) -> None:
    before = Few(few.ctx)
    before.order(DAY - timedelta(days=31), 2_000, influencer_id=influencers(few)[0])
    before.order(DAY - timedelta(days=31), 1_000, influencer_id=influencers(few)[1])
    await before.stored(runtime)

    found = await answer(
        client,
        f"""groups({BY_INFLUENCER}, orderBy: [{{measure: {{measure: {{name: NET_REVENUE}}, of: {of}}}}}]) {{
          nodes {{ measures {{ netRevenue }} }}
        }}""",
        "compare: {previousPeriod: FULL}",
    )

    assert [int(float(node["measures"]["netRevenue"])) for node in found["groups"]["nodes"]] == expected


PAGE = f"""query Page($after: String, $gte: Decimal!, $asOf: DateTime) {{
  analytics({JANUARY}, freshness: {{asOf: $asOf}}) {{
  groups(
    {BY_INFLUENCER}, first: 2, after: $after
    orderBy: [{{measure: {{measure: {{name: NET_REVENUE}}}}}}]
    having: {{measure: {{measure: {{name: ORDERS}}, gte: $gte}}}}
  ) {{ pageInfo {{ endCursor hasNextPage }} nodes {{ key {{ influencer {{ id name }} }} measures {{ netRevenue }} }} }}
}} }}"""


async def following(client: Client, page: Any, **more: Any) -> list[str]:
    """The amounts of all groups on the pages after one."""
    amounts: list[str] = []
    while page["pageInfo"]["hasNextPage"]:
        given = {"gte": "1", "after": page["pageInfo"]["endCursor"], **more}
        page = (await client.data(PAGE, given))["analytics"]["groups"]
        amounts += [node["measures"]["netRevenue"] for node in page["nodes"]]
    return amounts


async def moved(few: Few, runtime: Runtime) -> None:
    """Dora, who was shown first of all influencers, falls behind all; Bea, who was not shown yet, comes before all."""
    later = Few(few.ctx)
    _, _, bea, _, dora = influencers(few)
    later.order(DAY, -4_500, influencer_id=dora, recorded=DAY + timedelta(days=2))
    later.order(DAY, 50_000, influencer_id=bea, recorded=DAY + timedelta(days=2))
    await later.stored(runtime)


async def test_pages_as_of_an_instant_neither_repeat_nor_lose_what_writes_move(
    runtime: Runtime, few: Few, client: Client
) -> None:
    frozen = {"asOf": (DAY + timedelta(days=1)).isoformat()}
    first = (await client.data(PAGE, {"gte": "1", **frozen}))["analytics"]["groups"]
    await moved(few, runtime)

    assert [node["measures"]["netRevenue"] for node in first["nodes"]] == ["60.00", "50.00"]
    assert await following(client, first, **frozen) == ["40.00", "30.00", "20.00", "10.00"]
    # The cursor goes with the instant.
    refused = await client.query(PAGE, {"gte": "1", "after": first["pageInfo"]["endCursor"]})
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["INVALID_CURSOR"]


async def test_pages_of_the_present_show_groups_where_they_stand_by_then(
    runtime: Runtime, few: Few, client: Client
) -> None:
    first = (await client.data(PAGE, {"gte": "1"}))["analytics"]["groups"]
    await moved(few, runtime)

    # Of who was shown what is left, behind the others; who went before the first page is not on those after it.
    assert await following(client, first) == ["40.00", "20.00", "10.00", "5.00"]


async def test_writes_between_pages_neither_repeat_nor_lose_groups_that_keep_their_side(
    runtime: Runtime, few: Few, client: Client
) -> None:
    first = (await client.data(PAGE, {"gte": "1"}))["analytics"]["groups"]
    later = Few(few.ctx)
    # Who was shown sells more, and somebody new sells the most.
    later.order(DAY, 50_000, influencer_id=influencers(few)[4])
    later.order(DAY, 90_000, influencer_id=later.influencer("Eve", DAY))
    await later.stored(runtime)

    second = (await client.data(PAGE, {"gte": "1", "after": first["pageInfo"]["endCursor"]}))["analytics"]["groups"]
    third = (await client.data(PAGE, {"gte": "1", "after": second["pageInfo"]["endCursor"]}))["analytics"]["groups"]

    amounts = [node["measures"]["netRevenue"] for page in (first, second, third) for node in page["nodes"]]
    assert amounts == ["60.00", "50.00", "40.00", "30.00", "20.00", "10.00"]
    assert not third["pageInfo"]["hasNextPage"]


async def test_a_rename_leaves_the_cursor_valid(few: Few, client: Client) -> None:
    first = (await client.data(PAGE, {"gte": "1"}))["analytics"]["groups"]
    renamed = await client.data(
        """mutation($input: UpdateInfluencersInput!) { updateInfluencers(input: $input) { results { outcome } } }""",
        {"input": {"influencers": [{"id": str(influencers(few)[3]), "name": "Zoe"}]}},
    )
    assert renamed["updateInfluencers"]["results"] == [{"outcome": "RECORDED"}]

    second = (await client.data(PAGE, {"gte": "1", "after": first["pageInfo"]["endCursor"]}))["analytics"]["groups"]

    assert [node["key"]["influencer"]["name"] for node in second["nodes"]] == ["Zoe", "Bea"]


async def test_a_cursor_of_another_question_is_refused(few: Few, client: Client) -> None:
    first = (await client.data(PAGE, {"gte": "1"}))["analytics"]["groups"]

    refused = await client.query(PAGE, {"gte": "0.5", "after": first["pageInfo"]["endCursor"]})

    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "INVALID_CURSOR"
    assert error["extensions"]["path"] == ["groups", "after"]
    assert "Start again without `after`" in error["extensions"]["suggestion"]


async def test_one_more_group_than_the_limit_is_told(runtime: Runtime, few: Few, make_key: MakeKey) -> None:
    document = f"""query Cut($first: Int!) {{ analytics({JANUARY}) {{
      groups({BY_INFLUENCER}, first: $first) {{ totalCount nodes {{ rank }} }}
      meta {{ truncated }}
    }} }}"""

    async with asking(runtime, Store(few.ctx, few.facts, Naive(few.facts)), make_key, Role.ADMIN) as client:
        whole, cut = [(await client.data(document, {"first": first}))["analytics"] for first in (6, 5)]

    assert (whole["meta"]["truncated"], len(whole["groups"]["nodes"])) == (False, 6)
    assert (cut["meta"]["truncated"], len(cut["groups"]["nodes"])) == (True, 5)
    assert cut["groups"]["totalCount"] == 6


async def test_shares_are_of_the_connection(few: Few, client: Client) -> None:
    found = await answer(
        client,
        f"""all: groups({BY_INFLUENCER}) {{ nodes {{ measures {{ netRevenue }} share {{ netRevenue }} }} }}
        some: groups({BY_INFLUENCER}, having: {{measure: {{measure: {{name: NET_REVENUE}}, gte: 40}}}}) {{
          nodes {{ measures {{ netRevenue }} share {{ netRevenue }} }}
        }}""",
    )

    def shares(name: str) -> dict[str, str]:
        return {node["measures"]["netRevenue"]: node["share"]["netRevenue"] for node in found[name]["nodes"]}

    assert shares("all")["60.00"] == "0.285714"
    assert shares("some") == {"60.00": "0.400000", "50.00": "0.333333", "40.00": "0.266667"}


async def test_measures_with_a_filter_stand_beside_those_without(few: Few, client: Client) -> None:
    some = influencers(few)[4]

    found = await answer(
        client,
        f"""groups(by: [{{time: {{every: MONTH}}}}]) {{ nodes {{
          measures {{ netRevenue }}
          dora: measures(where: {{influencer: {{in: ["{some}"]}}}}) {{ netRevenue orders }}
          nobody: measures(where: {{influencer: {{isNull: true}}}}) {{ orders }}
        }} }}
        series(every: MONTH) {{
          measures {{ orders }} dora: measures(where: {{influencer: {{in: ["{some}"]}}}}) {{ orders }}
        }}
        table(by: [{{time: {{every: MONTH}}}}], measures: [
          {{name: ORDERS}}, {{name: ORDERS, as: "dora", where: {{influencer: {{in: ["{some}"]}}}}}}
        ]) {{ columns {{ name decimals }} }}""",
    )

    (node,) = found["groups"]["nodes"]
    assert node == {
        "measures": {"netRevenue": "210.00"},
        "dora": {"netRevenue": "50.00", "orders": "1"},
        "nobody": {"orders": "1"},
    }
    assert found["series"] == [{"measures": {"orders": "6"}, "dora": {"orders": "1"}}]
    assert found["table"]["columns"][1:] == [
        {"name": "orders", "decimals": ["6"]},
        {"name": "dora", "decimals": ["1"]},
    ]


async def test_hours_of_later_orders_are_no_members_where_new_customers_are_counted(
    runtime: Runtime, ctx: Ctx, client: Client
) -> None:
    few = Few(ctx)
    influencer = few.influencer("Ada", DAY)
    early, noon, late = (DAY.replace(hour=hour) for hour in (8, 12, 18))
    for _ in range(2):
        few.order(early, 1_000, customer=few.customer(DAY), influencer_id=influencer)
    returning = few.customer(DAY)
    few.order(noon, 1_000, customer=returning, influencer_id=influencer)
    few.order(late, 1_000, customer=returning, influencer_id=influencer)
    await few.stored(runtime)

    found = await answer(
        client,
        """groups(by: [{dimension: {name: HOUR_OF_DAY, top: {n: 1, by: {name: NEW_CUSTOMERS}}}}]) {
          nodes { isOthers memberCount key { hourOfDay } measures { newCustomers } }
        }""",
    )

    assert [
        (node["key"]["hourOfDay"], node["isOthers"], node["memberCount"], node["measures"]["newCustomers"])
        for node in found["groups"]["nodes"]
    ] == [(8, False, 1, 2), (None, True, 1, 1)]


async def test_top_ranks_states_by_what_their_groups_show(asker: Client) -> None:
    document = """{{ analytics({}) {{ groups(
      by: [{{dimension: {{name: COMMISSION_STATE{}}}}}, {{time: {{every: WEEK}}}}], first: 1000
    ) {{ nodes {{ isOthers key {{ commissionState time {{ localDate }} }} measures {{ commission }} }} }} }} }}"""

    async def weeks(top: str = "") -> dict[str, dict[str | None, Decimal]]:
        data = await asker.data(document.format(RANGE, top))
        found: dict[str, dict[str | None, Decimal]] = defaultdict(dict)
        for node in data["analytics"]["groups"]["nodes"]:
            key, amount = node["key"], Decimal(node["measures"]["commission"])
            assert node["isOthers"] is (key["commissionState"] is None)
            found[key["time"]["localDate"]][key["commissionState"]] = amount
        return found

    every, kept = await weeks(), await weeks(", top: {n: 2, by: {name: COMMISSION}, perBucket: true}")

    with_more_reversed = 0
    for week, states in every.items():
        ranked = sorted(states.items(), key=lambda each: each[1], reverse=True)
        others = {None: sum(amount for _, amount in ranked[2:])} if ranked[2:] else {}
        assert kept[week] == dict(ranked[:2]) | others
        with_more_reversed += "REVERSED" in dict(ranked[:2]) and bool(others)
    # Taken off, what was taken back would always be the least.
    assert with_more_reversed
