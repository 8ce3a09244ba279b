"""What a question costs without Scoville: floors, and endpoints written by hand for exactly these questions.

One Starlette application, POST with the body of the question: `variables` as of `queries/plain`.

/constant/{question}      a constant body: what any answer costs
/redis/{question}         one GET of the same body
/handmade/{question}      the ideal SQL on rollups made for it (handmade.sql; Q4 and Q5: the source's tables), orjson;
                          M1: the order and its lines in one statement, one round trip
/isolated/{question}      the same in a transaction, under row-level security, by a role that owns nothing

The bodies are Scoville's own answers, so that floors send as many bytes. PEERS_BODIES: directory of their files.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import redis.asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Connection = Any
Variables = Mapping[str, Any]

POOL_SIZE = 10

BODIES = {file.stem: file.read_bytes() for file in Path(os.environ["PEERS_BODIES"]).glob("*.json")}

DASHBOARD = """
SELECT day, instances, purchases, revenue, commission
FROM handmade.campaign_day
WHERE campaign_id = $1 AND day >= $2 AND day < $3
ORDER BY day"""

LEADERBOARD = """
WITH best AS (
  SELECT influencer_id, sum(instances)::bigint AS instances, sum(purchases)::bigint AS purchases,
    sum(revenue)::bigint AS revenue, sum(paid)::bigint AS paid, sum(pending)::bigint AS pending
  FROM handmade.influencer_month
  WHERE partner_id = $1 AND month >= $2 AND month < $3
  GROUP BY influencer_id
  ORDER BY revenue DESC
  LIMIT 20
)
SELECT influencer.id, influencer.name, influencer.handle, instances, purchases, revenue, paid, pending
FROM best
JOIN influencers AS influencer ON influencer.id = best.influencer_id
ORDER BY revenue DESC"""

PIVOT = """
SELECT month, platform, campaign_id, revenue, instances
FROM handmade.pivot_month
WHERE partner_id = $1 AND month >= $2 AND month < $3
ORDER BY month, platform, campaign_id"""

CAMPAIGN = "SELECT name FROM campaigns WHERE id = $1"

CAMPAIGNS = "SELECT id, name, status FROM campaigns WHERE partner_id = $1 ORDER BY id LIMIT 50"

MEMBERS = """
SELECT member.campaign_id, influencer.id, influencer.name, influencer.handle
FROM campaign_influencers AS member
JOIN influencers AS influencer ON influencer.id = member.influencer_id
WHERE member.campaign_id = ANY($1::integer[]) AND member.position <= 20
ORDER BY member.campaign_id, member.position"""

LAST_ORDERS = """
SELECT wanted.id AS of_influencer, latest.id, latest.external_id, latest.status, latest.total_cents, latest.placed_at,
  commission.id AS commission_id, commission.status AS commission_status, commission.amount_cents
