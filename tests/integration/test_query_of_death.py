"""Documents and bodies made to hurt: each is refused or answered, quickly, without a 5xx, and the process stays well.

Time is not tested here, for the machine's is shared: what bounds it is (tests/unit/test_limits.py), and an upper limit
of a second catches what is bounded by nothing. A bug found later adds its document here first.
"""

import gc
import time
from typing import Any

import orjson
import pytest

from app.analytics.query import Matches
from app.errors import CODES
from tests.client import Client

pytestmark = pytest.mark.database

SECONDS_MAX = 1.0


def chain(count: int, body: str) -> str:
    """Fragments that each spread the one before, by a body with {0} for its name."""
    return "fragment F0 on Viewer { role } " + "".join(
        f"fragment F{number} on Viewer {{ {body.format(f'...F{number - 1}')} }} " for number in range(1, count)
    )


def many(count: int, item: str) -> str:
    return " ".join(item.format(number) for number in range(count))


DOCUMENTS: dict[str, str] = {
    "nested-fragments-doubling": f"{{ viewer {{ ...F18 }} }} {chain(19, '{0} {0}')}",
    "nested-fragments-doubling-long": f"{{ viewer {{ ...F99 }} }} {chain(100, '{0} {0}')}",
    "fragment-chain": f"{{ viewer {{ ...F99 }} }} {chain(100, '{0}')}",
    "fragment-chain-beyond-the-stack": f"{{ viewer {{ ...F4999 }} }} {chain(5_000, '{0}')}",
    "fragment-cycle": "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
    "fragment-cycle-of-one": "{ viewer { ...A } } fragment A on Viewer { ...A }",
    "fragment-pairs": "{ viewer { ...A0 } } "
    + many(110, "fragment A{0} on Viewer {{ role }}")
    + many(5, "fragment B{0} on Viewer {{ ...A0 ...A1 ...A2 ...A3 }}"),
    "aliases": f"{{ {many(10_000, 'a{0}: viewer {{ role }}')} }}",
    "aliases-within-the-tokens": f"{{ {many(160, 'a{0}: viewer {{ role }}')} }}",
    "aliases-of-typename": f"{{ {many(300, 'a{0}: __typename')} }}",
    "same-field-often": f"{{ {'viewer { role } ' * 190} }}",
    "overlapping-fields": "{ " + " ".join(f"a: echo(number: {n})" for n in range(120)) + " }",
    "overlapping-leaves": "{ " + "viewer { role role role role role } " * 120 + " }",
    "overlapping-fragments": "{ "
    + many(85, "...F{0}")
    + " } "
    + many(85, "fragment F{0} on Query {{ viewer {{ role }} }}"),
    "overlapping-objects": "{ " + many(150, "viewer {{ a: role }}") + " }",
    "overlapping-with-reordered-arguments": "{ "
    + " ".join(f'a: echo(number: 1, text: "{n}")' if n % 2 else f'a: echo(text: "{n}", number: 1)' for n in range(80))
    + " }",
    "deep-selection": "{ viewer " + "{ viewer " * 3_000 + "{ role }" + " }" * 3_001,
    "deep-inline-fragments": "{ viewer { " + "... { " * 150 + "role" + " }" * 150 + " } }",
    "deep-list-type": "query ($a: " + "[" * 3_000 + "Int" + "]" * 3_000 + ") { viewer { role } }",
    "deep-list-value": "{ echo(ids: " + "[" * 3_000 + "]" * 3_000 + ") }",
    "deep-object-value": "{ echo(tree: " + "{sub: " * 100 + "{}" + "}" * 100 + ") }",
    "long-list-value": "{ echo(ids: [" + '"a", ' * 50_000 + "]) }",
    "many-variables": "query (" + many(5_000, "$v{0}: Int ") + ") { viewer { role } }",
    "many-variables-within-the-tokens": "query (" + many(240, "$v{0}: Int ") + ") { viewer { role } }",
    "many-operations": many(5_000, "query Q{0} {{ viewer {{ role }} }}"),
    "many-directives": "{ viewer { role " + "@skip(if: false) " * 1_000 + "} }",
    "many-unknown-directives": "{ viewer { role " + "@nope " * 200 + "} }",
    "many-unknown-fields": "{ " + many(450, "nope{0}") + " }",
    "unknown-fields-of-a-long-name": "{ " + "n" * 90_000 + " }",
    "huge-comment": "#" + "x" * 2_000_000 + "\n{ viewer { role } }",
    "many-comments": "#\n" * 40_000 + "{ viewer { role } }",
    "huge-string": '{ echo(text: "' + "x" * 90_000 + '") }',
    "huge-block-string": '{ echo(text: """' + "\n " * 45_000 + '""") }',
    "huge-integer": "{ echo(number: " + "9" * 90_000 + ") }",
    "huge-integer-for-a-scalar": "{ echo(big: " + "9" * 5_000 + ", decimal: " + "9" * 5_000 + ") }",
    "huge-float": "{ slow(seconds: 1" + "0" * 5_000 + ".0) }",
    "float-without-bounds": "{ slow(seconds: 1e999999) }",
    "decimal-without-bounds": '{ echo(decimal: "1e999999") }',
    "unicode-escapes": '{ echo(text: "' + "\\u{10FFFF}" * 5_000 + '") }',
    "nul-in-a-string": '{ echo(text: "a\\u0000b") }',
    "nul-in-the-document": "{ echo\0 }",
    "whitespace": " " * 99_000 + "{ viewer { role } }",
    "brackets": "{" * 10_000,
    "commas": "{ viewer { role" + "," * 90_000 + " } }",
    "nested-pages": "{ page(first: 1000) { nodes { number } a: nodes { number } } }" + " " * 10,
    "page-of-two-billion": "{ page(first: 2147483647) { nodes { number } } }",
    "introspection-nested": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "introspection-aliased": "{ " + many(90, "a{0}: __schema {{ types {{ fields {{ name }} }} }}") + " }",
    "introspection-wide": "{ __schema { types { fields { type { fields { " + many(250, "a{0}: name") + " } } } } } }",
    "introspection-of-of-type": "{ __schema { types { fields { type "
    + "{ ofType " * 60
    + "{ name }"
    + " }" * 60
    + "}}}}",
    "errors-without-end": "{ items(first: 1000) { fails refuses } }",
    "schema-definition": "type Query { a: Int } " * 100,
    "subscription": "subscription { viewer { role } }",
    "defer": "{ viewer { ... @defer { role } } }",
}

