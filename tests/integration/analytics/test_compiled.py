"""The whole read schema over real rows: compiled execution answers byte for byte what graphql-core answers."""

import random
import re
from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.cache.answers import NullAnswers
from app.core.context import Role
from app.runtime import Runtime
from graphql_schema.execute import Executor, Reply
from graphql_schema.execution import texts
from graphql_schema.schema import schema
from tests.conftest import make_ctx
from tests.factories.documents import Asked, Documents
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.$])\d+')

SEEDS = range(4)
DOCUMENTS_EACH = 8

TIMES = ("2025-10-01T00:00:00Z", "2026-01-01T00:00:00+01:00", "2026-02-01T12:00:00.5Z")


def documents(store: Store, seed: int) -> Documents:
    """Documents that name the store's rows."""
    ids = [
        str(found) for table in ("influencers", "campaigns", "orders", "customers") for found in store.facts.ids(table)
    ]
    scalars = {
        "ID": lambda chance: chance.choice(ids[:40]),
        "DateTime": lambda chance: chance.choice(TIMES),
        "Date": lambda chance: "2026-01-31",
        "Decimal": lambda chance: chance.choice(("0", "12.50", "-1")),
        "BigInt": lambda chance: chance.choice((0, 7, "12")),
        "TimeZone": lambda chance: chance.choice(("Europe/London", "Asia/Kolkata")),
        "CurrencyCode": lambda chance: "GBP",
        "Duration": lambda chance: "PT1H",
    }
    return Documents(schema._schema, seed, scalars=scalars, depth=5)


def shown(reply: Reply) -> tuple[bytes, set[str]]:
    """The answer without its errors, and the errors without the ids of their logs.

    Which of the errors below one null is told depends on which statement ends first: there the null alone is.
    """
    payload = reply.payload
    found = set()
    for error in payload.pop("errors", []):
        path = error.get("path", [])
        null = _null(payload.get("data"), path)
        told = orjson.dumps(error).decode() if null == path else f"an error at or below the null {null}"
        found.add(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", told))
    return orjson.dumps(payload), found


def _null(data: Any, path: list[str | int]) -> list[str | int]:
    """Where on its way to the error the answer ends."""
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    return path


@pytest.mark.parametrize("seed", SEEDS)
async def test_same_answers_as_graphql_core(
    runtime: Runtime, store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:
        # Short lists are written as long ones are.
        monkeypatch.setattr(texts, "TEXTS_MIN", 1)
    # All errors are told: which come first depends on what ends first.
    settings = runtime.settings.model_copy(update={"errors_max": 100_000})
    uncached = replace(runtime, settings=settings, answers=NullAnswers())
    compiled, interpreted = Executor(uncached), Executor(uncached, compiles=False)
    role = random.Random(seed).choice((Role.ADMIN, Role.ANALYST, Role.STORE))
    ctx = make_ctx(store.ctx.tenant, role, now=store.ctx.now)
    found, made = 0, documents(store, seed)
    for _ in range(DOCUMENTS_EACH):
        asked: Asked = made.next()
        ours, theirs = [
            await executor.execute(ctx, document=asked.document, variables=asked.variables)
            for executor in (compiled, interpreted)
        ]
        assert shown(ours) == shown(theirs), f"{asked.document}\n{asked.variables}"
        found += ours.ending == "executed"

    assert found > DOCUMENTS_EACH // 2


def varied(document: str, chance: random.Random) -> str:
    """The document with other values of the same kinds, equal ones still equal; some of them do not fit."""
    seen: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        raw = found[0]
        if raw not in seen:
            keeps = raw.startswith('"') and chance.random() < 0.7
            seen[raw] = raw if keeps else f'"{chance.randrange(10**6)}' + raw[1:] if raw[0] == '"' else f"{int(raw)}1"
        return seen[raw]

    return VALUE.sub(other, document)


@pytest.mark.parametrize("seed", SEEDS)
async def test_known_shapes_answer_as_texts_read_for_themselves(runtime: Runtime, store: Store, seed: int) -> None:
    settings = runtime.settings.model_copy(update={"errors_max": 100_000})
    uncached = replace(runtime, settings=settings, answers=NullAnswers())
    taught, chance, made = Executor(uncached), random.Random(seed), documents(store, 100 + seed)
    for _ in range(DOCUMENTS_EACH):
        asked = made.next()
        shapes = [asked.document, *(varied(asked.document, chance) for _ in range(2))]
        for text in shapes:
            await taught.execute(store.ctx, document=text, variables=asked.variables)
        for text in shapes:
            alone = await Executor(uncached).execute(store.ctx, document=text, variables=asked.variables)
            known = await taught.execute(store.ctx, document=text, variables=asked.variables)
            assert shown(known) == shown(alone), f"{text}\n{asked.variables}"
