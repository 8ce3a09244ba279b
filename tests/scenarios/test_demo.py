"""`scoville demo` as a process: one line when it is ready, an answer for each key, a quiet end, a quick return."""

import json
import re
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.factories.commands import COMMAND, clean_environment
from tests.integration.test_embedded import servers_in

pytestmark = pytest.mark.embedded

READY_S_MAX = 60.0
"""Seconds of a first start on a busy machine; on an idle one about 6."""

README = Path(__file__).parents[2] / "README.md"

TOTALS = """{ viewer { role tenantName }
  analytics(range: {last: {n: 3, unit: MONTH}}) { totals { orders netRevenue commission clicks } } }"""


class Demo:
    """A running demo."""

    def __init__(self, data_dir: Path, log: Path, *arguments: str) -> None:
        with log.open("ab") as written:
            self.process = subprocess.Popen(
                [*COMMAND, "demo", "--port", "0", "--data-dir", str(data_dir), *arguments],
                env=clean_environment(),
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            )
        # A demo that is never ready is ended, and with it the read of its first line.
        late = threading.Timer(READY_S_MAX, self.process.kill)
        late.start()
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        late.cancel()

    def ready(self) -> dict[str, Any]:
        """What it printed."""
        found: dict[str, Any] = json.loads(self.line)
        return found

    def ask(self, role: str, document: str) -> Any:
        """The whole answer to a role's query."""
        found = self.ready()
        headers = {"authorization": f"Bearer {found['keys'][role]}"}
        return httpx.post(found["graphql"], json={"query": document}, headers=headers, timeout=20).json()

    def stop(self, by: signal.Signals) -> str:
        """The rest of its output, once it has ended in order."""
        self.process.send_signal(by)
        rest, _ = self.process.communicate(timeout=40)
        assert self.process.returncode == 0
        return rest


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos in one data directory; ends those that a test left."""
    started: list[Demo] = []

    def starting(*arguments: str) -> Demo:
        started.append(Demo(tmp_path / "demo", tmp_path / "log", *arguments))
        return started[-1]

    yield starting
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.communicate(timeout=40)


def test_it_serves_each_role_stops_and_comes_back(start: Callable[..., Demo], tmp_path: Path) -> None:
    demo = start("--json")

    found = demo.ready()
    assert set(found) == {"url", "graphql", "keys", *found["keys"]}
    assert {role: found[role] for role in found["keys"]} == found["keys"]
    assert found["graphql"] == f"{found['url']}/graphql"
    assert list(found["keys"]) == ["admin", "analyst", "finance", "store", "influencer"]
    assert httpx.get(f"{found['url']}/readyz", timeout=10).status_code == 200
    answers = {role: demo.ask(role, TOTALS) for role in ("admin", "analyst", "influencer")}
    whole = answers["admin"]["data"]["analytics"]["totals"]
    assert answers["admin"]["data"]["viewer"] == {"role": "ADMIN", "tenantName": "Scoville demo"}
    assert answers["analyst"]["data"]["analytics"]["totals"] == whole
    assert float(whole["orders"]) > 100, "the last months have orders"
    own = answers["influencer"]["data"]["analytics"]["totals"]
    assert 0 < float(own["orders"]) < float(whole["orders"])
    assert 0 < float(own["commission"]) < float(whole["commission"])
    own_orders = demo.ask("influencer", "{ orders(first: 3) { edges { node { externalId } } } }")
    assert len(own_orders["data"]["orders"]["edges"]) == 3
    last = demo.ask("store", "{ orders(first: 1) { edges { node { externalId occurredAt } } } }")
    assert last["data"]["orders"]["edges"]
    owed = demo.ask("finance", "{ payoutBatches(where: {state: [DRAFT]}) { nodes { total items { totalCount } } } }")
    assert owed["data"]["payoutBatches"]["nodes"], "something is left to be approved"
    refused = demo.ask("store", TOTALS)
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"FORBIDDEN"}

    documents = re.findall(r"```graphql\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(documents) >= 3
    assert ["errors" in demo.ask("analyst", document) for document in documents] == [False] * len(documents)

    kept = tmp_path / "demo" / "demo.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert demo.stop(signal.SIGTERM) == "", "one line is all that a script reads"
    assert servers_in(tmp_path / "demo") == []

    again = start("--json")

    assert again.ready()["keys"] == found["keys"]
    assert again.ask("analyst", TOTALS)["data"]["analytics"]["totals"] == whole
    again.stop(signal.SIGINT)
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "sk_live_" not in log


def test_people_get_a_line_to_copy(start: Callable[..., Demo]) -> None:
    demo = start()
    assert demo.process.stdout is not None
    shown = [demo.line]
    while not shown[-1].startswith("curl"):
        shown.append(demo.process.stdout.readline())
        assert shown[-1], "it ended before it was ready"

    done = subprocess.run(["sh", "-c", shown[-1]], capture_output=True, text=True, timeout=30, check=True)

    totals = json.loads(done.stdout)["data"]["analytics"]["totals"]
    assert float(totals["netRevenue"]) > 10_000
    assert sum("sk_live_" in line for line in shown) == 6
    demo.stop(signal.SIGINT)
