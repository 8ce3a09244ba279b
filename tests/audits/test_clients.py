"""Clients that people use follow a question: gql from PyPI here, those of npm by a script.

SCOVILLE_AUDITS names a folder where `npm install graphql graphql-ws graphql-sse @apollo/client @urql/core ws rxjs` was
run: these are then tried too.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from app.core.context import Ctx, Role
from app.core.words import InstanceKind
from app.main import create_app
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases.record_instances import record_instances
from app.web.graphiql import asset_paths
from tests.factories.listener import Listener, listening

pytestmark = pytest.mark.database

CLIENTS = {
    "graphql-ws",
    "graphql-sse",
    "apollo over websocket",
    "apollo over http and sse",
    "urql over websocket",
    "urql over graphql-sse",
    "urql over its own event streams",
}


@pytest.fixture
async def served(runtime: Runtime) -> AsyncIterator[Listener]:
    """The application on a socket."""
    async with listening(create_app(runtime)) as listener:
        yield listener


async def test_gql_follows(
    served: Listener, runtime: Runtime, ctx: Ctx, make_key: Callable[..., Awaitable[str]]
) -> None:
    follow = gql(
        """subscription ($every: Duration) {
          analytics(range: {last: {n: 2, unit: DAY, includeCurrent: true}}, every: $every) { totals { clicks } }
        }"""
    )
    transport = WebsocketsTransport(
        url=f"ws://{served.host}:{served.port}/graphql",
        init_payload={"authorization": f"Bearer {await make_key(Role.ADMIN)}"},
    )
    async with asyncio.timeout(20), Client(transport=transport, fetch_schema_from_transport=True) as session:
        seen = []
        follow.variable_values = {"every": "PT1S"}
        async for answer in session.subscribe(follow):
            seen.append(answer["analytics"]["totals"]["clicks"])
            if len(seen) == 3:
                break
            click = InstanceInput(kind=InstanceKind.CLICK, occurred_at=datetime.now(UTC))
            await record_instances(runtime, ctx, [click])
        assert (await session.execute(gql("{ viewer { role } }")))["viewer"] == {"role": "ADMIN"}
        follow.variable_values = {"every": "PT0.001S"}
        with pytest.raises(TransportQueryError) as refused:
            await anext(aiter(session.subscribe(follow)))

    assert seen == [0, 1, 2]
    assert refused.value.errors is not None
    assert refused.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_clients_of_npm_follow(served: Listener, make_key: Callable[..., Awaitable[str]], tmp_path: Path) -> None:
    folder, node = os.environ.get("SCOVILLE_AUDITS"), shutil.which("node")
    if folder is None or node is None or not (Path(folder) / "node_modules" / "graphql-ws").is_dir():
        pytest.skip("needs Node, and SCOVILLE_AUDITS: a folder where the clients of npm were installed")
    script = Path(shutil.copy(Path(__file__).parent / "clients.mjs", tmp_path))
    (tmp_path / "node_modules").symlink_to(Path(folder) / "node_modules")

    tried = await asyncio.to_thread(
        subprocess.run,
        [node, script.name, f"{served.url}/graphql"],
        cwd=tmp_path,
        env={"PATH": str(Path(node).parent), "SCOVILLE_KEY": await make_key()},
        capture_output=True,
        check=False,
        timeout=180,
    )

    assert tried.returncode == 0, tried.stderr.decode()
    results = orjson.loads(tried.stdout)
    assert {result["name"] for result in results} == CLIENTS
    assert [result for result in results if result["status"] != "ok"] == []


async def test_our_graphiql_follows(served: Listener, make_key: Callable[..., Awaitable[str]]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    tried = await asyncio.to_thread(
        subprocess.run,
        [node, str(Path(__file__).parent / "graphiql.mjs"), str(asset_paths()["graphiql.js"]), f"{served.url}/graphql"],
        env={"PATH": str(Path(node).parent), "SCOVILLE_KEY": await make_key()},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert tried.returncode == 0, tried.stderr.decode()
    assert orjson.loads(tried.stdout) == ["asked", 0, 1, True, "UNAUTHENTICATED"]
