"""Instances: recorded once, filled in from their link or code, refused alone, and counted at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from app.analytics.rollups.fold import fold
from app.analytics.rollups.verify import verify
from app.campaigns.inputs import CampaignInput
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import InstanceKind, Platform
from app.customers.inputs import CustomerInput
from app.errors import DomainError
from app.runtime import Runtime
from app.tracking.inputs import CodeInput, InstanceInput, LinkInput
from app.usecases.create_campaigns import create_campaigns
from app.usecases.create_codes import create_codes
from app.usecases.create_links import create_links
from app.usecases.record_instances import record_instances
from app.usecases.upsert_customers import upsert_customers
from tests.conftest import add_tenant, make_ctx
from tests.factories.influencers import make_influencer
from tests.factories.orders import NOON, Look
from tests.factories.outcomes import summary
from tests.invariants.test_notes import Noted

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"

CLICK = InstanceInput(InstanceKind.CLICK, NOON)


@dataclass(frozen=True, slots=True)
class Offers:
    """What two influencers have. link, code: Ana's, for the campaign; elsewhere: her link of another campaign."""

    ana: UUID
    bo: UUID
    campaign: UUID
    other_campaign: UUID
    link: UUID
    elsewhere: UUID
    bos_link: UUID
    slug: str


@pytest.fixture
async def offers(runtime: Runtime, ctx: Ctx) -> Offers:
    """A small program, and a customer."""

    def ids(outcomes: tuple[ItemOutcome, ...]) -> list[UUID]:
        return [outcome.id for outcome in outcomes if outcome.id is not None]

    ana, bo = await make_influencer(runtime, ctx, "Ana"), await make_influencer(runtime, ctx, "Bo")
    spring, autumn = ids(
        await create_campaigns(
            runtime, ctx, [CampaignInput(name, NOON, Decimal("0.1")) for name in ("Spring", "Autumn")]
        )
    )
    slug = f"ana-{new_id().hex}"
    link, elsewhere, bos_link = ids(
        await create_links(
            runtime,
            ctx,
            [
                LinkInput(ana, "https://shop.example", spring, slug, Platform.TIKTOK, utm_medium="social"),
                LinkInput(ana, "https://shop.example", autumn),
                LinkInput(bo, "https://shop.example"),
            ],
        )
    )
    await create_codes(runtime, ctx, [CodeInput(ana, "SPICY20", spring, Platform.PODCAST), CodeInput(bo, "HOT")])
    await upsert_customers(runtime, ctx, [CustomerInput("ann")])
    return Offers(ana, bo, spring, autumn, link, elsewhere, bos_link, slug)


async def stored(look: Look) -> list[dict[str, Any]]:
    """The tenant's instances, in order of their times."""
    return await look.rows("instances", order="occurred_at, id")


async def test_a_link_says_whose_and_where_a_click_was(runtime: Runtime, ctx: Ctx, look: Look, offers: Offers) -> None:
    by_id = replace(CLICK, link_id=offers.link, visitor_id="v-1", click_id="c-1", customer="ann", country="gb")
    by_slug = replace(CLICK, link_slug=offers.slug, occurred_at=NOON + timedelta(seconds=1))

    outcomes = await record_instances(runtime, ctx, [by_id, by_slug])

    assert summary(outcomes) == [("RECORDED", None, ())] * 2
    one, two = await stored(look)
    names = ("id", "kind", "influencer_id", "campaign_id", "link_id", "platform", "channel", "code")
    implied = (offers.ana, offers.campaign, offers.link, "TIKTOK", "social", None)
    assert tuple(one[name] for name in names) == (outcomes[0].id, "CLICK", *implied)
    assert tuple(two[name] for name in names) == (outcomes[1].id, "CLICK", *implied)
    (customer,) = await look.rows("customers")
    assert (one["visitor_id"], one["click_id"], one["country"]) == ("v-1", "c-1", "GB")
    assert (one["customer_id"], two["customer_id"]) == (customer["id"], None)
    assert one["occurred_at"] == NOON


