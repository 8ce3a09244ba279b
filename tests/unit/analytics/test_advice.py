"""Which sets are proposed, and which stored ones are told to be of no use. And what of a question is counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.analytics.advice import Advice, Workload, advise
from app.analytics.plan import Plan, RollupScan
from app.analytics.planner import everything_stored, plan
from app.analytics.query import (
    Ask,
    Attribution,
    Between,
    ByDimension,
    ByTime,
    Columns,
    Groups,
    Matches,
    Parents,
    Question,
    Series,
)
from app.analytics.resolve import Limits, resolve
from app.analytics.rollups import demand
from app.analytics.rollups.catalog import CATALOG, DIMENSION_SETS, GRAINS, RollupSet
from app.analytics.rollups.demand import Demand, Reading, Shape, shape_of
from app.analytics.rollups.sizes import STORED_SOURCES, Sizes
from app.analytics.semantic.sums import Source
from app.core.context import TenantInfo
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain
from tests.conftest import make_ctx

ZONE = "Europe/London"
TENANT = TenantInfo(uuid4(), "tenant", reporting_zone=ZONE, currency="GBP", is_test=False)
CTX = make_ctx(TENANT, now=datetime(2026, 6, 15, 12, tzinfo=UTC))
YEAR = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
CLICKS = Columns((Ask("clicks"),))
WIDE = tuple(each for each in CATALOG if each.name != "campaign")
"""The catalog as it would be if campaigns were only kept by platform."""

ONE = {"campaign": 50, "influencer": 500, "platform": 5}
"""Keys of each dimension that are active in a bucket of any length."""


def sizes(*, daily: int = 20_000) -> Sizes:
    """A year of facts: so many instances a day, and every combination of keys in every bucket, as far as there are."""
    cells = {}
    for dimensions in DIMENSION_SETS:
        for grain, days in (
            (Grain.HOUR, 1 / 24),
            (Grain.DAY, 1),
            (Grain.MONTH, 30),
            (Grain.QUARTER, 91),
            (Grain.YEAR, 365),
        ):
            many = 1.0
            for name in dimensions:
                many *= ONE[name]
            cells[frozenset(dimensions), grain] = min(many, daily * days)
    found: dict[Source, float] = dict.fromkeys(STORED_SOURCES, 0.0)
    return Sizes(YEAR, ZONE, found | {Source.INSTANCES: float(daily)}, cells, {("platform", Grain.DAY): 1_825})


def reading(*dimensions: str, grain: Grain | None = Grain.MONTH, interval: Interval = YEAR) -> Reading:
    """Of instances, whose cells are many and leave the grain whole."""
    return Reading(tuple(sorted(dimensions)), (Source.INSTANCES,), grain, interval, breaks=None)


def advice(questions: dict[Reading, int], catalog: tuple[RollupSet, ...] = CATALOG) -> Advice:
    """For questions of one reading each."""
    shapes = {Shape((each,)): count for each, count in questions.items()}
    return advise([Workload(shapes, sizes())], catalog)


def planned(question: Question, parents: Parents | None = None) -> Plan:
    """The question's plan with everything stored."""
    limits = Limits(1_000, timedelta(seconds=60))
    return plan(resolve(question, CTX, limits, parents=parents), everything_stored(TENANT))


def asked(by: tuple[ByDimension | ByTime, ...] = (), *, start: datetime = YEAR.start, **more: object) -> Question:
    """Clicks of the year by these."""
    groups = (Groups(by, CLICKS),) if by else ()
    question = Question(Between(start, YEAR.end), groups=groups, totals=Columns() if by else CLICKS)
    return replace(question, **more)  # type: ignore[arg-type]  # whatever the field's type is


def test_a_narrower_set_is_proposed_with_what_it_saves_and_stores() -> None:
    found = advice({reading("campaign"): 100}, WIDE)

    (proposal,) = found.proposals
    assert (proposal.declared.name, proposal.declared.dimensions) == ("campaign", ("campaign",))
    assert (proposal.grains, proposal.declared.cells, proposal.is_new) == ((Grain.MONTH,), 50, True)
    # 12 months: 250 rows each of campaign × platform, 50 of campaign.
    assert (proposal.questions, proposal.before, proposal.after) == (100, 100 * 12 * 250, 100 * 12 * 50)
    assert proposal.rows == 12 * 50
    assert proposal.facts_per_row == pytest.approx(365 * 20_000 / 600)
    assert (found.questions, found.rows) == (100, 300_000)