BODIES: dict[str, bytes] = {
    "deep-json": b'{"query": "{ viewer { role } }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "deep-json-that-is-read": orjson.dumps({"query": "{ viewer { role } }", "variables": {}}).replace(
        b"{}", b'{"a": ' + b'{"b": ' * 900 + b"1" + b"}" * 900 + b"}"
    ),
    "big-integer": b'{"query": "query ($n: Int) { echo(number: $n) }", "variables": {"n": ' + b"9" * 5_000 + b"}}",
    "big-integer-for-a-scalar": b'{"query": "query ($n: BigInt) { echo(big: $n) }", "variables": {"n": '
    + b"9" * 5_000
    + b"}}",
    "big-float": b'{"query": "query ($n: Decimal) { echo(decimal: $n) }", "variables": {"n": 1e400}}',
    "invalid-utf8": b'{"query": "{ viewer { role } }\xff"}',
    "lone-surrogate": b'{"query": "query ($t: String) { echo(text: $t) }", "variables": {"t": "\\udc00"}}',
    "nul-in-a-variable": b'{"query": "query ($t: String) { echo(text: $t) }", "variables": {"t": "a\\u0000b"}}',
    "nan": b'{"query": "{ viewer { role } }", "variables": {"n": NaN}}',
    "duplicate-names": b'{"query": "{", "query": "{ viewer { role } }"}',
    "many-names": b'{"query": "{ viewer { role } }", "variables": {'
    + b",".join(b'"v%d": 1' % number for number in range(100_000))
    + b"}}",
    "long-list": orjson.dumps(
        {"query": "query ($i: [ID!]) { echo(ids: $i) }", "variables": {"i": ["x" * 10] * 50_000}}
    ),
    "bad-items-without-end": orjson.dumps(
        {"query": "query ($i: [ID!]) { echo(ids: $i) }", "variables": {"i": [None] * 50_000}}
    ),
    "recursive-input": orjson.dumps({"query": "query ($t: Tree) { echo(tree: $t) }", "variables": {}}).replace(
        b"{}}", b'{"t": ' + b'{"sub": ' * 250 + b"null" + b"}" * 250 + b"}}"
    ),
    "name-of-the-operation": orjson.dumps({"query": "{ viewer { role } }", "operationName": "x" * 1_000_000}),
    "array-of-operations": orjson.dumps([{"query": "{ viewer { role } }"}] * 10_000),
    "white-space": b" " * 7_000_000,
    "beyond-the-limit": b"[" * 20_000_000,
}