async def test_a_code_says_whose_its_use_was(runtime: Runtime, ctx: Ctx, look: Look, offers: Offers) -> None:
    await record_instances(runtime, ctx, [InstanceInput(InstanceKind.CODE, NOON, code=" spicy20 ")])

    (row,) = await stored(look)
    assert (row["influencer_id"], row["campaign_id"], row["code"]) == (offers.ana, offers.campaign, "SPICY20")
    assert (row["platform"], row["channel"]) == ("PODCAST", None)


async def test_what_is_given_goes_before_what_is_implied_where_both_can_be(
    runtime: Runtime, ctx: Ctx, look: Look, offers: Offers
) -> None:
    item = replace(
        CLICK,
        link_id=offers.link,
        influencer_id=offers.ana,
        campaign_id=offers.campaign,
        platform=Platform.BLOG,
        channel="email",
    )

    assert summary(await record_instances(runtime, ctx, [item])) == [("RECORDED", None, ())]

    (row,) = await stored(look)
    assert (row["platform"], row["channel"]) == ("BLOG", "email")


async def test_with_link_and_code_a_use_goes_by_the_code_and_a_click_by_the_link(
    runtime: Runtime, ctx: Ctx, look: Look, offers: Offers
) -> None:
    both = replace(CLICK, link_id=offers.elsewhere, code="SPICY20")

    await record_instances(
        runtime, ctx, [both, replace(both, kind=InstanceKind.CODE, occurred_at=NOON + timedelta(seconds=1))]
    )

    click, use = await stored(look)
    assert (click["campaign_id"], use["campaign_id"]) == (offers.other_campaign, offers.campaign)
    assert click["link_id"] == use["link_id"] == offers.elsewhere