def test_days_are_proposed_beside_months_where_both_are_asked() -> None:
    spring = Interval(datetime(2025, 3, 10, tzinfo=UTC), datetime(2025, 3, 24, tzinfo=UTC))

    found = advice({reading("campaign"): 100, reading("campaign", interval=spring): 1_000}, WIDE)

    (proposal,) = found.proposals
    assert proposal.grains == (Grain.MONTH, Grain.DAY)
    assert proposal.before == 100 * 12 * 250 + 1_000 * 14 * 250
    assert proposal.after == 100 * 12 * 50 + 1_000 * 14 * 50


def test_a_set_that_is_there_is_extended_by_a_grain() -> None:
    days = reading("influencer", "platform", grain=Grain.DAY)

    (proposal,) = advice({days: 10}).proposals

    assert (proposal.declared.name, proposal.is_new, proposal.grains) == ("influencer_platform", False, (Grain.DAY,))
    assert proposal.declared.grains == (Grain.QUARTER, Grain.MONTH, Grain.DAY)
    # It was read from facts.
    assert (proposal.before, proposal.after) == (10 * 365 * 20_000, 10 * 365 * 2_500)


@pytest.mark.parametrize("year", [2010, 2040])
def test_questions_of_times_without_facts_read_nothing(year: int) -> None:
    breaks = tuple(datetime(year, month, 1, tzinfo=UTC) for month in range(2, 13))
    interval = Interval(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))

    found = advice({replace(reading("campaign"), interval=interval, breaks=breaks): 10, reading("platform"): 1})

    assert (found.questions, found.rows) == (11, 12 * 5)
    assert {(use.name, use.grain) for use in found.uses if use.questions} == {("platform", Grain.MONTH)}


def test_what_stores_more_than_it_saves_is_not_proposed() -> None:
    once = reading(
        "influencer", "platform", grain=Grain.DAY, interval=replace(YEAR, start=datetime(2025, 12, 1, tzinfo=UTC))
    )

    assert advice({once: 1}).proposals == ()


def test_what_does_not_compress_is_not_proposed() -> None:
    all_three = reading("influencer", "platform", "campaign", grain=Grain.DAY)

    # 125,000 combinations a day, and 20,000 facts: each fact would be a row.
    assert advice({all_three: 1_000}).proposals == ()


def test_nothing_asked_is_nothing_proposed() -> None:
    found = advice({})

    assert (found.questions, found.rows, found.proposals, found.unserved) == (0, 0, (), ())
    assert {use.questions for use in found.uses} == {0}


def test_sets_that_no_question_reads_are_told() -> None:
    found = advice({reading(grain=Grain.DAY): 7, reading("influencer"): 2})

    used = {(use.name, use.grain): use.questions for use in found.uses if use.questions}
    assert used == {("platform", Grain.DAY): 7, ("influencer", Grain.MONTH): 2}
    assert {(use.name, use.grain) for use in found.uses} == {(each.name, g) for each in CATALOG for g in each.grains}
    rows = {(use.name, use.grain): use.rows for use in found.uses}
    assert (rows["platform", Grain.DAY], rows["influencer", Grain.DAY]) == (1_825, 0)


def test_questions_that_no_set_can_serve_are_told() -> None:
    found = advice({reading("country", "campaign"): 3, reading("platform", grain=None): 2})

    assert found.proposals == ()
    assert [(each.needs, each.questions, each.rows) for each in found.unserved] == [
        (("country",), 3, 3 * 365 * 20_000),
        ((), 2, 2 * 365 * 20_000),
    ]


def test_tenants_share_the_catalog_and_so_the_advice() -> None:
    shapes = {Shape((reading("campaign"),)): 100}
    small, large = sizes(daily=10), sizes()

    found = advise([Workload({}, small), Workload(shapes, large)], WIDE)

    (proposal,) = found.proposals
    # It would be stored for both: of the small one 50 rows a month.
    assert (proposal.declared.cells, proposal.rows) == (50, 2 * 12 * 50)


