"""Every root list of the API: pages both ways, orders, filters, and what it refuses, against Python over the same rows.

The lists, their orders and their filters are read from the schema, so that a new one is tested or fails.
"""

import base64
import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    get_named_type,
    get_nullable_type,
)

from app.core.context import Ctx
from app.runtime import Runtime
from graphql_schema.schema import schema
from tests.client import Client
from tests.factories.listed import Listed
from tests.factories.listed_money import balance_id
from tests.factories.orders import NOON
from tests.factories.turns import Row

pytestmark = pytest.mark.database

ROOT = schema._schema.query_type
assert ROOT is not None

LISTS: dict[str, GraphQLField] = {
    name: field for name, field in ROOT.fields.items() if get_named_type(field.type).name.endswith("Connection")
}

COUNT = 12
"""Rows of each list."""

TABLES = {"commissionPlanAssignments": "plan_assignments", "exchangeRates": "own_rates"}
"""Where the rows of a list are, if not in the table of its name."""

NO_IDS = {"balances": "currency influencer { id }"}
"""What rows that have no id are known by."""

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

Holds = Callable[[Any], bool]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def table_of(name: str) -> str:
    """The key of a list's rows."""
    return TABLES.get(name, snake(name))


def page_of(name: str) -> str:
    """What is selected of a list: whatever tells its rows and pages."""
    known_by = NO_IDS.get(name, "id")
    return f"nodes {{ {known_by} }} edges {{ cursor node {{ {known_by} }} }} {PAGE_INFO}"


