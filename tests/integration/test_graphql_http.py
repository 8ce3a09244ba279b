"""GraphQL over HTTP as its specification wants it, and requests that are none.

The requirements one by one are in `tests/audits`, by the ids of the npm package `graphql-http`. The package's own
audits run there too, where there is Node and `SCOVILLE_AUDITS` names the package.
"""

import dataclasses
from typing import Any

import orjson
import pytest

from app.main import create_app
from app.runtime import Runtime
from app.web.negotiation import GRAPHQL_JSON
from app.web.responses import JSON
from tests.client import Client

pytestmark = pytest.mark.database

TYPE = "query Type($name: String!) { __type(name: $name) { name } }"


async def test_viewer_is_who_asks(client: Client) -> None:
    data = await client.data("{ viewer { role currency reportingZone isTest influencerId } }")

    assert data == {
        "viewer": {
            "role": "ADMIN",
            "currency": "GBP",
            "reportingZone": "Europe/London",
            "isTest": False,
            "influencerId": None,
        }
    }


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
    ],
)
async def test_answer_has_the_media_type_asked_for_in_utf8(client: Client, accept: str | None, media_type: str) -> None:
    if accept is None:
        del client.http.headers["accept"]
    response = await client.post({"query": "{ __typename }"}, headers={} if accept is None else {"accept": accept})

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert orjson.loads(response.content)["data"] == {"__typename": "Query"}


async def test_answer_nobody_takes_is_406(client: Client) -> None:
    response = await client.post({"query": "{ __typename }"}, headers={"accept": "text/html"})

    assert response.status_code == 406


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ __typename }"},
        {"query": "query A { __typename } query B { viewer { role } }", "operationName": "A"},
        {"query": "{ __typename }", "operationName": None, "variables": None, "extensions": None},
        {"query": TYPE, "variables": {"name": "Viewer"}},
        {"query": "{ __typename }", "extensions": {"some": "value"}},
        {"query": "{ __typename }", "unknown": "parameter"},
        {"query": '{ __type(name: "Käse 🌶") { name } }'},
    ],
)
async def test_request_is_taken(client: Client, accept: str, body: dict[str, Any]) -> None:
    response = await client.post(body, headers={"accept": accept})

    payload = orjson.loads(response.content)
    assert response.status_code == 200
    assert "errors" not in payload
    assert payload["data"]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{ not JSON",
        b"3",
        b"null",
        b'"text"',
        b"[]",
        orjson.dumps([{"query": "{ __typename }"}]),
        b"{}",
        orjson.dumps({"qeury": "{ __typename }"}),
        *(orjson.dumps({"query": value}) for value in (None, 0, False, ["array"], {"a": 1}, "", " \n")),
        *(orjson.dumps({"query": "{ __typename }", "operationName": value}) for value in (0, False, ["a"], {"a": 1})),
        *(orjson.dumps({"query": "{ __typename }", "variables": value}) for value in ("text", 0, False, ["a"])),
        *(orjson.dumps({"query": "{ __typename }", "extensions": value}) for value in ("text", 0, False, ["a"])),
        b'{"query": "{ __typename }", "variables": {"n": NaN}}',
        b'{"query": "{ __typename }", "variables": {"n": Infinity}}',
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b"[" * 50_000,
        b'{"query": "\xff\xfe"}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
    ],
)  # fmt: skip
async def test_body_that_is_no_request_is_400(client: Client, accept: str, body: bytes) -> None:
    response = await client.post(body, headers={"accept": accept})

    payload = orjson.loads(response.content)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith(accept)
    assert [error["extensions"]["code"] for error in payload["errors"]] == ["BAD_REQUEST"]
    assert "data" not in payload


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"query": "{ __typename }", "variables": {"n": 1e400}}', "a number that is larger"),
        (b'{"query": "{ __typename }", "variables": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested too deeply"),
        (b"{ not JSON", "not JSON in UTF-8"),
        (b'{"query": "\xff"}', "not JSON in UTF-8"),
    ],
)
async def test_unreadable_body_is_told_what_is_wrong(client: Client, body: bytes, says: str) -> None:
    response = await client.post(body)

    assert response.status_code == 400
    assert says in orjson.loads(response.content)["errors"][0]["message"]


REFUSED = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ unknown }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": TYPE, "variables": {"name": None}}, "BAD_USER_INPUT"),
    ({"query": TYPE}, "BAD_USER_INPUT"),
    ({"query": TYPE, "variables": {"name": 1}}, "BAD_USER_INPUT"),
    ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "{ __typename }", "operationName": "A"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "fragment F on Viewer { role }"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "query A { __typename } query A { __typename }", "operationName": "A"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "subscription { viewer }"}, "GRAPHQL_VALIDATION_FAILED"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