async def test_nothing_need_be_known_of_an_instance(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    assert summary(await record_instances(runtime, ctx, [CLICK])) == [("RECORDED", None, ())]

    (row,) = await stored(look)
    given = {name for name, value in row.items() if value is not None}
    # In force without end.
    assert given == {"tenant_id", "id", "occurred_at", "kind", "recorded_at", "superseded_at"}


BAD: dict[str, tuple[Callable[[Offers], InstanceInput], str, str]] = {
    "too late": (
        lambda _: replace(CLICK, occurred_at=datetime.now(UTC) + timedelta(hours=1)),
        "OCCURRED_IN_FUTURE",
        "occurredAt",
    ),
    "too early": (
        lambda _: replace(CLICK, occurred_at=datetime(1969, 1, 1, tzinfo=UTC)),
        "BAD_USER_INPUT",
        "occurredAt",
    ),
    "empty id": (lambda _: replace(CLICK, external_id=""), "BAD_USER_INPUT", "externalId"),
    "not storable": (lambda _: replace(CLICK, visitor_id="a\0b"), "BAD_USER_INPUT", "visitorId"),
    "country": (lambda _: replace(CLICK, country="GERMANY"), "BAD_USER_INPUT", "country"),
    "link named twice": (
        lambda offers: replace(CLICK, link_id=offers.link, link_slug=offers.slug),
        "BAD_USER_INPUT",
        "linkId",
    ),
    "unknown link": (lambda _: replace(CLICK, link_id=new_id()), "UNKNOWN_LINK", "linkId"),
    "unknown slug": (lambda _: replace(CLICK, link_slug="nowhere"), "UNKNOWN_LINK", "linkSlug"),
    "unknown code": (lambda _: replace(CLICK, code="WELCOME5"), "UNKNOWN_CODE", "code"),
    "unknown customer": (lambda _: replace(CLICK, customer="nobody"), "UNKNOWN_CUSTOMER", "customer"),
    "unknown influencer": (lambda _: replace(CLICK, influencer_id=new_id()), "UNKNOWN_INFLUENCER", "influencerId"),
    "unknown campaign": (lambda _: replace(CLICK, campaign_id=new_id()), "UNKNOWN_CAMPAIGN", "campaignId"),
    "another's link": (
        lambda offers: replace(CLICK, link_id=offers.link, influencer_id=offers.bo),
        "BAD_USER_INPUT",
        "influencerId",
    ),
    "link and code of two": (
        lambda offers: replace(CLICK, link_id=offers.link, code="HOT"),
        "BAD_USER_INPUT",
        "influencerId",
    ),
    "another campaign": (
        lambda offers: replace(CLICK, link_id=offers.link, campaign_id=offers.other_campaign),
        "BAD_USER_INPUT",
        "campaignId",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_item_is_refused_alone(runtime: Runtime, ctx: Ctx, look: Look, offers: Offers, name: str) -> None:
    make, code, field = BAD[name]

    outcomes = await record_instances(runtime, ctx, [CLICK, make(offers)])

    assert summary(outcomes) == [("RECORDED", None, ()), ("REJECTED", code, ("instances", "1", field))]
    assert [row["id"] for row in await stored(look)] == [outcomes[0].id]
    assert await look.counts("instance_keys") == {"instance_keys": 0}


async def test_another_tenants_link_and_code_are_unknown(runtime: Runtime, admin: Admin, offers: Offers) -> None:
    tenant = TenantInfo(new_id(), f"tenant {new_id()}", "Europe/London", "GBP", is_test=False)
    await add_tenant(admin, tenant)
    items = [
        replace(CLICK, link_id=offers.link),
        replace(CLICK, link_slug=offers.slug),
        replace(CLICK, code="SPICY20"),
        replace(CLICK, influencer_id=offers.ana),
    ]

    outcomes = await record_instances(runtime, make_ctx(tenant), items)

    assert [outcome.code for outcome in outcomes] == [
        "UNKNOWN_LINK",
        "UNKNOWN_LINK",
        "UNKNOWN_CODE",
        "UNKNOWN_INFLUENCER",
    ]
    assert await stored(Look(runtime.db, make_ctx(tenant))) == []


async def test_the_same_external_id_is_one_instance(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    item = replace(CLICK, external_id="i-1")
    (first,) = await record_instances(runtime, ctx, [item])

    again = await record_instances(runtime, ctx, [item, replace(item, country="FR")])

    assert again[0] == ItemOutcome(0, Outcome.REPLAYED, first.id, "i-1")
    assert summary(again[1:]) == [("REJECTED", "CONFLICTING_DUPLICATE", ("instances", "1", "externalId"))]
    assert len(await stored(look)) == 1
    assert await look.value("sum(instances)", "rollup_delta") == 1


async def test_the_same_external_id_twice_in_a_batch_is_one_instance(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    item = replace(CLICK, external_id="i-1")

    outcomes = await record_instances(runtime, ctx, [item, item, replace(item, country="FR")])

    assert summary(outcomes) == [
        ("RECORDED", None, ()),
        ("REPLAYED", None, ()),
        ("REJECTED", "DUPLICATE_IN_BATCH", ("instances", "2", "externalId")),
    ]
    assert outcomes[0].id == outcomes[1].id
    assert len(await stored(look)) == 1


async def test_without_external_id_each_is_another(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    await record_instances(runtime, ctx, [CLICK, CLICK])

    assert len(await stored(look)) == 2


async def test_sent_many_times_at_once_it_is_one(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    items = [replace(CLICK, external_id=f"i-{number}") for number in range(20)]

    calls = await asyncio.gather(
        *(record_instances(runtime, ctx, items[::step]) for step in (1, -1, 1, -1, 1, -1, 1, -1))
    )

    assert sum(outcome.outcome is Outcome.RECORDED for outcomes in calls for outcome in outcomes) == 20
    assert {outcome.outcome for outcomes in calls for outcome in outcomes} == {Outcome.RECORDED, Outcome.REPLAYED}
    assert len({(outcome.external_id, outcome.id) for outcomes in calls for outcome in outcomes}) == 20
    assert len(await stored(look)) == 20
    assert await look.value("sum(instances)", "rollup_delta") == 20


async def test_a_repeated_call_gives_the_first_answer(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    first = await record_instances(runtime, ctx, [CLICK], idempotency_key="key")

    assert await record_instances(runtime, ctx, [CLICK], idempotency_key="key") == first
    with pytest.raises(DomainError) as other:
        await record_instances(runtime, ctx, [CLICK, CLICK], idempotency_key="key")
    assert other.value.code == "IDEMPOTENCY_CONFLICT"
    assert len(await stored(look)) == 1


async def test_a_batch_has_bounds(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    with pytest.raises(DomainError) as too_many:
        await record_instances(runtime, ctx, [CLICK] * 1_001)
    with pytest.raises(DomainError) as none:
        await record_instances(runtime, ctx, [])

    assert (too_many.value.code, none.value.code) == ("BATCH_TOO_LARGE", "BAD_USER_INPUT")
    assert await stored(look) == []


async def test_a_month_without_partition_is_kept(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    long_ago = datetime(1987, 5, 1, 12, tzinfo=UTC)

    await record_instances(runtime, ctx, [replace(CLICK, occurred_at=long_ago)])

    (row,) = await look.rows("instances")
    assert row["occurred_at"] == long_ago
    assert await look.value("tableoid::regclass::text", "instances") == "instances_default"


async def test_rollups_count_them_at_once_and_equal_the_facts(
    runtime: Runtime, ctx: Ctx, look: Look, offers: Offers
) -> None:
    items = [replace(CLICK, link_id=offers.link, occurred_at=NOON + timedelta(hours=hour)) for hour in range(30)]
    views = [replace(item, kind=InstanceKind.VIEW, link_id=offers.bos_link) for item in items[:7]]

    await record_instances(runtime, ctx, items + views)

    sums = [await look.value(f"sum({name})", "rollup_delta") for name in ("instances", "clicks", "purchases")]
    assert sums == [37, 30, 0]
    of_ana = f"influencer_id = '{offers.ana}' AND campaign_id = '{offers.campaign}' AND platform = 'TIKTOK'"
    assert await look.value("sum(clicks)", "rollup_delta", of_ana) == 30
    assert await verify(runtime.db, ctx.tenant_id) == []
    await fold(runtime.db, ctx.tenant_id, now=ctx.now)
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_writer_folds_once_deltas_have_piled_up(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    settings = runtime.settings.model_copy(update={"fold_deltas_max": 100})
    clicks = [replace(CLICK, occurred_at=NOON + timedelta(minutes=minute)) for minute in range(100)]

    await record_instances(replace(runtime, settings=settings), ctx, clicks[:99])
    before = await look.counts("rollup_delta")
    await record_instances(replace(runtime, settings=settings), ctx, clicks[:10])

    assert (before, await look.counts("rollup_delta")) == ({"rollup_delta": 99}, {"rollup_delta": 0})
    assert await look.value("sum(clicks)", "rollups", "rollup_set = 'platform' AND grain = 'MONTH'") == 109
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_days_are_noted_again_by_a_repetition(runtime: Runtime, ctx: Ctx) -> None:
    noted = Noted()
    noting = replace(runtime, answers=noted)
    item = replace(CLICK, external_id="i-1", occurred_at=datetime.fromisoformat("2026-03-12T02:00:00+05:30"))
    await record_instances(noting, ctx, [item])
    first = set(noted.days)
    noted.days.clear()

    await record_instances(noting, ctx, [item])

    assert first == noted.days == {datetime(2026, 3, 11, tzinfo=UTC).date()}


async def test_one_event_a_campaign_and_one_line_of_audit(
    runtime: Runtime, ctx: Ctx, look: Look, offers: Offers
) -> None:
    before = await look.counts("outbox", "audit_log")
    click = replace(CLICK, link_id=offers.link)

    await record_instances(runtime, ctx, [click, click, replace(click, kind=InstanceKind.VIEW), CLICK])

    assert await look.counts("outbox", "audit_log") == {name: count + 1 for name, count in before.items()}
    (event,) = await look.rows("outbox", "topic = 'instances.recorded'")
    assert (event["subject_id"], event["payload"]) == (offers.campaign, {"CLICK": 2, "VIEW": 1})
    (entry,) = await look.rows("audit_log", "action = 'recordInstances'")
    assert (entry["items"], entry["detail"]) == (4, {"recorded": 4, "replayed": 0, "rejected": 0})


async def test_statements_do_not_grow_with_the_batch(
    runtime: Runtime, ctx: Ctx, offers: Offers, count_statements: Callable[[], Any]
) -> None:
    def batch(count: int) -> list[InstanceInput]:
        return [
            replace(CLICK, external_id=f"{count}-{number}", link_id=offers.link, code="SPICY20", customer="ann")
            for number in range(count)
        ]

    with count_statements() as of_one:
        await record_instances(runtime, ctx, batch(1))
    with count_statements() as of_many:
        await record_instances(runtime, ctx, batch(500))

    assert len(of_one) == len(of_many) <= 10