FROM unnest($1::integer[]) AS wanted (id)
CROSS JOIN LATERAL (
  SELECT id, external_id, status, total_cents, placed_at
  FROM orders
  WHERE influencer_id = wanted.id
  ORDER BY placed_at DESC, id DESC
  LIMIT 5
) AS latest
LEFT JOIN commissions AS commission ON commission.order_id = latest.id"""

INSTANCES = """
SELECT id, campaign_id, influencer_id, platform, kind, occurred_at, is_purchase, revenue_cents
FROM instances
WHERE partner_id = $1
ORDER BY occurred_at DESC
LIMIT 1000"""

INSERT = """
WITH placed AS (
  INSERT INTO orders (partner_id, campaign_id, influencer_id, external_id, status, total_cents, placed_at)
  SELECT $1, $2, $3, $4, 'completed', sum(line.quantity * line.cents), $5
  FROM unnest($7::integer[], $8::integer[]) AS line (quantity, cents)
  RETURNING id, total_cents
), lines AS (
  INSERT INTO order_lines (order_id, sku, quantity, unit_cents, revenue_cents)
  SELECT placed.id, line.sku, line.quantity, line.cents, line.quantity * line.cents
  FROM placed, unnest($6::text[], $7::integer[], $8::integer[]) AS line (sku, quantity, cents)
)
SELECT id, total_cents FROM placed"""


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


async def dashboard(connection: Connection, variables: Variables) -> Any:
    """Q1."""
    campaign = int(variables["campaign"])
    name = await connection.fetchval(CAMPAIGN, campaign)
    days = []
    sums = [0, 0, 0, 0]
    for day, *values in await connection.fetch(DASHBOARD, campaign, _day(variables["since"]), _day(variables["until"])):
        sums = [total + value for total, value in zip(sums, values, strict=True)]
        days.append({"day": day, **_measures(values)})
    return {"id": str(campaign), "name": name, "days": days, "totals": _measures(sums)}


def _measures(values: list[int]) -> dict[str, Any]:
    instances, purchases, revenue, commission = values
    return {
        "instances": instances,
        "purchases": purchases,
        "revenueCents": revenue,
        "conversionRate": _rate(purchases, instances),
        "commissionCents": commission,
    }


async def leaderboard(connection: Connection, variables: Variables) -> Any:
    """Q2."""
    rows = await connection.fetch(
        LEADERBOARD, int(variables["partner"]), _day(variables["since"]), _day(variables["until"])
    )
    return [
        {
            "influencer": {"id": str(row[0]), "name": row[1], "handle": row[2]},
            "instances": row[3],
            "purchases": row[4],
            "revenueCents": row[5],
            "conversionRate": _rate(row[4], row[3]),
            "paidCents": row[6],
            "pendingCents": row[7],
        }
        for row in rows
    ]


async def pivot(connection: Connection, variables: Variables) -> Any:
    """Q3."""
    rows = await connection.fetch(PIVOT, int(variables["partner"]), _day(variables["since"]), _day(variables["until"]))
    return [
        {"month": month, "platform": platform, "campaignId": campaign, "revenueCents": revenue, "instances": instances}
        for month, platform, campaign, revenue, instances in rows
    ]


async def graph(connection: Connection, variables: Variables) -> Any:
    """Q4: three statements."""
    campaigns = await connection.fetch(CAMPAIGNS, int(variables["partner"]))
    members = await connection.fetch(MEMBERS, [row[0] for row in campaigns])
    orders: dict[int, list[Any]] = {}
    for row in await connection.fetch(LAST_ORDERS, list({member[1] for member in members})):
        orders.setdefault(row[0], []).append(
            {
                "id": str(row[1]),
                "externalId": row[2],
                "status": row[3],
                "totalCents": row[4],
                "placedAt": row[5],
                "commission": {"id": str(row[6]), "status": row[7], "amountCents": row[8]},
            }
        )
    influencers: dict[int, list[Any]] = {}
    for campaign, number, name, handle in members:
        influencers.setdefault(campaign, []).append(
            {"id": str(number), "name": name, "handle": handle, "lastOrders": orders.get(number, [])}
        )
    return [
        {"id": str(number), "name": name, "status": status, "influencers": influencers.get(number, [])}
        for number, name, status in campaigns
    ]


async def instances(connection: Connection, variables: Variables) -> Any:
    """Q5."""
    return [
        {
            "id": str(row[0]),
            "campaignId": row[1],
            "influencerId": row[2],
            "platform": row[3],
            "kind": row[4],
            "occurredAt": row[5],
            "isPurchase": row[6],
            "revenueCents": row[7],
        }
        for row in await connection.fetch(INSTANCES, int(variables["partner"]))
    ]


async def insert(connection: Connection, variables: Variables) -> Any:
    """M1."""
    order = variables["order"]
    lines = order["lines"]
    row = await connection.fetchrow(
        INSERT,
        order["partnerId"],
        order["campaignId"],
        order["influencerId"],
        order["externalId"],
        datetime.fromisoformat(order["placedAt"]),
        [line["sku"] for line in lines],
        [line["quantity"] for line in lines],
        [line["unitCents"] for line in lines],
    )
    return {"id": str(row[0]), "totalCents": row[1]}


ANSWERS: dict[str, Callable[[Connection, Variables], Awaitable[Any]]] = {
    "q1": dashboard,
    "q2": leaderboard,
    "q3": pivot,
    "q4": graph,
    "q5": instances,
    "m1": insert,
}


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def _constant(request: Request) -> Response:
    await request.body()
    return _json(BODIES[request.path_params["question"]])


async def _redis(request: Request) -> Response:
    await request.body()
    return _json(await request.app.state.redis.get(f"body:{request.path_params['question']}"))


async def _handmade(request: Request) -> Response:
    variables = orjson.loads(await request.body())["variables"]
    async with request.app.state.pool.acquire() as connection:
        answer = await ANSWERS[request.path_params["question"]](connection, variables)
    return _json(orjson.dumps({"data": answer}))


async def _isolated(request: Request) -> Response:
    variables = orjson.loads(await request.body())["variables"]
    # Whose request it is would come from a key; the campaigns of a partner are numbered without gaps.
    partner = int(variables["partner"]) if "partner" in variables else (int(variables["campaign"]) - 1) // 50 + 1
    async with request.app.state.isolated.acquire() as connection:
        await connection.execute(f"BEGIN READ ONLY; SET LOCAL handmade.partner = '{partner}'")
        answer = await ANSWERS[request.path_params["question"]](connection, variables)
        await connection.execute("COMMIT")
    return _json(orjson.dumps({"data": answer}))


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    url = os.environ["PEERS_SOURCE"]
    app.state.redis = redis.asyncio.from_url(os.environ["PEERS_REDIS"])
    for name, body in BODIES.items():
        await app.state.redis.set(f"body:{name}", body)
    settings = {"timezone": "UTC"}
    app.state.pool = await asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE, server_settings=settings)
    app.state.isolated = await asyncpg.create_pool(
        url, min_size=1, max_size=POOL_SIZE, reset=_keep, server_settings=settings | {"role": "handmade_reader"}
    )
    yield
    await app.state.pool.close()
    await app.state.isolated.close()
    await app.state.redis.aclose()


async def _keep(connection: Connection) -> None:
    """Nothing to reset: what a transaction set ends with it."""


app = Starlette(
    lifespan=_lifespan,
    routes=[
        Route("/constant/{question}", _constant, methods=["POST"]),
        Route("/redis/{question}", _redis, methods=["POST"]),
        Route("/handmade/{question}", _handmade, methods=["POST"]),
        Route("/isolated/{question}", _isolated, methods=["POST"]),
    ],
)