def argument(name: str, of: str) -> GraphQLInputObjectType:
    """The input type of a list's argument."""
    kind = get_named_type(LISTS[name].args[of].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


def sorts(name: str) -> list[str]:
    """The words that a list is ordered by."""
    kind = get_named_type(argument(name, "orderBy").fields["by"].type)
    assert isinstance(kind, GraphQLEnumType)
    return list(kind.values)


def default_order(name: str) -> tuple[str, str]:
    """The order of a list when none is asked: its word and direction."""
    fields = argument(name, "orderBy").fields
    by, direction = (fields[part].default_value for part in ("by", "direction"))
    return str(by.value), str(direction.value)


ORDERS = [(name, by, direction) for name in LISTS for by in sorts(name) for direction in ("ASC", "DESC")]


@pytest.fixture
async def listed(runtime: Runtime, ctx: Ctx) -> Listed:
    """The tenant's rows."""
    made = Listed(runtime.db, ctx)
    await made.fill(COUNT)
    return made


def in_order(rows: list[Row], by: str, direction: str) -> list[Row]:
    """The rows by this word, equal ones by id."""
    return sorted(rows, key=lambda row: (row[by.lower()], row["id"]), reverse=direction == "DESC")


def ids(rows: list[Row]) -> list[str]:
    return [str(row["id"]) for row in rows]


def shown(page: Mapping[str, Any]) -> list[str]:
    return [
        node["id"] if "id" in node else str(balance_id(node["influencer"]["id"], node["currency"]))
        for node in page["nodes"]
    ]


async def ask(client: Client, name: str, more: str = "", **arguments: Any) -> dict[str, Any]:
    """One page of a list. Fails the test when there are errors."""
    page: dict[str, Any] = (await client.data(*document(name, f"{page_of(name)} {more}", arguments)))[name]
    return page


async def refusal(client: Client, name: str, **arguments: Any) -> list[str]:
    """The codes of the errors when a page of a list is asked."""
    return await client.error_codes(*document(name, page_of(name), arguments))


def document(name: str, selection: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kinds = LISTS[name].args
    variables = ", ".join(f"${key}: {kinds[key].type}" for key in arguments)
    given = ", ".join(f"{key}: ${key}" for key in arguments)
    query = f"query({variables})" if arguments else "query"
    field = f"{name}({given})" if arguments else name
    return f"{query} {{ {field} {{ {selection} }} }}", dict(arguments)


def assert_whole(page: Mapping[str, Any]) -> None:
    """Nodes, edges and the page's cursors tell the same."""
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    assert len(set(cursors)) == len(cursors)
    assert page["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert page["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)


def test_every_list_takes_filter_order_and_pages() -> None:
    assert len(LISTS) >= 23
    for field in LISTS.values():
        assert list(field.args) == ["where", "orderBy", "first", "after", "last", "before"]


# ------------------------------------------------------------------ pages and orders


@pytest.mark.parametrize(("name", "by", "direction"), ORDERS)
async def test_pages_follow_each_other_both_ways_in_every_order(
    client: Client, listed: Listed, name: str, by: str, direction: str
) -> None:
    order = {"by": by, "direction": direction}
    expected = ids(in_order(listed.rows[table_of(name)], by, direction))

    forwards: list[str] = []
    after = None
    for start in range(0, COUNT, 5):
        page = await ask(client, name, orderBy=order, first=5, after=after)
        assert_whole(page)
        assert page["pageInfo"]["hasPreviousPage"] is (start > 0)
        assert page["pageInfo"]["hasNextPage"] is (start + 5 < COUNT)
        forwards += shown(page)
        after = page["pageInfo"]["endCursor"]
    assert forwards == expected

    backwards: list[str] = []
    before = None
    # Pages that fill up exactly: at the end there is no more, though the page is full.
    for start in range(0, COUNT, 4):
        page = await ask(client, name, orderBy=order, last=4, before=before)
        assert_whole(page)
        assert page["pageInfo"]["hasNextPage"] is (start > 0)
        assert page["pageInfo"]["hasPreviousPage"] is (start + 4 < COUNT)
        backwards = shown(page) + backwards
        before = page["pageInfo"]["startCursor"]
    assert backwards == expected


@pytest.mark.parametrize("name", LISTS)
async def test_equal_keys_are_there_to_be_told_apart(listed: Listed, name: str) -> None:
    by, _ = default_order(name)
    keys = [row[by.lower()] for row in listed.rows[table_of(name)]]

    assert 1 < len(set(keys)) < len(keys)


@pytest.mark.parametrize("name", LISTS)
async def test_without_an_order_the_declared_one_holds(client: Client, listed: Listed, name: str) -> None:
    by, direction = default_order(name)
    expected = ids(in_order(listed.rows[table_of(name)], by, direction))

    assert shown(await ask(client, name)) == expected
    assert shown(await ask(client, name, orderBy={})) == expected
    assert f"{by} {direction} when not given" in (LISTS[name].args["orderBy"].description or "")


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_reached_forwards_is_left_backwards(client: Client, listed: Listed, name: str) -> None:
    first = await ask(client, name, first=5)
    second = await ask(client, name, first=5, after=first["pageInfo"]["endCursor"])

    back = await ask(client, name, last=5, before=second["pageInfo"]["startCursor"])

    assert shown(back) == shown(first)


@pytest.mark.parametrize("name", LISTS)
async def test_rows_that_come_between_pages_neither_repeat_nor_hide_others(
    client: Client, listed: Listed, name: str
) -> None:
    table = table_of(name)
    by, direction = default_order(name)
    first = await ask(client, name, first=5)
    last_seen = next(row for row in listed.rows[table] if str(row["id"]) == shown(first)[-1])

    keys = [row[by.lower()] for row in listed.rows[table]]
    apart: Any = timedelta(days=1) if isinstance(keys[0], datetime) else 1_000
    await listed.add(table, min(keys) - apart, last_seen[by.lower()], max(keys) + apart)
    rest = await ask(client, name, first=1000, after=first["pageInfo"]["endCursor"])

    now = in_order(listed.rows[table], by, direction)
    beyond = ids(now[now.index(last_seen) + 1 :])
    assert shown(rest) == beyond
    assert len(beyond) >= COUNT - 5 + 1
    assert not set(shown(rest)) & set(shown(first))


@pytest.mark.parametrize("name", LISTS)
async def test_an_empty_list_has_no_neighbours_and_no_cursors(client: Client, name: str) -> None:
    for size in ({"first": 5}, {"last": 5}, {}):
        page = await ask(client, name, "totalCount", **size)

        nowhere = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
        assert page == {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": nowhere}


@pytest.mark.parametrize("name", LISTS)
async def test_total_count_is_counted_only_when_asked(
    client: Client, listed: Listed, name: str, count_statements: Callable[[], Any]
) -> None:
    await ask(client, name)
    with count_statements() as without:
        await ask(client, name, first=5)
    with count_statements() as counted:
        page = await ask(client, name, "totalCount", first=5)

    assert page["totalCount"] == COUNT
    assert [sql for sql in without if "count(" in sql] == []
    assert len([sql for sql in counted if "count(" in sql]) == 1
    assert len(counted) == len(without) + 1


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", LISTS)
async def test_cursors_of_other_questions_are_refused(client: Client, listed: Listed, name: str) -> None:
    by, direction = default_order(name)
    other_way = {"by": by, "direction": "ASC" if direction == "DESC" else "DESC"}
    (condition, *_) = argument(name, "where").fields
    elsewhere = next(other for other in LISTS if other != name)
    cursor = (await ask(client, name, first=1))["pageInfo"]["endCursor"]
    foreign = (await ask(client, elsewhere, first=1))["pageInfo"]["endCursor"]

    for end, size in (("after", "first"), ("before", "last")):
        refused = [
            {end: foreign},
            {end: "nonsense"},
            {end: ""},
            {end: cursor[:-3]},
            {end: cursor, "orderBy": other_way},
            {end: cursor, "where": {condition: NARROW[kind_of(name, condition)]}},
        ]
        for arguments in refused:
            assert await refusal(client, name, **{size: 5}, **arguments) == ["INVALID_CURSOR"], arguments
        assert await ask(client, name, **{size: 5, end: cursor})


def edited(cursor: str, *values: Any) -> str:
    """The cursor with other values behind its mark."""
    mark, _ = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(orjson.dumps([mark, values])).decode().rstrip("=")


@pytest.mark.parametrize(("name", "by"), {(name, by): None for name, by, _ in ORDERS})
async def test_edited_cursors_are_refused(client: Client, listed: Listed, name: str, by: str) -> None:
    order = {"by": by}
    cursor = (await ask(client, name, orderBy=order, first=1))["pageInfo"]["endCursor"]
    row_id, time = {"u": str(listed.rows[table_of(name)][0]["id"])}, {"t": NOON.isoformat()}
    _, (place, _) = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    is_time = isinstance(place, dict)
    refused: list[list[Any]] = [
        [],
        [place],
        [place, row_id, row_id],
        [row_id, place],
        [place, "word"],
        [None, None],
        [2**63, row_id],
        ["1", row_id] if isinstance(place, int) else [1, row_id],
        [True, row_id],
        [{"d": "1"}, row_id],
        ["word" if is_time else time, row_id],
        ["wo\0rd", row_id],
        [{"t": "2026-03-10T12:00:00"}, row_id],
        [{"t": "0001-01-01T00:00:00+14:00"}, row_id],
        [{"t": "9999-12-31T23:59:59-14:00"}, row_id],
    ]

    for values in refused:
        for end, size in (("after", "first"), ("before", "last")):
            arguments = {"orderBy": order, size: 5, end: edited(cursor, *values)}
            assert await refusal(client, name, **arguments) == ["INVALID_CURSOR"], values
    assert await ask(client, name, orderBy=order, first=5, after=edited(cursor, place, row_id))


@pytest.mark.parametrize("name", LISTS)
async def test_pages_out_of_bounds_and_both_ways_at_once_are_refused(client: Client, listed: Listed, name: str) -> None:
    cursor = (await ask(client, name, first=1))["pageInfo"]["endCursor"]
    refused: list[dict[str, Any]] = [
        {"first": -1},
        {"first": 1001},
        {"last": -1},
        {"last": 1001},
        {"first": 1, "last": 1},
        {"last": 1, "after": cursor},
        {"first": 1, "before": cursor},
        {"first": 1, "after": cursor, "before": cursor},
    ]

    for arguments in refused:
        assert await refusal(client, name, **arguments) == ["INVALID_PAGE"], arguments
    for whole in ({"first": 1000}, {"last": 1000}, {"first": None, "last": None}):
        assert len(shown(await ask(client, name, **whole))) == COUNT


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_of_no_items_tells_whether_there_are_any(client: Client, listed: Listed, name: str) -> None:
    page = await ask(client, name, "totalCount", first=0)

    there = {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert page == {"nodes": [], "edges": [], "totalCount": COUNT, "pageInfo": there}


# ------------------------------------------------------------------ filters


def kind_of(name: str, field: str) -> str:
    """The type of a filter's field; words in a list are VOCABULARY, texts that ignore case are CODE."""
    kind = get_nullable_type(argument(name, "where").fields[field].type)
    named = get_named_type(kind)
    if isinstance(kind, GraphQLList):
        assert isinstance(named, GraphQLEnumType)
        return "VOCABULARY"
    return "CODE" if field in ("code", "country") else str(named.name)


NARROW: dict[str, Any] = {
    "IdFilter": {"in": []},
    "StringFilter": {"in": []},
    "CODE": {"in": []},
    "PlatformFilter": {"in": []},
    "TimeFilter": {"from": "2026-01-01T00:00:00Z"},
    "VOCABULARY": [],
    "Boolean": True,
}
"""A condition of each kind."""


def column_of(field: str, row: Row) -> str:
    """The column that a filter's field speaks of."""
    (found,) = {f"{snake(field)}{end}" for end in ("", "_id", "_at", "_from")} & row.keys()
    return found


def on_values(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    """Conditions on ids, texts and platforms, with what each means."""
    two = sorted({value for value in values if value is not None}, key=str)[:2]
    assert len(two) == 2, "a filter is tested on different values"
    yield {"in": two}, lambda value: value in two
    yield {"in": []}, lambda value: False
    yield {"notIn": two[:1]}, lambda value: value != two[0]
    yield {"notIn": []}, lambda value: True
    yield {"isNull": True}, lambda value: value is None
    yield {"isNull": False}, lambda value: value is not None
    yield {"in": two[:1], "isNull": True}, lambda value: value is None or value == two[0]
    yield {"in": two[:1], "isNull": False}, lambda value: value == two[0]
    yield {"in": two, "notIn": two[:1]}, lambda value: value == two[1]
    yield {"notIn": two[:1], "isNull": False}, lambda value: value is not None and value != two[0]
    yield {"in": None, "notIn": None, "isNull": None}, lambda value: True


def on_ids(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    yield from on_values(values)
    yield {"in": ["nobody"]}, lambda value: False
    yield {"notIn": ["nobody"]}, lambda value: True


def begins(prefix: str, value: str | None) -> bool:
    return value is not None and value.startswith(prefix)


def begins_code(prefix: str, value: str | None) -> bool:
    return begins(prefix.upper(), value)


def on_texts(values: list[Any], *, begins: Callable[[str, str | None], bool] = begins) -> Iterator[tuple[Any, Holds]]:
    yield from on_values(values)
    known = sorted({value for value in values if value is not None})
    for prefix in (known[0], known[-1][:-1], known[0][0].swapcase(), "%", "_", ""):
        yield {"startsWith": prefix}, partial(begins, prefix)
    yield (
        {"startsWith": known[0][0], "notIn": known[:1]},
        lambda value: begins(known[0][0], value) and value != known[0],
    )
    yield {"startsWith": None}, lambda value: True


def on_codes(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    yield from on_texts(values, begins=begins_code)
    one = next(value for value in values if value is not None)
    yield {"in": [f" {one.lower()} "]}, lambda value: value == one
    yield {"notIn": [one.lower()]}, lambda value: value != one


def on_times(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    known: list[datetime] = sorted({value for value in values if value is not None})
    early, late = known[1], known[-1]
    yield {"from": early}, lambda value: value is not None and value >= early
    yield {"until": late}, lambda value: value is not None and value < late
    yield {"from": early, "until": late}, lambda value: value is not None and early <= value < late
    yield {"from": late, "until": early}, lambda value: False
    yield {"from": None, "until": None}, lambda value: True


@pytest.mark.parametrize("name", ["in", "notIn"])
async def test_lists_of_a_filter_are_bounded(client: Client, name: str) -> None:
    document = f"query ($ids: [ID!]) {{ campaigns(where: {{id: {{{name}: $ids}}}}) {{ totalCount }} }}"
    # Those that are no ids are counted too.
    ids = [*(str(UUID(int=number)) for number in range(500)), *(f"nobody {number}" for number in range(501))]

    fits = await client.query(document, {"ids": ids[:1_000]})
    refused = await client.query(document, {"ids": ids})

    assert "errors" not in fits
    (error,) = refused["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "path": ["where"]}
    assert "1001 values; at most 1000" in error["message"]


def on_words(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    known = sorted(set(values))
    yield known[:1], lambda value: value == known[0]
    yield known[1:], lambda value: value != known[0]
    yield [], lambda value: False


def on_flags(values: list[Any]) -> Iterator[tuple[Any, Holds]]:
    assert set(values) == {True, False}
    yield True, lambda value: value is True
    yield False, lambda value: value is False


CONDITIONS: dict[str, Callable[[list[Any]], Iterator[tuple[Any, Holds]]]] = {
    "IdFilter": on_ids,
    "StringFilter": on_texts,
    "CODE": on_codes,
    "PlatformFilter": on_values,
    "TimeFilter": on_times,
    "VOCABULARY": on_words,
    "Boolean": on_flags,
}
"""Conditions of each kind that a filter may offer, made from the values of its column."""

FILTERS = [(name, field) for name in LISTS for field in argument(name, "where").fields]


def plain(condition: Any) -> Any:
    """The condition as JSON."""
    if isinstance(condition, dict):
        return {key: plain(value) for key, value in condition.items()}
    if isinstance(condition, list):
        return [plain(value) for value in condition]
    return (
        condition.isoformat()
        if isinstance(condition, datetime)
        else str(condition)
        if isinstance(condition, UUID)
        else condition
    )


@pytest.mark.parametrize(("name", "field"), FILTERS)
async def test_every_operator_lets_through_what_it_says(client: Client, listed: Listed, name: str, field: str) -> None:
    rows = in_order(listed.rows[table_of(name)], *default_order(name))
    column = column_of(field, rows[0])
    kind = kind_of(name, field)
    used: set[str] = set()

    for condition, holds in [*CONDITIONS[kind]([row[column] for row in rows]), (None, lambda value: True)]:
        page = await ask(client, name, "totalCount", where={field: plain(condition)})
        expected = ids([row for row in rows if holds(row[column])])
        assert (shown(page), page["totalCount"]) == (expected, len(expected)), condition
        used |= condition.keys() if isinstance(condition, dict) else set()

    offered = get_named_type(argument(name, "where").fields[field].type)
    assert used == (offered.fields.keys() if isinstance(offered, GraphQLInputObjectType) else set())


def like(kind: str, value: Any) -> tuple[Any, Holds]:
    """A condition that this value meets."""
    match kind:
        case "TimeFilter":
            return {"from": value}, lambda other: other is not None and other >= value
        case "VOCABULARY":
            return [value], lambda other: other == value
        case "Boolean":
            return value, lambda other: other == value
        case _:
            return {"in": [value]}, lambda other: other == value


@pytest.mark.parametrize("name", LISTS)
async def test_conditions_on_several_fields_hold_together(client: Client, listed: Listed, name: str) -> None:
    rows = in_order(listed.rows[table_of(name)], *default_order(name))
    has_narrowed = False

    for fields in itertools.combinations(argument(name, "where").fields, 2):
        columns = [column_of(field, rows[0]) for field in fields]
        model = next((row for row in rows if None not in (row[columns[0]], row[columns[1]])), None)
        if fields == ("campaign", "enrollment") and name == "commissionPlanAssignments":
            assert model is None, "a plan is assigned to one of them"
            continue
        assert model is not None, f"no row has a value in both of {fields}"
        conditions = [like(kind_of(name, field), model[column]) for field, column in zip(fields, columns, strict=True)]
        apart = [
            [row for row in rows if holds(row[column])] for column, (_, holds) in zip(columns, conditions, strict=True)
        ]
        together = [row for row in apart[0] if row in apart[1]]

        where = {field: plain(condition) for field, (condition, _) in zip(fields, conditions, strict=True)}
        assert shown(await ask(client, name, where=where)) == ids(together), where
        assert model in together
        has_narrowed |= len(together) < max(map(len, apart))

    assert has_narrowed


@pytest.mark.parametrize("name", LISTS)
async def test_pages_of_a_filtered_list_are_its_own(client: Client, listed: Listed, name: str) -> None:
    by, direction = default_order(name)
    rows = in_order(listed.rows[table_of(name)], by, direction)
    field = next(field for field in argument(name, "where").fields if kind_of(name, field) != "TimeFilter")
    column = column_of(field, rows[0])
    candidates = CONDITIONS[kind_of(name, field)]([row[column] for row in rows])
    condition = next(
        (wanted, holds) for wanted, holds in candidates if 2 < len([row for row in rows if holds(row[column])]) < COUNT
    )
    expected = ids([row for row in rows if condition[1](row[column])])
    where = {field: plain(condition[0])}

    found: list[str] = []
    after = None
    while len(found) < len(expected):
        page = await ask(client, name, where=where, first=2, after=after)
        found += shown(page)
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] is (len(found) < len(expected))

    assert found == expected
