"""The invented posts and spend of the demo: the same at every import, plausible, and nothing after the data's end."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from app.seeding.posts import FIRST_DAY, LOOKS_DAYS, Look, looks
from app.seeding.program import CAMPAIGNS, PERSONAS, plan
from app.seeding.spending import Cost, costs

START = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
END = START + timedelta(days=374)
PLAN = plan(START, prefix="x")


def by_post(found: list[Look]) -> dict[str, list[Look]]:
    posts: defaultdict[str, list[Look]] = defaultdict(list)
    for look in found:
        posts[look.post_id].append(look)
    return posts


@pytest.mark.parametrize("end", [START + timedelta(days=1), START + timedelta(days=100, hours=3), END])
def test_a_shorter_span_has_the_same_beginning(end: datetime) -> None:
    every: tuple[list[Look], list[Cost]] = list(looks(PLAN, end=END)), list(costs(PLAN, end=END))

    assert list(looks(PLAN, end=end)) == [look for look in every[0] if look.at < end]
    assert list(costs(PLAN, end=end)) == [cost for cost in every[1] if cost.at < end]
    assert PLAN.first_day + timedelta(days=FIRST_DAY) <= min(look.at for look in every[0]) < START
    assert all(len(part) > 0 for part in every)


def test_posts_are_looked_at_daily_and_gather_what_their_platform_tells() -> None:
    posts = by_post(list(looks(PLAN, end=END)))

    assert {look.persona for seen in posts.values() for look in seen} == set(PERSONAS)
    assert {look.campaign.key for seen in posts.values() for look in seen} == {each.key for each in CAMPAIGNS}
    falls = 0
    for seen in posts.values():
        ages = [(look.at - seen[0].at).days + LOOKS_DAYS[0] for look in seen]
        assert tuple(ages) == LOOKS_DAYS[: len(seen)]
        views = [look.views for look in seen if look.views is not None]
        falls += views != sorted(views)
        assert len({(look.platform, look.persona, look.campaign) for look in seen}) == 1
        assert len({tuple(figure is None for figure in _figures(look)) for look in seen}) == 1
        assert all(figure is None or figure >= 0 for look in seen for figure in _figures(look))
        assert any(figure is not None for figure in _figures(seen[0]))
    assert 0 < falls < len(posts) / 10


def _figures(look: Look) -> tuple[int | None, ...]:
    return look.likes, look.comments, look.shares, look.views


def test_every_campaign_costs_something_while_it_runs() -> None:
    found = list(costs(PLAN, end=END))

    assert len({cost.external_id for cost in found}) == len(found)
    assert {cost.campaign.key for cost in found} == {each.key for each in CAMPAIGNS}
    for cost in found:
        assert (cost.amount < 0) is cost.external_id.endswith("-credit")
        assert cost.at >= PLAN.start_of(cost.campaign)
    assert any(cost.amount < 0 for cost in found)
    assert any(cost.persona is not None for cost in found)
