"""GraphQL over HTTP, requirement by requirement, over a real connection.

The ids and levels are those of the audits of the npm package `graphql-http`, so that a reader finds the same thing in
both; the requests and expectations are written from the specification, https://graphql.github.io/graphql-over-http.
SCOVILLE_AUDITS names a folder where `npm install graphql-http graphql` was run: the audits themselves are then run too.
"""

import asyncio
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.main import create_app
from app.runtime import Runtime
from app.web.negotiation import GRAPHQL_JSON
from app.web.responses import JSON
from tests.factories.listener import Listener, listening

pytestmark = pytest.mark.database


class Level(Enum):
    """How strongly a requirement binds. MAY: what is expected is what we chose."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Shape(Enum):
    """What the body of an answer must be."""

    DATA = "data, and no errors"
    ERRORS = "errors, and no data"


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY
DATA, ERRORS = Shape.DATA, Shape.ERRORS

BY_GET = {"5A70", "D6D5", "6A70"}
"""Operations by GET: optional, and refused, for a link or an image must not be able to ask anything."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement. body: bytes as they are, anything else as JSON. query: of the URL.

    accept, content_type: of the request; None sends none. answers: the media type expected.
    """

    id: str
    level: Level
    claim: str
    status: int = 200
    shape: Shape = DATA
    body: Any = None
    method: str = "POST"
    query: dict[str, str] | None = None
    content_type: str | None = JSON
    accept: str | None = None
    answers: str | None = None


TYPENAME = "{ __typename }"
NAMED = "query Named { __typename }"
TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
COERCED = "query Coerced($id: ID!) { __type(name: $id) { name } }"
PLAIN = {"query": TYPENAME}
TYPED = {"query": TYPE, "variables": {"name": "Viewer"}}
TYPED_BY_GET = {"query": TYPE, "variables": '{"name":"Viewer"}'}
UNREADABLE = {"query": "{"}
INVALID = {"query": "{ thereIsNoSuchField }"}
UNCOERCIBLE = {"query": COERCED, "variables": {"id": None}}


def with_(**parameters: Any) -> dict[str, Any]:
    return {"query": TYPENAME, **parameters}


def refused_values(prefix: str, parameter: str, *values: Any) -> list[Requirement]:
    """Values of the wrong kind for a parameter, numbered as the audits number them."""
    return [
        Requirement(
            f"{prefix}{number}",
            MAY,
            f"`{parameter}` of a wrong kind ({type(value).__name__}) is refused with 400",
            400,
            ERRORS,
            with_(**{parameter: value}),
        )
        for number, value in enumerate(values)
    ]


def allowed(plain_id: str, graphql_id: str, claim: str, body: Any) -> list[Requirement]:
    """A request that is answered in either media type."""
    return [
        Requirement(plain_id, MUST, f"{claim}, answered as JSON", body=body, accept=JSON, answers=JSON),
        Requirement(
            graphql_id, SHOULD, f"{claim}, answered as GraphQL", body=body, accept=GRAPHQL_JSON, answers=GRAPHQL_JSON
        ),
    ]


def refused(ids: dict[Level, tuple[str, ...]], claim: str, status: int, body: Any, accept: str) -> list[Requirement]:
    """One refusal that several audits look at."""
    return [
        Requirement(id_, level, claim, status, ERRORS, body, accept=accept, answers=accept)
        for level, named in ids.items()
        for id_ in named
    ]


def by_get(id_: str, claim: str, query: dict[str, str], *, accept: str | None = None) -> Requirement:
    """A request by GET: always refused, with what is taken instead."""
    return Requirement(id_, MAY, claim, 405, ERRORS, method="GET", query=query, accept=accept)


REQUIREMENTS = [
    # --- media types
    Requirement(
        "22EB", SHOULD, "GraphQL's own media type is spoken", body=PLAIN, accept=GRAPHQL_JSON, answers=GRAPHQL_JSON
    ),
    Requirement("4655", MUST, "JSON is spoken", body=PLAIN, accept=JSON, answers=JSON),
    Requirement("47DE", SHOULD, "who takes anything gets JSON", body=PLAIN, accept="*/*", answers=JSON),
    Requirement("80D8", SHOULD, "who says nothing gets JSON", body=PLAIN, answers=JSON),
    Requirement("82A3", MUST, "answers are UTF-8", body=PLAIN),
    Requirement(
        "BF61",
        MUST,
        "requests that say so are read as UTF-8",
        body={"query": '{ __type(name: "Käse 🌶") { name } }'},
        content_type=f"{JSON}; charset=utf-8",
    ),
    Requirement(
        "78D5", MUST, "requests that do not say are read as UTF-8", body={"query": '{ __type(name: "Käse") { name } }'}
    ),
    # --- methods and bodies
    Requirement("2C94", MUST, "POST is taken", body=PLAIN),
    Requirement("03D4", MUST, "JSON is taken", body=PLAIN, content_type=JSON),
    Requirement("9ABE", SHOULD, "a body without Content-Type is refused", 415, ERRORS, PLAIN, content_type=None),
    Requirement("A5BF", MAY, "a POST without body is refused", 400, ERRORS, b""),
    by_get("9C48", "a mutation by GET is refused", {"query": "mutation { __typename }"}, accept=GRAPHQL_JSON),
    by_get("5A70", "operations by GET are not offered", PLAIN),
    by_get("D6D5", "variables by GET are not offered, as GraphQL", TYPED_BY_GET, accept=GRAPHQL_JSON),
    by_get("6A70", "variables by GET are not offered, as JSON", TYPED_BY_GET, accept=JSON),
    # --- parameters
    Requirement("423L", MAY, "`query` must be there", 400, ERRORS, {"document": TYPENAME}),
    Requirement("8764", MAY, "a misspelt `query` is an error", 400, ERRORS, {"qeury": TYPENAME}),
    Requirement("3E3A", MAY, "a misspelt `query` is refused with 400", 400, ERRORS, {"qeury": TYPENAME}),
    *refused_values("LKJ", "query", {"an": "object"}, 0, False, ["list"]),
    *refused_values("6C0", "operationName", {"an": "object"}, 0, False, ["list"]),
    *refused_values("476", "variables", "text", 0, False, ["list"]),
    *refused_values("58B", "extensions", "text", 0, False, ["list"]),
    *allowed("13EE", "34A2", "`query` is text", PLAIN),
    *allowed("B8B3", "8161", "`operationName` is text", {"query": NAMED, "operationName": "Named"}),
    *allowed("0220", "94B0", "`variables` may be null", with_(variables=None)),
    *allowed("0221", "94B1", "`operationName` may be null", with_(operationName=None)),
    *allowed("0222", "94B2", "`extensions` may be null", with_(extensions=None)),
    *allowed("28B9", "2EA1", "`variables` may be an object", TYPED),
    *allowed("1B7A", "428F", "`extensions` may be an object", with_(extensions={"any": "thing"})),
    # --- refusals
    *refused({MAY: ("B6DC",), SHOULD: ("BCF8",)}, "what is no JSON is 400, as JSON", 400, b'{ "not', JSON),
    *refused({SHOULD: ("B7N8",)}, "what is no JSON is 400, as GraphQL", 400, b'{ "not', GRAPHQL_JSON),
    *refused({SHOULD: ("572B",)}, "an unreadable document is 200, as JSON", 200, UNREADABLE, JSON),
    *refused({SHOULD: ("FDE2",)}, "an invalid document is 200, as JSON", 200, INVALID, JSON),
    *refused({SHOULD: ("7B9B",)}, "variables that do not fit are 200, as JSON", 200, UNCOERCIBLE, JSON),
    *refused({SHOULD: ("865D", "556A", "D586")}, "an unreadable document is 400", 400, UNREADABLE, GRAPHQL_JSON),
    *refused({SHOULD: ("51FE", "74FF", "5E5B")}, "an invalid document is 400", 400, INVALID, GRAPHQL_JSON),
    *refused({SHOULD: ("86EE",)}, "variables that do not fit are 400", 400, UNCOERCIBLE, GRAPHQL_JSON),
]  # fmt: skip


@pytest.fixture(scope="module")
async def served(runtime: Runtime) -> AsyncIterator[Listener]:
    """Where the application answers."""
    async with listening(create_app(runtime)) as listener:
        yield listener


def test_every_audit_has_its_row() -> None:
    assert len({requirement.id for requirement in REQUIREMENTS}) == len(REQUIREMENTS)
    assert Counter(requirement.level for requirement in REQUIREMENTS) == {MUST: 13, SHOULD: 23, MAY: 25}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.id)
async def test_requirement_is_met(
    served: Listener, make_key: Callable[..., Awaitable[str]], requirement: Requirement
) -> None:
    headers = {"authorization": f"Bearer {await make_key()}"}
    if requirement.content_type is not None and requirement.method == "POST":
        headers["content-type"] = requirement.content_type
    content = requirement.body if isinstance(requirement.body, bytes) else orjson.dumps(requirement.body)
    async with httpx.AsyncClient(base_url=served.url) as client:
        del client.headers["accept"]
        if requirement.accept is not None:
            client.headers["accept"] = requirement.accept
        response = await client.request(
            requirement.method,
            "/graphql",
            params=requirement.query,
            content=content if requirement.method == "POST" else None,
            headers=headers,
        )

    kind, _, charset = response.headers["content-type"].partition("; ")
    payload = orjson.loads(response.content.decode("utf-8"))
    assert response.status_code == requirement.status, requirement.claim
    assert charset == "charset=utf-8"
    assert kind == (requirement.answers or JSON), requirement.claim
    assert (response.headers.get("allow") == "POST") == (requirement.status == 405)
    assert ("data" in payload) == (requirement.shape is DATA), payload
    assert ("errors" in payload) == (requirement.shape is ERRORS), payload


async def test_package_agrees(served: Listener, make_key: Callable[..., Awaitable[str]], tmp_path: Path) -> None:
    folder, node = os.environ.get("SCOVILLE_AUDITS"), shutil.which("node")
    if folder is None or node is None:
        pytest.skip("needs Node, and SCOVILLE_AUDITS: a folder where `npm install graphql-http graphql` was run")
    script = Path(shutil.copy(Path(__file__).parent / "graphql_http.mjs", tmp_path))
    (tmp_path / "node_modules").symlink_to(Path(folder) / "node_modules")

    audited = await asyncio.to_thread(
        subprocess.run,
        [node, script.name, f"{served.url}/graphql"],
        cwd=tmp_path,
        env={"PATH": str(Path(node).parent), "SCOVILLE_KEY": await make_key()},
        capture_output=True,
        check=True,
    )

    results = orjson.loads(audited.stdout)
    levels = {requirement.id: requirement.level.value for requirement in REQUIREMENTS}
    assert {result["id"]: result["name"].split()[0] for result in results} == levels
    assert {result["id"] for result in results if result["status"] != "ok"} == BY_GET
