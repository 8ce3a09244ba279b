"""Keys: nobody gets past the door without one, and a revoked one is shut out at the next request."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
import structlog

from app.cache.keys import NullKeyEpochs
from app.core.context import Role, TenantInfo
from app.core.ids import new_id
from app.db.owner import OwnerDatabase
from app.errors import OutsideError
from app.main import create_app
from app.runtime import Runtime
from app.settings import Settings
from app.tenancy.queries import find_principal
from app.tenancy.service import create_tenant, hash_key, revoke_key
from app.web.auth import Authenticator
from app.web.errors import EdgeError
from tests.client import Client

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
UNKNOWN = "sk_live_" + "0" * 32
SERIES = """
    { analytics(range: { last: { count: 30, unit: DAY } }) { series(every: DAY) { localDate measures { orders } } } }"""


async def revoke(runtime: Runtime, owner: OwnerDatabase, key: str) -> None:
    """What `scoville keys revoke` does."""
    principal = await find_principal(runtime.db, hash_key(key))
    assert principal is not None
    async with owner.owner() as session:
        await revoke_key(session, key_id=principal.key_id, now=datetime.now(UTC))
    await runtime.key_epochs.bump()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic c2NvdmlsbGU6",
        "Bearer x",
        f"Bearer {UNKNOWN}",
        f"Bearer {UNKNOWN}0",
        f"Bearer {UNKNOWN[:-1]}",
        f"Bearer sk_live_{'ü' * 32}",
        "Bearer sk_live_" + "0" * 31 + "'",
        f"Bearer {UNKNOWN} {UNKNOWN}",
        UNKNOWN,
    ],
)
async def test_without_a_known_key_nothing_is_read(client: Client, header: str | None) -> None:
    headers: dict[str, str | bytes] = {} if header is None else {"authorization": header.encode()}

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    response = await client.http.post("/graphql", content=unread(), headers=headers)  # type: ignore[arg-type]

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="scoville"')
    assert ("invalid_token" in response.headers["www-authenticate"]) == (header or "").startswith("Bearer ") * bool(
        (header or "")[7:]
    )
    (error,) = orjson.loads(response.content)["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_garbage_is_401_before_it_is_400(client: Client) -> None:
    for body in (b"{", b"[" * 50_000, orjson.dumps({"query": "{"}), orjson.dumps({"query": "{ __schema { types } }"})):
        assert (await client.post(body, key=None)).status_code == 401


async def test_scheme_is_read_in_any_case(client: Client) -> None:
    response = await client.post(
        {"query": "{ __typename }"}, key=None, headers={"authorization": f"bearer {client.key}"}
    )

    assert response.status_code == 200


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.STORE])
async def test_key_opens_its_tenant_in_its_role(
    client: Client, make_key: MakeKey, tenant: TenantInfo, role: Role
) -> None:
    data = await client.data("{ viewer { tenantName role influencerId } }", key=await make_key(role))

    assert data["viewer"] == {"tenantName": tenant.name, "role": role.name, "influencerId": None}


async def test_influencers_key_names_its_influencer(client: Client, make_key: MakeKey) -> None:
    influencer_id = new_id()

    key = await make_key(Role.INFLUENCER, influencer_id=influencer_id)
    data = await client.data("{ viewer { role influencerId } }", key=key)

    assert data["viewer"] == {"role": "INFLUENCER", "influencerId": str(influencer_id)}


async def test_test_key_opens_the_twin(client: Client, make_key: MakeKey, owner: OwnerDatabase) -> None:
    async with owner.owner() as session:
        live, twin = await create_tenant(
            session, name=f"pair {new_id()}", reporting_zone="UTC", currency="EUR", now=datetime.now(UTC)
        )
    keys = {False: await make_key(of=live), True: await make_key(of=twin)}

    for is_test, key in keys.items():
        assert key.startswith("sk_test_" if is_test else "sk_live_")
        data = await client.data("{ viewer { isTest tenantName } }", key=key)
        assert data["viewer"] == {"isTest": is_test, "tenantName": live.name}


async def test_revoked_key_is_shut_out_at_the_next_request(
    client: Client, make_key: MakeKey, runtime: Runtime, owner: OwnerDatabase
) -> None:
    key = await make_key()
    for _ in range(3):
        assert (await client.post({"query": "{ __typename }"}, key=key)).status_code == 200

    await revoke(runtime, owner, key)

    assert (await client.post({"query": "{ __typename }"}, key=key)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        orjson.dumps({"query": "{ nothing }"}),
        orjson.dumps({"query": SERIES}),
        orjson.dumps(
            {"query": 'mutation { createCampaigns(input: { items: [{ name: "late" }] }) { outcomes { __typename } } }'}
        ),
    ],
    ids=["malformed", "refused", "kept", "mutation"],
)
async def test_revoked_key_is_told_nothing_whatever_it_sends(
    client: Client,
    make_key: MakeKey,
    runtime: Runtime,
    owner: OwnerDatabase,
    body: bytes,
    count_statements: Callable[[], Any],
) -> None:
    key = await make_key()
    answers = [(await client.post(body, key=key)).content for _ in range(4)]

    await revoke(runtime, owner, key)
    with count_statements() as statements:
        response = await client.post(body, key=key)

    assert response.status_code == 401
    assert response.content not in answers
    assert answers[2] == answers[3]
    assert ["tenancy.find_principal" in statement for statement in statements] == [True]


async def test_other_processes_feel_a_revocation_too(
    settings: Settings, client: Client, make_key: MakeKey, runtime: Runtime, owner: OwnerDatabase
) -> None:
    key = await make_key()
    async with Client(create_app(runtime), key) as other:
        assert (await other.post({"query": "{ __typename }"})).status_code == 200
        assert (await client.post({"query": "{ __typename }"}, key=key)).status_code == 200

        await revoke(runtime, owner, key)

        assert (await other.post({"query": "{ __typename }"})).status_code == 401
        assert (await client.post({"query": "{ __typename }"}, key=key)).status_code == 401


async def test_remembered_principal_costs_no_statement(
    client: Client, count_statements: Callable[[], Any], runtime: Runtime
) -> None:
    assert await runtime.key_epochs.current() is not None, "these tests have a Redis"
    with count_statements() as first:
        await client.data("{ viewer { role } }")
    with count_statements() as second:
        await client.data("{ viewer { role } }")

    assert ["tenancy.find_principal" in statement for statement in first] == [True]
    assert second == []


async def test_without_redis_a_principal_is_remembered_for_a_second(
    runtime: Runtime, make_key: MakeKey, owner: OwnerDatabase
) -> None:
    now_s = 100.0
    alone = dataclasses.replace(runtime, key_epochs=NullKeyEpochs())
    authenticator = Authenticator(alone, time_s=lambda: now_s)
    key = await make_key()
    await authenticator.authenticate(f"Bearer {key}")
    await revoke(alone, owner, key)

    now_s += runtime.settings.key_cache_s - 0.01
    await authenticator.authenticate(f"Bearer {key}")
    now_s += 0.02
    with pytest.raises(EdgeError) as refused:
        await authenticator.authenticate(f"Bearer {key}")
    assert refused.value.status == 401


async def test_epoch_is_read_before_the_look_up(runtime: Runtime, make_key: MakeKey, owner: OwnerDatabase) -> None:
    class Epochs(NullKeyEpochs):
        """Revokes the key right after it was told the epoch, as another process might."""

        def __init__(self) -> None:
            self.epoch = 0

        async def current(self) -> str:
            return str(self.epoch)

        async def bump(self) -> bool:
            self.epoch += 1
            return True

    epochs = Epochs()
    authenticator = Authenticator(dataclasses.replace(runtime, key_epochs=epochs))
    key = await make_key()

    principal = await authenticator.authenticate(f"Bearer {key}")
    async with owner.owner() as session:
        await revoke_key(session, key_id=principal.key_id, now=datetime.now(UTC))
    await authenticator.authenticate(f"Bearer {key}")  # not told yet: still remembered
    await epochs.bump()

    with pytest.raises(EdgeError):
        await authenticator.authenticate(f"Bearer {key}")


async def test_remembered_principals_are_bounded(
    runtime: Runtime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch, count_statements: Callable[[], Any]
) -> None:
    monkeypatch.setattr("app.web.auth.REMEMBERED_MAX", 2)
    authenticator = Authenticator(runtime)
    keys = [await make_key() for _ in range(4)]
    for key in keys:
        await authenticator.authenticate(f"Bearer {key}")

    looked_up = []
    for key in reversed(keys):
        with count_statements() as statements:
            await authenticator.authenticate(f"Bearer {key}")
        looked_up.append(len(statements))

    assert looked_up == [0, 0, 1, 1]


async def test_database_away_is_503_and_not_401(client: Client, runtime: Runtime, make_key: MakeKey) -> None:
    class Away:
        def directory(self) -> Any:
            raise OutsideError("The database is not reachable.", retryable=True)

    away = dataclasses.replace(runtime, db=Away())  # type: ignore[arg-type]
    async with Client(create_app(away), UNKNOWN) as cut_off:
        response = await cut_off.post({"query": "{ __typename }"})

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert orjson.loads(response.content)["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}


async def test_log_line_names_the_key_by_its_id_and_never_shows_it(client: Client, make_key: MakeKey) -> None:
    key = await make_key()
    secret = "canary-4711"

    with structlog.testing.capture_logs() as logs:
        await client.query(
            f'query Q($name: String!) {{ a: __type(name: $name) {{ name }} b: __type(name: "{secret}") {{ name }} }}',
            {"name": secret},
            key=key,
        )
        await client.post({"query": f"{{ {secret} }}"}, key=UNKNOWN)

    assert [entry["status"] for entry in logs if entry["event"] == "request_finished"] == [200, 401]
    assert str(UUID(logs[0]["key_id"])) == logs[0]["key_id"]
    assert logs[0]["route"] == "/graphql"
    assert logs[0]["kind"] == "query"
    for hidden in (key, UNKNOWN, secret, "Bearer"):
        assert hidden not in str(logs)


async def test_keys_are_stored_as_hashes_alone(make_key: MakeKey, admin: "asyncpg.Pool[Any]") -> None:
    key = await make_key()

    row = await admin.fetchrow("SELECT * FROM api_keys WHERE key_hash = $1", hash_key(key))

    assert row is not None
    assert key[8:] not in str(dict(row))
