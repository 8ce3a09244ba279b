"""kill -9 of the worker during payouts, at each point of a call and at any time: everybody is paid, nobody twice."""

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.core.clock import SystemClock
from app.core.context import Ctx
from app.core.payout_words import PayoutProviderName
from app.runtime import Runtime
from app.settings import Settings
from tests.factories.commands import COMMAND, environment_of
from tests.factories.orders import Look, ProgramRows
from tests.factories.payouts import Payouts
from tests.fakes.paypal import FakePayPal
from tests.fakes.server import FakeServer
from tests.fakes.stripe import FakeStripe
from tests.fakes.tipalti import FakeTipalti

pytestmark = pytest.mark.database

PATIENCE_S = 90.0
"""Seconds until everybody must have been paid, whatever was killed meanwhile. No claim about speed."""

PAYEES = 12

REFERENCES = {
    PayoutProviderName.STRIPE: "acct_{}",
    PayoutProviderName.PAYPAL: "payee{}@example.com",
    PayoutProviderName.TIPALTI: "payee{}",
}


class Worker:
    """`scoville worker` as a process that is killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "worker"], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self.is_running:
            assert self._process is not None
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self.kills += 1

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None


class KillAt:
    """Kills the worker when something happens for the n-th time from now on."""

    def __init__(self, worker: Worker, nth: int) -> None:
        self._worker = worker
        self._left = nth

    def __call__(self) -> bool:
        """It happened; whether that was the time."""
        self._left -= 1
        if self._left == 0:
            self._worker.kill()
        return self._left == 0


POINTS = ("on_arrival", "on_paid", "on_replied")

CALLS = [
    # Each provider at a point of its own; the other points take longer than they are worth every time.
    pytest.param(provider, point, id=f"{provider}-{point}", marks=[] if number == at else [pytest.mark.slow])
    for number, provider in enumerate(REFERENCES)
    for at, point in enumerate(POINTS)
]


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> PayoutProviderName:
    """By whom influencers are paid."""
    chosen: PayoutProviderName = request.param
    return chosen


@pytest.fixture
def server(provider: PayoutProviderName) -> Iterator[FakeServer]:
    """The provider's server."""
    makers: dict[PayoutProviderName, Callable[[], FakeServer]] = {
        PayoutProviderName.STRIPE: FakeStripe,
        PayoutProviderName.PAYPAL: FakePayPal,
        PayoutProviderName.TIPALTI: FakeTipalti,
    }
    with makers[provider]() as made:
        yield made


@pytest.fixture
def worker(payouts: Payouts, settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    """A worker that looks every moment, and gives up what it does not hear of soon."""
    accounts = payouts.runtime.settings.payout_accounts
    assert accounts is not None
    environment = environment_of(settings) | {
        "SCOVILLE_PAYOUT_ACCOUNTS": accounts.get_secret_value(),
        "SCOVILLE_PAYOUT_INTERVAL_S": "0.1",
        "SCOVILLE_PAYOUT_LEASE_S": "1.5",
        "SCOVILLE_PAYOUT_ASK_S": "0.2",
        "SCOVILLE_PAYOUT_CALL_TIMEOUT_S": "0.7",
    }
    made = Worker(environment, tmp_path / "worker.log")
    yield made
    made.kill()


@pytest.fixture
async def payouts(
    runtime: Runtime,
    admin: "asyncpg.Pool[Any]",
    ctx: Ctx,
    server: FakeServer,
    provider: PayoutProviderName,
) -> Payouts:
    """An approved batch of a dozen payouts."""
    made = Payouts(runtime, ctx, ProgramRows(runtime.db, admin, ctx), Look(runtime.db, ctx))
    made.clock.at = SystemClock().now()
    account: Any = server
    made.with_accounts(**{provider.value.lower(): account.account()})
    for number in range(PAYEES):
        await made.payee(100 + number, provider=provider, reference=REFERENCES[provider].format(number))
    await made.approved(provider)
    return made


async def until(holds: Callable[[], bool], deadline: float) -> None:
    """Wait until it holds."""
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(("provider", "point"), CALLS, indirect=["provider"])
async def test_killed_during_a_call_pays_everybody_once(
    payouts: Payouts, server: FakeServer, worker: Worker, provider: PayoutProviderName, point: str
) -> None:
    """Before the provider does anything, when it has paid and not replied, and when it has replied and nothing is
    written of that yet. Then once more, soon after it called again: also between what is written and called."""
    dice = random.Random(f"{provider.value} {point}")
    deadline = time.monotonic() + PATIENCE_S
    setattr(server, point, KillAt(worker, dice.randint(1, 9) if provider is PayoutProviderName.STRIPE else 1))
    worker.start()
    await until(lambda: not worker.is_running, deadline)
    setattr(server, point, None)
    assert worker.kills == 1
    heard = len(server.calls)
    worker.start()
    await until(lambda: len(server.calls) > heard, deadline)
    await asyncio.sleep(dice.random() / 5)
    worker.kill()
    worker.start()
    while set(await payouts.states()) - {"SENT", "SUCCEEDED"}:
        assert time.monotonic() < deadline, await payouts.states()
        await asyncio.sleep(0.1)
    settle(server)
    while set(await payouts.states()) != {"SUCCEEDED"}:
        assert time.monotonic() < deadline, await payouts.states()
        await asyncio.sleep(0.1)
    worker.kill()
    assert worker.kills == 3
    assert len(server.paid) == PAYEES
    assert set(server.paid.values()) == {1}, "somebody was paid twice"
    total = sum(100 + number for number in range(PAYEES))
    accounts = await payouts.accounts()
    assert accounts["EXPENSE", "GBP"] == total
    assert accounts["PAID", "GBP"] + accounts.get(("FEES", "GBP"), 0) == -total
    assert ("PAYING", "GBP") not in accounts
    assert ("PAYABLE", "GBP") not in accounts
    payments = await payouts.look.rows("payout_payments")
    assert len({row["item_id"] for row in payments}) == len(payments) == PAYEES
    assert await payouts.batch_state() == "DONE"
    assert set(await payouts.commissions()) == {"PAID"}


def settle(server: FakeServer) -> None:
    """The provider pays what it took."""
    if isinstance(server, FakePayPal):
        for batch_id in server.batches:
            server.settle(batch_id)
    if isinstance(server, FakeTipalti):
        server.orders = dict.fromkeys(server.orders, "Paid")
