"""Law: one use case, one function, one transaction, whichever door it came through.

Every mutation of the schema is sent with several items and an idempotency key, and what its connections were told is
read: one transaction that writes, committed. Only the door and what moves deltas may open one at all. (Calls that share
a transaction: test_together.py.)
"""

import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery

from app.core.context import Role
from app.db.connection import Connection
from app.db.opening import Opening
from app.db.pool import Pool
from app.main import create_app
from app.runtime import Runtime
from graphql_schema.schema import schema
from tests.client import Client
from tests.factories.messages import commands_of
from tests.invariants.source import ROOT, python_files
from tests.invariants.test_tenancy import INPUTS, MUTATIONS, RESULTS, root_fields, victim_writes

FIELD = re.compile(r"\{ (\w+)\(input: \$input\)")


@contextmanager
def transactions(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """How transactions that may write began and ended, in order."""
    seen: list[str] = []
    reading: set[int] = set()
    listening: dict[int, Callable[[LoggedQuery], None]] = {}
    take, give, give_open, send_ahead = Pool.take, Pool.give, Pool.give_open, Connection.send_ahead

    def told(connection: Connection, word: str) -> None:
        if word.startswith("BEGIN") and "READ ONLY" in word:
            reading.add(id(connection))
        elif word in ("COMMIT", "ROLLBACK") and id(connection) in reading:
            reading.remove(id(connection))
        elif word.startswith("BEGIN") or word in ("COMMIT", "ROLLBACK"):
            seen.append(word)

    async def taken(pool: Pool, opening: Opening | None = None) -> Connection:
        given = await take(pool, opening)
        if given.open_as is not None:
            reading.add(id(given))
        listening[id(given)] = lambda query: told(given, query.query)
        given.add_query_logger(listening[id(given)])
        return given

    def sent_ahead(connection: Connection, message: bytes) -> None:
        for word in commands_of(message):
            told(connection, word)
        send_ahead(connection, message)

    def listen_no_more(connection: Connection) -> None:
        # What the pool ends by itself, nobody has taken.
        logger = listening.pop(id(connection), None)
        if logger is not None:
            connection.remove_query_logger(logger)

    def given_back(pool: Pool, connection: Connection, *, is_clean: bool) -> None:
        listen_no_more(connection)
        give(pool, connection, is_clean=is_clean)

    def given_back_open(pool: Pool, connection: Connection, opening: Opening) -> None:
        listen_no_more(connection)
        give_open(pool, connection, opening)

    with patch.context() as patched:
        patched.setattr(Pool, "take", taken)
        patched.setattr(Pool, "give", given_back)
        patched.setattr(Pool, "give_open", given_back_open)
        patched.setattr(Connection, "send_ahead", sent_ahead)
        yield seen


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation that was sent: the transactions that it opened, and what became of its items."""

    field: str
    transactions: tuple[str, ...]
    outcomes: tuple[str, ...]


class Watched(Client):
    """Notes of each mutation what it did in the database."""

    def __init__(self, app: Any, key: str, patch: pytest.MonkeyPatch) -> None:
        super().__init__(app, key)
        self.patch = patch
        self.calls: list[Call] = []

    async def query(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The whole answer."""
        if not document.startswith("mutation"):
            return await super().query(document, variables, **more)
        (field,) = FIELD.findall(document)
        with transactions(self.patch) as seen:
            answer = await super().query(document, variables, **more)
        assert "errors" not in answer, answer
        results = answer["data"][field]["results"]
        self.calls.append(Call(field, tuple(seen), tuple(result["outcome"] for result in results)))
        return answer


CALLING_OUT = {"onboardPayoutMethods"}
"""Ask a provider between what they read and what they write: no transaction waits for an outsider."""

OTHERS_KEYS = {"requestPayouts", "returnPayoutItems", "recordInvoicePayments"}
"""Write nothing here: the one is for influencers' keys, the next for payments by a provider, the last for what was
invoiced. See test_payouts_api.py, integration/payouts and integration/money/test_api.py."""


REHEARSED = {"recomputeAttribution", "recomputeCommissions"}
"""Without the mark of a preview they are one: all is done, and undone."""


@pytest.mark.database
async def test_every_mutation_is_one_transaction(
    runtime: Runtime, make_key: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Watched(create_app(runtime), await make_key(Role.ADMIN), monkeypatch) as client:
        known = await victim_writes(client, second=await make_key(Role.ADMIN))
        for field in (field for field in MUTATIONS if field not in CALLING_OUT):
            given = MUTATIONS[field](known)
            twice = {name: [*value, *value] if isinstance(value, list) else value for name, value in given.items()}
            kind = INPUTS.get(field) or f"{field[0].upper()}{field[1:]}Input"
            await client.query(
                f"mutation($input: {kind}!) {{ {field}(input: $input) {{ {RESULTS} }} }}",
                {"input": {**twice, "idempotencyKey": field}},
            )

    rehearsed = [call for call in client.calls if call.field in REHEARSED]
    assert [call.transactions for call in rehearsed] == [("BEGIN", "ROLLBACK")] * len(REHEARSED)
    others = [call for call in client.calls if call.field not in REHEARSED]
    assert [call for call in others if call.transactions != ("BEGIN", "COMMIT")] == []
    written = {call.field for call in client.calls if "RECORDED" in call.outcomes}
    assert written == root_fields(schema.mutation) - CALLING_OUT - OTHERS_KEYS


def test_every_mutation_is_one_function_of_its_own_file() -> None:
    names = {field: re.sub(r"([A-Z])", r"_\1", field).lower() for field in root_fields(schema.mutation)}

    assert {
        name
        for name in names.values()
        if not inspect.iscoroutinefunction(getattr(importlib.import_module(f"app.usecases.{name}"), name, None))
    } == set()


def test_nothing_else_opens_a_transaction_that_writes() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in python_files("app", "graphql_schema")
        if re.search(r"\bdb\.write\(", path.read_text(encoding="utf-8"))
    }

    assert found == {
        "app/usecases/door.py",
        "app/usecases/together.py",
        # The worker's, and providers' messages: no key asked for them.
        "app/usecases/unattended.py",
        # They move what a use case wrote, or forget what is kept for repetitions.
        "app/analytics/rollups/fold.py",
        "app/analytics/rollups/record.py",
        "app/analytics/rollups/rebuild.py",
        "app/ledger/balances.py",
        "app/worker.py",
    }