@pytest.mark.parametrize(
    "question",
    [
        asked(),
        asked((ByDimension("campaign"),)),
        asked((ByDimension("influencer"), ByDimension("platform"))),
        asked((ByDimension("influencer"), ByTime(Granularity.DAY))),
        asked((ByTime(Granularity.QUARTER),), start=datetime(2025, 2, 3, 4, 30, tzinfo=UTC)),
        asked(series=(Series(Granularity.HOUR, CLICKS),), start=datetime(2025, 12, 20, tzinfo=UTC)),
        asked(series=(Series(Granularity.WEEK, CLICKS),), zone="America/New_York"),
        asked(series=(Series(Granularity.MONTH, CLICKS),), zone="America/New_York"),
        asked(series=(Series(Granularity.DAY, CLICKS),), zone="America/New_York"),
        asked((ByDimension("country"),)),
    ],
    ids=lambda question: "-".join(map(str, (*question.groups, *question.series)))[:40] or "totals",
)
def test_what_is_taken_to_read_a_question_is_what_the_planner_takes(question: Question) -> None:
    made = planned(question)
    scans = [scan for facet in made.facets for scan in facet.scans if isinstance(scan, RollupScan)]

    found = advise([Workload({shape_of(made, ZONE): 1}, sizes())], CATALOG)

    used = {(use.name, use.grain) for use in found.uses if use.questions}
    assert used == {(scan.rollup, part.grain) for scan in scans for part in scan.parts}


@pytest.mark.parametrize(
    ("every", "zone", "grain"),
    [
        (Granularity.HOUR, ZONE, Grain.HOUR),
        (Granularity.HOUR, "Asia/Kolkata", None),
        (Granularity.DAY, ZONE, Grain.DAY),
        (Granularity.DAY, "America/New_York", Grain.HOUR),
        (Granularity.WEEK, ZONE, Grain.DAY),
        (Granularity.MONTH, ZONE, Grain.MONTH),
        (Granularity.QUARTER, ZONE, Grain.QUARTER),
        (Granularity.YEAR, ZONE, Grain.YEAR),
    ],
)
def test_grain_is_the_coarsest_that_cells_hold_whole(every: Granularity, zone: str, grain: Grain | None) -> None:
    start = YEAR.end - timedelta(days=20) if every is Granularity.HOUR else YEAR.start - timedelta(days=800)
    made = planned(asked((ByTime(every),), start=start, zone=zone))

    (read,) = shape_of(made, ZONE).readings

    assert read.grain == grain
    assert GRAINS[0] is Grain.YEAR


def test_a_shape_holds_dimensions_and_no_keys() -> None:
    def one(key: UUID) -> Shape:
        where = Matches("campaign", isin=(key,))
        return shape_of(planned(asked((ByDimension("platform"),), where=where)), ZONE)

    first, second = one(uuid4()), one(uuid4())

    assert first == second
    (read,) = first.readings
    assert read.dimensions == ("campaign", "platform")


def test_shapes_are_told_apart_by_what_the_planner_looks_at() -> None:
    plain = shape_of(planned(asked((ByDimension("campaign"),))), ZONE)
    others = [
        asked((ByDimension("influencer"),)),
        asked((ByDimension("campaign"), ByTime(Granularity.DAY))),
        asked((ByDimension("campaign"),), start=YEAR.end - timedelta(days=7)),
        replace(asked(), groups=(Groups((ByDimension("campaign"),), Columns((Ask("orders"),))),), totals=Columns()),
    ]

    keys = {shape_of(planned(other), ZONE).key for other in others}
    ten_days_less = shape_of(planned(asked((ByDimension("campaign"),), start=YEAR.start + timedelta(days=10))), ZONE)

    assert len(keys | {plain.key}) == len(others) + 1
    assert ten_days_less.key == plain.key


def test_the_dimension_of_parents_is_needed() -> None:
    made = planned(asked(), Parents("campaign", (uuid4(), uuid4())))

    assert [read.dimensions for read in shape_of(made, ZONE).readings] == [("campaign",)]


@pytest.mark.parametrize(
    "question",
    [
        asked(totals=Columns((Ask("visitors"),))),
        asked(currency="JPY"),
        asked(as_of=CTX.now - timedelta(days=1)),
        asked(totals=Columns((Ask("orders"),)), attribution=Attribution.LINEAR, where=Matches("code", isin=("X",))),
    ],
    ids=["distinct", "currency", "as_of", "what_if"],
)
def test_what_no_rollup_holds_needs_no_reading(question: Question) -> None:
    shape = shape_of(planned(question), ZONE)

    assert shape == Shape(())
    assert advise([Workload({shape: 4}, sizes())], CATALOG).without == 4


def test_questions_are_counted_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand, "GATHERED_MAX", 2)
    counts, made, kept = Demand(), planned(asked()), [object(), object(), object()]

    for number in (0, 0, 1, 2, 2, 0):
        counts.note(TENANT, made, kept[number])
    taken = counts.take()

    assert [each.questions for each in taken.gathered] == [3, 1]
    assert taken.beyond == {TENANT.id: 2}
    assert counts.take() == demand.Taken((), {})