async def survives(client: Client, body: Any) -> dict[str, Any]:
    """The answer's payload, after the checks that every such answer must stand."""
    started_s = time.perf_counter()
    response = await client.post(body)
    seconds = time.perf_counter() - started_s

    assert response.status_code < 500
    assert seconds < SECONDS_MAX
    assert len(response.content) < 5_000_000
    payload: dict[str, Any] = orjson.loads(response.content)
    errors = payload.get("errors", [])
    assert len(errors) <= 5
    for error in errors:
        assert error["extensions"]["code"] in CODES
        assert len(error["message"]) < 700
        for leak in ("Traceback", "site-packages", "RecursionError", "int()", "Errno", "Did you mean"):
            assert leak not in error["message"]
    assert (await client.post({"query": "{ viewer { role } }"})).status_code == 200
    return payload


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_document_is_survived(probing: Client, name: str) -> None:
    payload = await survives(probing, {"query": DOCUMENTS[name]})

    assert ("data" in payload) == (name in ANSWERED), payload.get("errors")


@pytest.mark.parametrize("name", BODIES)
async def test_body_is_survived(probing: Client, name: str) -> None:
    payload = await survives(probing, BODIES[name])

    assert ("data" in payload) == (name in ANSWERED), payload.get("errors")


ANSWERED = {
    "nested-fragments-doubling",
    "fragment-chain",
    "aliases-within-the-tokens",
    "aliases-of-typename",
    "huge-string",
    "huge-block-string",
    "unicode-escapes",
    "whitespace",
    "commas",
    "nested-pages",
    "introspection-wide",
    "errors-without-end",
    "duplicate-names",
}
"""Those that hurt nobody once they are bounded; all others are refused."""


ALL_TIME = "analytics(range: {preset: ALL_TIME})"
BY_PLATFORM = "by: [{dimension: {name: PLATFORM}}]"
DOUBLING: dict[str, tuple[str, str, str]] = {
    "the root": ("@", "Query", "__typename"),
    "the root, with analytics": ("@", "Query", ALL_TIME + " { totals { clicks } }"),
    "analytics": (ALL_TIME + " { @ }", "Analytics", "totals { clicks }"),
    "measures": (ALL_TIME + " { totals { @ } }", "Measures", "clicks"),
    "buckets": (ALL_TIME + " { series(every: YEAR) { @ } }", "Bucket", "measures { clicks }"),
    "groups": (ALL_TIME + f" {{ groups({BY_PLATFORM}) {{ @ }} }}", "GroupConnection", "nodes { measures { clicks } }"),
    "keys": (ALL_TIME + f" {{ groups({BY_PLATFORM}) {{ nodes {{ key {{ @ }} }} }} }}", "GroupKey", "platform"),
    "tables": (
        ALL_TIME + f" {{ table({BY_PLATFORM}, measures: [{{name: CLICKS}}]) {{ @ }} }}",
        "ColumnTable",
        "rowCount",
    ),
    "entities": ("campaigns(first: 2) { nodes { @ } }", "Campaign", "id " + ALL_TIME + " { totals { clicks } }"),
    "the catalog": ("catalog { measures { @ } }", "MeasureInfo", "name"),
}
"""Where fragments stand in the whole schema: the field, the type, and what is selected of it in the end."""


@pytest.mark.parametrize("place", DOUBLING)
@pytest.mark.parametrize(
    ("spread", "codes"),
    [("...F{0} ...F{0}", []), ("... {{ ...F{0} }} ... {{ ...F{0} }}", ["QUERY_TOO_COSTLY"])],
    ids=["side by side", "each inline"],
)
async def test_fragments_that_double_at_each_level_are_read_once(
    client: Client, place: str, spread: str, codes: list[str]
) -> None:
    field, on, leaf = DOUBLING[place]
    fragments = " ".join(f"fragment F{number} on {on} {{ {spread.format(number - 1)} }}" for number in range(1, 45))
    document = f"{{ {field.replace('@', '...F44')} }} fragment F0 on {on} {{ {leaf} }} {fragments}"

    payload = await survives(client, {"query": document})

    assert [error["extensions"]["code"] for error in payload.get("errors", [])] == codes