async def test_refused_operation_has_no_data_and_says_so_by_status(
    client: Client, body: dict[str, Any], code: str
) -> None:
    strict = await client.post(body, headers={"accept": GRAPHQL_JSON})
    loose = await client.post(body, headers={"accept": JSON})

    assert (strict.status_code, loose.status_code) == (400, 200)
    for response in (strict, loose):
        payload = orjson.loads(response.content)
        assert "data" not in payload
        assert {error["extensions"]["code"] for error in payload["errors"]} == {code}


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_other_content_types_are_415(client: Client, content_type: str | None) -> None:
    response = await client.http.post(
        "/graphql",
        content=b'{"query": "{ __typename }"}',
        headers={
            "authorization": f"Bearer {client.key}",
            **({} if content_type is None else {"content-type": content_type}),
        },
    )

    assert response.status_code == 415


async def test_compressed_bodies_are_415(client: Client) -> None:
    response = await client.post(b"\x1f\x8b", headers={"content-encoding": "gzip"})

    assert response.status_code == 415


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(client: Client, method: str) -> None:
    response = await client.http.request(
        method, "/graphql?query={__typename}", headers={"authorization": f"Bearer {client.key}", "accept": JSON}
    )

    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_mutation_by_get_is_impossible(client: Client) -> None:
    response = await client.http.get(
        "/graphql?query=mutation{a}", headers={"authorization": f"Bearer {client.key}", "accept": "text/html"}
    )

    assert response.headers["content-type"].startswith("text/html")


async def test_body_beyond_the_limit_is_413_without_reading_it_all(client: Client, runtime: Runtime) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    declared = await client.post(b" " * (runtime.settings.body_bytes_max + 1))
    streamed = await client.http.post(
        "/graphql",
        content=endless(),
        headers={"authorization": f"Bearer {client.key}", "content-type": JSON},
    )

    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert sent <= runtime.settings.body_bytes_max + 200_000


async def test_unknown_paths_and_methods_have_the_one_error_shape(client: Client) -> None:
    asked = (
        ("GET", "/nope", 404),
        ("POST", "/healthz", 405),
        ("GET", "/graphql/assets/x", 404),
        # Not led to the path without the slash: by what address a client came here is known to the proxy alone.
        ("POST", "/graphql/", 404),
        ("POST", "/export/", 404),
    )
    for method, path, status in asked:
        response = await client.http.request(method, path)
        assert response.status_code == status
        (error,) = orjson.loads(response.content)["errors"]
        assert set(error) == {"message", "extensions"}
        assert error["extensions"]["code"]


@pytest.mark.parametrize("given", ["abc", "0192f0c1-7b7e-7c11-8d5f-1f0e2a3b4c5d", "a.b:c_d-e", "x" * 128])
async def test_request_id_is_taken_and_returned(client: Client, given: str) -> None:
    response = await client.post({"query": "{ __typename }"}, headers={"x-request-id": given})

    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "é", '"'])
async def test_unfit_request_id_is_replaced(client: Client, given: str) -> None:
    response = await client.http.post("/graphql", headers=[(b"x-request-id", given.encode())])

    assert response.status_code == 401
    assert len(response.headers["x-request-id"]) == 36
    assert response.headers.get_list("x-request-id") == [response.headers["x-request-id"]]


async def test_introspection_is_answered(client: Client) -> None:
    assert await client.data('{ __type(name: "Viewer") { name } }') == {"__type": {"name": "Viewer"}}


async def test_the_bare_address_leads_to_graphiql(client: Client) -> None:
    found = await client.http.get("/")

    assert (found.status_code, found.headers["location"]) == (307, "/graphql")


async def test_graphiql_is_served_to_browsers_from_here_alone(client: Client) -> None:
    page = await client.http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})

    assert page.status_code == 200
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("style-src")[0]
    assets = [line.split('"')[1] for line in page.text.replace("href=", "src=").split("src=")[1:] if "/" in line[:3]]
    assert len(assets) == 8
    for path in assets:
        assert path.startswith("/graphql/assets/"), path
        asset = await client.http.get(path)
        assert asset.status_code == 200
        assert len(asset.content) > 50
    for path in ("/graphql/assets/..%2fapp.py", "/graphql/assets/%2e%2e/app.py", "/graphql/assets/graphiql.html"):
        assert (await client.http.get(path)).status_code == 404


async def test_health_needs_no_key_and_shows_no_data(client: Client) -> None:
    health = await client.http.get("/healthz")
    ready = await client.http.get("/readyz")
    shown = await client.http.get("/metrics")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200
    assert ready.json()["postgres"] == "ok"
    assert "scoville_http_requests_total" in shown.text
    assert shown.headers["content-type"].startswith("text/plain")


async def test_what_is_switched_off_is_off(runtime: Runtime, client: Client) -> None:
    settings = runtime.settings.model_copy(update={"introspection": False, "graphiql": False})
    async with Client(create_app(dataclasses.replace(runtime, settings=settings)), client.key) as closed:
        codes = await closed.error_codes("{ __schema { types { name } } }")
        typename = await closed.data("{ __typename viewer { __typename } }")
        page = await closed.http.get("/graphql", headers={"accept": "text/html"})

    assert set(codes) == {"GRAPHQL_VALIDATION_FAILED"}
    assert typename == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}
    assert page.status_code == 405
