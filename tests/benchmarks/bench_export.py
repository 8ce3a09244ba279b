"""A table of many rows as a file, in each format, over HTTP: rows a second, and megabytes.

The bare contender reads the same groups by a hand-written statement through the same kind of cursor, and makes nothing
of them: what the others take longer is what plan, figures, names, files and HTTP cost. A row is a click of a channel of
its own, with an influencer's id and name and three measures. Server and client share one process.

`python -m tests.benchmarks.bench_export --rows N`.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import psutil

from app.analytics.streaming import CHUNK_ROWS
from app.core.context import Ctx, Role
from app.db.owner import OwnerDatabase
from app.exports.formats import FORMATS
from app.main import create_app
from app.tenancy.service import create_key
from tests.benchmarks.stage import Stage, in_turn, report, stage
from tests.factories.clicks import add_clicks
from tests.factories.influencers import make_influencers
from tests.factories.listener import Listener, listening

ROWS = 200_000
ROUNDS = 3
INFLUENCERS = 500

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=60)
ASKED = f"""{{ analytics(range: {{between: {{from: "{START.isoformat()}", until: "{END.isoformat()}"}}}}) {{
  table(by: [{{dimension: {{name: CHANNEL}}}}, {{dimension: {{name: INFLUENCER}}}}],
    measures: [{{name: CLICKS}}, {{name: CONVERSION_RATE}}, {{name: NET_REVENUE}}]) {{ rowCount }}
}} }}"""
BARE = """SELECT channel, influencer_id, count(*) FILTER (WHERE kind = 'CLICK'),
      count(*) FILTER (WHERE kind = 'PURCHASE'), count(*)
    FROM instances
    WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
    GROUP BY channel, influencer_id
    ORDER BY channel COLLATE "C", influencer_id"""


async def read_bare(stage: Stage, ctx: Ctx) -> None:
    """Read the groups, and forget them."""
    async with stage.runtime.db.snapshot(ctx.tenant_id, timeout_s=600) as session:
        async for _ in session.stream(BARE, ctx.tenant_id, START, END, batch=CHUNK_ROWS):
            pass


async def fetch(server: Listener, key: str, accept: str, sizes: dict[str, int]) -> None:
    """Fetch the file, and forget it as it comes; its size is noted."""
    headers = {"accept": accept, "authorization": f"Bearer {key}"}
    sizes[accept] = 0
    async with (
        httpx.AsyncClient(timeout=600) as client,
        client.stream("POST", f"{server.url}/export", json={"query": ASKED}, headers=headers) as response,
    ):
        response.raise_for_status()
        async for piece in response.aiter_raw():
            sizes[accept] += len(piece)


async def measure(stage: Stage, rows: int) -> None:
    """Print rates, sizes and the process's memory."""
    ctx = await stage.new_ctx()
    influencers = await make_influencers(stage.runtime, ctx, *(f"Influencer {number}" for number in range(INFLUENCERS)))
    await add_clicks(stage.runtime.db, ctx.tenant_id, rows, start=START, by=influencers)
    async with OwnerDatabase.connected(stage.settings) as owner, owner.owner() as session:
        made = await create_key(session, tenant=ctx.tenant, role=Role.ANALYST, name="bench", now=datetime.now(UTC))
    sizes: dict[str, int] = {}
    contenders: dict[str, Callable[[], Awaitable[None]]] = {"bare cursor": partial(read_bare, stage, ctx)}
    async with listening(create_app(stage.runtime)) as server:
        for each in FORMATS:
            contenders[each.name] = partial(fetch, server, made.key, each.media_type, sizes)
        for run in contenders.values():
            await run()
        before = psutil.Process().memory_info().rss
        report(await in_turn(contenders, rounds=ROUNDS), items=rows, unit="rows", base="bare cursor")
    after = psutil.Process().memory_info().rss
    for each in FORMATS:
        print(f"{each.name:44} {sizes[each.media_type] / 1e6:12,.1f} MB")
    print(f"{'memory before and after':44} {before / 1e6:12,.0f} MB {after / 1e6:8,.0f} MB")


async def _run(rows: int) -> None:
    async with stage() as ready:
        await measure(ready, rows)


def main(args: Sequence[str] = ()) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    asyncio.run(_run(parser.parse_args(args).rows))


if __name__ == "__main__":
    main(sys.argv[1:])