SPACES = 95_000
SLOW: dict[str, tuple[str, Any]] = {
    # What an error echoes is looked through, and cut.
    "spaces-for-an-enum": (
        "query ($v: Granularity!) { analytics(range: {last: {n: 1, unit: $v}}) { totals { clicks } } }",
        " " * SPACES,
    ),
    "spaces-for-enums": (
        "query ($v: [Platform!]) { instances(where: {platform: {in: $v}}) { nodes { id } } }",
        [" " * SPACES] * 10,
    ),
    "suggestions-without-end": (
        "query ($v: Granularity!) { analytics(range: {last: {n: 1, unit: $v}}) { totals { clicks } } }",
        "Did you mean " * 7_000,
    ),
    "spaces-in-the-document": ('{ campaigns(first: "' + " " * SPACES + '") { nodes { id } } }', None),
    # A text that is not closed.
    "open-quotes": ('{ a } "' + '\\"' * 49_000, None),
    "open-texts": ("{ a } " + '"\\" \n' * 15_000, None),
    # Lists that are bounded once they were read.
    "many-conditions": (
        "query ($v: MeasureFilter) { analytics(range: {preset: ALL_TIME}) {"
        " groups(by: [{dimension: {name: CODE}}], having: $v) { totalCount } } }",
        {"or": [{"measure": {"measure": {"name": "ORDERS"}, "gt": "1"}}] * 6_000},
    ),
    "many-parts": (
        "query ($v: FactFilter) { analytics(range: {preset: ALL_TIME}, where: $v) { totals { clicks } } }",
        {"and": [{}] * 500_000},
    ),
    "many-orders": (
        "mutation ($v: [RecordOrderInput!]!) { recordOrders(input: {orders: $v}) { isReplay } }",
        [{}] * 1_500_000,
    ),
}


@pytest.mark.parametrize("name", SLOW)
async def test_what_took_long_is_refused_at_once(client: Client, name: str) -> None:
    document, value = SLOW[name]

    payload = await survives(client, {"query": document, "variables": {} if value is None else {"v": value}})

    assert payload["errors"]


async def test_large_filters_are_read_once_and_never_kept(client: Client) -> None:
    """A filter of 4,000 ids at 320 places, a new one each time."""
    fragments = "fragment A on Analytics { s0: series(every: YEAR) { ...B } } fragment B on Bucket { "
    fragments += many(8, "m{0}: measures(where: $w) {{ clicks }}") + " }"
    asked = many(40, "x{0}: analytics(range: {{preset: ALL_TIME}}) {{ ...A }}")
    sizes = []

    for number in range(24):
        ids = [[f"{number:08}-0000-7000-8000-{part * 1_000 + each:012}" for each in range(1_000)] for part in range(4)]
        where = {"and": [{"influencer": {"in": part}} for part in ids]}
        payload = await survives(
            client, {"query": f"query ($w: FactFilter) {{ {asked} }} {fragments}", "variables": {"w": where}}
        )
        assert "errors" not in payload
        sizes.append(sum(isinstance(each, Matches) and len(each.isin or ()) == 1_000 for each in gc.get_objects()))

    # The first reading of the document keeps nothing either.
    assert max(sizes) <= 8


async def test_large_variables_are_named_in_few_places(client: Client) -> None:
    where = {name: {"in": [str(number) for number in range(1_000)]} for name in ("influencer", "campaign")}
    measures = many(70, "m{0}: measures(where: $w) {{ clicks }}")
    document = f"query ($w: FactFilter) {{ {ALL_TIME} {{ series(every: YEAR) {{ {measures} }} }} }}"

    payload = await survives(client, {"query": document, "variables": {"w": where}})

    assert [error["extensions"]["code"] for error in payload["errors"]] == ["QUERY_TOO_COSTLY"]


HOURS = 'analytics(range: {between: {from: "2025-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z"}}) { @ }'


async def test_an_answer_shows_so_many_values_and_no_more(client: Client) -> None:
    """Each series is within its bounds: all together would be 180 MB."""
    hours = many(12, "s{0}: series(every: HOUR) {{ measures {{ clicks orders units refunds }} }}")
    one, twelve = HOURS.replace("@", "series(every: HOUR) { start measures { clicks } }"), HOURS.replace("@", "...S")
    fragment = f" fragment S on Analytics {{ {hours} }}"

    fits = await client.query(f"{{ {one} }}")
    at_once = await client.query(f"{{ {twelve} }} {fragment}")
    often = await client.query("{ " + " ".join(f"a{n}: {twelve}" for n in range(3)) + " }" + fragment)

    assert len(fits["data"]["analytics"]["series"]) == 8_760
    assert "errors" not in at_once
    assert [error["extensions"]["code"] for error in often["errors"]] == ["QUERY_TOO_COSTLY"] * 2
    assert {name: answer is None for name, answer in often["data"].items()} == {"a0": False, "a1": True, "a2": True}
