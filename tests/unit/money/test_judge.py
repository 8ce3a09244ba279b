"""Who is credited, by which rule, and why others are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attribution.identities import Buyer
from app.attribution.judge import Touch, Verdict, judge
from app.attribution.program import CampaignTerms, EnrollmentTerms, Program, Rules, history_of
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE
from app.core.words import (
    AttributionModel,
    AttributionRule,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    PaidSearch,
    RejectReason,
    TouchKind,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
INA, BEN = UUID(int=1), UUID(int=2)
SPRING, SUMMER = UUID(int=11), UUID(int=12)

TERMS = CampaignTerms(
    status=CampaignStatus.ACTIVE,
    starts_at=NOON - 100 * DAY,
    ends_at=None,
    model=AttributionModel.LAST_TOUCH,
    click_window=timedelta(days=30),
    rate=Decimal("0.1"),
)


def program(**campaigns: CampaignTerms) -> Program:
    """Two active influencers, two active campaigns, nobody enrolled."""
    return Program(
        influencers={INA: InfluencerStatus.ACTIVE, BEN: InfluencerStatus.ACTIVE},
        campaigns={SPRING: campaigns.get("spring", TERMS), SUMMER: campaigns.get("summer", TERMS)},
    )


def click(influencer: UUID | None = INA, campaign: UUID | None = SPRING, *, ago: timedelta = DAY) -> Touch:
    """A click so long before the order."""
    return Touch(TouchKind.CLICK, NOON - ago, new_id(), influencer, campaign)


def code(influencer: UUID | None = BEN, campaign: UUID | None = SUMMER, refusal: RejectReason | None = None) -> Touch:
    """A code at checkout."""
    return Touch(TouchKind.CODE, NOON, None, influencer, campaign, code="SPICY20", refusal=refusal)


def verdict_on(
    *touches: Touch, codes: tuple[Touch, ...] = (), using: Program | None = None, is_test: bool = False
) -> Verdict:
    """The verdict on an order at NOON; touches without a campaign count for 7 days."""
    return judge(
        NOON,
        codes=codes,
        touches=touches,
        program=using or program(),
        rules=Rules(window=timedelta(days=7)),
        is_test=is_test,
    )


def reason_of(verdict: Verdict, touch: Touch) -> RejectReason | None:
    """Why the touch earned nothing."""
    return next(candidate.reason for candidate in verdict.candidates if candidate.touch is touch)


def test_nobody_is_credited_without_a_touch() -> None:
    verdict = verdict_on()

    assert (verdict.rule, verdict.winner, verdict.accepted) == (AttributionRule.NO_TOUCH, None, ())
    assert verdict.booked == (WEIGHT_ONE,)


def test_the_last_click_wins() -> None:
    older, newer = click(INA, ago=2 * DAY), click(BEN, ago=DAY)

    verdict = verdict_on(newer, older)

    assert (verdict.rule, verdict.winner) == (AttributionRule.LATEST_TOUCH, newer)
    assert verdict.accepted == (older, newer)
    assert verdict.booked == (0, WEIGHT_ONE)
    assert reason_of(verdict, older) is RejectReason.LOWER_PRIORITY
    assert reason_of(verdict, newer) is None


def test_a_code_at_checkout_beats_a_click_and_takes_everything() -> None:
    seen, used = click(), code()

    verdict = verdict_on(seen, codes=(used,))

    assert (verdict.rule, verdict.winner) == (AttributionRule.CODE_AT_CHECKOUT, used)
    assert verdict.booked == (0, WEIGHT_ONE)
    assert verdict.weights.linear == (500_000_000, 500_000_000)


def test_a_code_beats_even_a_click_of_the_same_instant() -> None:
    assert verdict_on(click(ago=timedelta(0)), codes=(used := code(),)).winner is used


def test_the_first_valid_code_counts_and_further_ones_are_shown() -> None:
    unknown = code(None, None, RejectReason.CODE_UNKNOWN)
    first, second = code(INA, SPRING), code(BEN)

    verdict = verdict_on(codes=(unknown, first, second))

    assert verdict.winner is first
    assert verdict.accepted == (first,)
    assert reason_of(verdict, unknown) is RejectReason.CODE_UNKNOWN
    assert reason_of(verdict, second) is RejectReason.LOWER_PRIORITY


def test_an_invalid_code_leaves_the_order_to_clicks() -> None:
    verdict = verdict_on(seen := click(), codes=(code(refusal=RejectReason.CODE_NOT_IN_FORCE),))

    assert (verdict.rule, verdict.winner) == (AttributionRule.LATEST_TOUCH, seen)


@pytest.mark.parametrize("model", AttributionModel)
def test_the_deciding_touchs_campaign_chooses_the_model(model: AttributionModel) -> None:
    seen, used = click(), code()

    verdict = verdict_on(seen, codes=(used,), using=program(summer=replace(TERMS, model=model)))

    assert verdict.model is model
    assert verdict.booked == verdict.weights.of(model)
    assert verdict.winner is used, "a code at checkout beats clicks"


def test_a_code_beats_an_older_click_of_a_campaign_that_credits_the_first_touch() -> None:
    first = replace(TERMS, model=AttributionModel.FIRST_TOUCH)
    used = code()

    decided = verdict_on(click(), codes=(used,), using=program(summer=first))

    assert (decided.winner, decided.booked) == (used, (0, WEIGHT_ONE))
    assert decided.weights.first == decided.weights.last


def test_windows_are_the_campaigns_and_reach_to_their_very_end() -> None:
    edge, beyond = click(ago=30 * DAY), click(ago=30 * DAY + timedelta(microseconds=1))
    alone = click(campaign=None, ago=8 * DAY)

    verdict = verdict_on(edge, beyond, alone)

    assert verdict.winner is edge
    assert reason_of(verdict, beyond) is RejectReason.OUTSIDE_WINDOW
    assert reason_of(verdict, alone) is RejectReason.OUTSIDE_WINDOW
    assert verdict_on(recent := click(campaign=None, ago=7 * DAY)).winner is recent


def test_no_touch_after_the_order_counts() -> None:
    late = click(ago=-timedelta(microseconds=1))

    verdict = verdict_on(late)

    assert verdict.winner is None
    assert reason_of(verdict, late) is RejectReason.AFTER_ORDER


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"status": CampaignStatus.ENDED}, RejectReason.CAMPAIGN_ENDED),
        ({"ends_at": NOON}, RejectReason.CAMPAIGN_ENDED),
        ({"status": CampaignStatus.PAUSED}, RejectReason.CAMPAIGN_PAUSED),
        ({"status": CampaignStatus.DRAFT}, RejectReason.CAMPAIGN_NOT_STARTED),
        ({"starts_at": NOON + DAY}, RejectReason.CAMPAIGN_NOT_STARTED),
        ({"ends_at": NOON + timedelta(microseconds=1)}, None),
        ({"starts_at": NOON}, None),
    ],
)
def test_only_running_campaigns_credit(terms: dict[str, object], reason: RejectReason | None) -> None:
    verdict = verdict_on(seen := click(), using=program(spring=replace(TERMS, **terms)))  # type: ignore[arg-type]

    assert reason_of(verdict, seen) is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (InfluencerStatus.SUSPENDED, RejectReason.INFLUENCER_SUSPENDED),
        (InfluencerStatus.PAUSED, RejectReason.INFLUENCER_PAUSED),
    ],
)
def test_only_active_influencers_are_credited(status: InfluencerStatus, reason: RejectReason) -> None:
    using = program()
    using.influencers[INA] = status

    verdict = verdict_on(older := click(BEN, ago=2 * DAY), seen := click(INA), using=using)

    assert verdict.winner is older
    assert reason_of(verdict, seen) is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (EnrollmentStatus.ACTIVE, None),
        (EnrollmentStatus.PAUSED, RejectReason.ENROLLMENT_PAUSED),
        (EnrollmentStatus.ENDED, RejectReason.ENROLLMENT_ENDED),
    ],
)
def test_an_enrollment_that_is_not_active_earns_nothing(status: EnrollmentStatus, reason: RejectReason | None) -> None:
    using = program()
    using.enrollments[SPRING, INA] = EnrollmentTerms(status, Decimal("0.2"))

    assert reason_of(verdict_on(seen := click(), using=using), seen) is reason


def test_a_click_on_nobodys_link_is_nobodys() -> None:
    assert reason_of(verdict_on(seen := click(None, None)), seen) is RejectReason.INFLUENCER_UNKNOWN


def test_a_test_order_shows_its_touches_and_credits_nobody() -> None:
    seen, used = click(), code()

    verdict = verdict_on(seen, codes=(used,), is_test=True)

    assert (verdict.rule, verdict.winner, verdict.accepted) == (AttributionRule.TEST_ORDER, None, ())
    assert {candidate.reason for candidate in verdict.candidates} == {RejectReason.TEST_ORDER}


def test_rates_are_the_enrollments_else_the_campaigns_else_none() -> None:
    using = program()
    using.enrollments[SPRING, INA] = EnrollmentTerms(EnrollmentStatus.ACTIVE, Decimal("0.2"))
    using.enrollments[SPRING, BEN] = EnrollmentTerms(EnrollmentStatus.ACTIVE, None)

    assert using.rate(SPRING, INA) == Decimal("0.2")
    assert using.rate(SPRING, BEN) == Decimal("0.1")
    assert using.rate(SUMMER, INA) == Decimal("0.1")
    assert using.rate(None, INA) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([INA, BEN, None]), st.sampled_from([SPRING, None]), st.integers(-3, 50)), max_size=12
    ),
    st.lists(st.sampled_from([INA, BEN]), max_size=3),
    st.sampled_from(AttributionModel),
)
def test_every_verdict_adds_up_and_answers_for_every_candidate(
    clicks: list[tuple[UUID | None, UUID | None, int]], codes: list[UUID], model: AttributionModel
) -> None:
    touches = [click(influencer, campaign, ago=days * DAY) for influencer, campaign, days in clicks]
    using = program(spring=replace(TERMS, model=model), summer=replace(TERMS, model=model))

    verdict = verdict_on(*touches, codes=tuple(code(influencer) for influencer in codes), using=using)

    assert sum(verdict.booked) == WEIGHT_ONE
    assert len(verdict.candidates) == len(touches) + len(codes)
    assert list(verdict.accepted) == sorted(verdict.accepted, key=lambda touch: touch.at)
    assert sum(candidate.weight for candidate in verdict.candidates) == (WEIGHT_ONE if verdict.accepted else 0)
    assert sum(candidate.is_winner for candidate in verdict.candidates) == (1 if verdict.accepted else 0)
    assert all((candidate.weight > 0) == (candidate.reason is None) for candidate in verdict.candidates)
    assert all(touch.at <= NOON for touch in verdict.accepted)


def of_kind(kind: TouchKind, influencer: UUID, campaign: UUID | None, days: int, ad_click: str | None) -> Touch:
    """A recorded touch so many days before the order."""
    text = "SPICY20" if kind is TouchKind.CODE else None
    return Touch(kind, NOON - days * DAY, new_id(), influencer, campaign, code=text, ad_click=ad_click)


terms = st.builds(
    lambda model, policy, search, views, codes, half_life: replace(
        TERMS,
        model=model,
        code_policy=policy,
        paid_search=search,
        view_window=views * DAY,
        code_window=None if codes is None else codes * DAY,
        half_life=None if half_life is None else half_life * DAY,
    ),
    st.sampled_from([None, *AttributionModel]),
    st.sampled_from(CodePolicy),
    st.sampled_from(PaidSearch),
    st.integers(0, 40),
    st.none() | st.integers(1, 40),
    st.none() | st.integers(1, 365),
)
recorded = st.builds(
    of_kind,
    st.sampled_from([TouchKind.CLICK, TouchKind.VIEW, TouchKind.CODE]),
    st.sampled_from([INA, BEN]),
    st.sampled_from([SPRING, SUMMER, None]),
    st.integers(-2, 45),
    st.sampled_from([None, None, "gclid"]),
)


@given(
    st.lists(recorded, max_size=10),
    st.lists(st.tuples(st.sampled_from([INA, BEN]), st.sampled_from([SPRING, SUMMER, None])), max_size=3),
    terms,
    terms,
    st.sampled_from(CodePolicy),
    st.sampled_from([None, INA, BEN]),
)
def test_under_all_rules_credits_sum_to_one_and_only_who_may_is_credited(
    touches: list[Touch],
    codes: list[tuple[UUID, UUID | None]],
    spring: CampaignTerms,
    summer: CampaignTerms,
    policy: CodePolicy,
    buying: UUID | None,
) -> None:
    using = program(spring=spring, summer=summer)
    buyer = Buyer(customer="ina", emails=frozenset({"hash"}))
    if buying is not None:
        using.buyers[buying] = Buyer(emails=frozenset({"hash", "another"}))
    given_codes = [code(influencer, campaign) for influencer, campaign in codes]

    verdict = judge(
        NOON,
        codes=given_codes,
        touches=touches,
        program=using,
        rules=Rules(window=timedelta(days=7), code_policy=policy),
        buyer=buyer,
    )

    for model in AttributionModel:
        assert sum(verdict.weights.of(model)) == WEIGHT_ONE
    assert sum(verdict.booked) == WEIGHT_ONE
    assert all((candidate.weight > 0) == (candidate.reason is None) for candidate in verdict.candidates)
    assert {id(candidate.touch) for candidate in verdict.candidates} == {id(each) for each in (*touches, *given_codes)}
    assert buying not in {touch.influencer_id for touch in verdict.accepted}
    others = [touch for touch in verdict.accepted if touch.kind is not TouchKind.CODE]
    for touch in verdict.accepted:
        of_campaign = None if touch.campaign_id is None else using.campaigns[touch.campaign_id]
        window = timedelta(days=7) if of_campaign is None else of_campaign.window(touch.kind)
        assert timedelta(0) <= NOON - touch.at <= window
        search = PaidSearch.REJECT if of_campaign is None else of_campaign.paid_search
        assert touch.ad_click is None or search is PaidSearch.ALLOW
        if touch.kind is TouchKind.CODE:
            demanded = policy if of_campaign is None else of_campaign.code_policy
            assert demanded is CodePolicy.ALWAYS or touch.influencer_id in {each.influencer_id for each in others}
    # Whatever the order that candidates come in.
    again = judge(
        NOON,
        codes=given_codes,
        touches=touches[::-1],
        program=using,
        rules=Rules(window=timedelta(days=7), code_policy=policy),
        buyer=buyer,
    )
    assert again == verdict


def test_statuses_are_those_of_the_time_asked() -> None:
    using = program()
    using.influencers[INA] = InfluencerStatus.SUSPENDED
    using.histories[INA] = history_of([(NOON - 9 * DAY, "ACTIVE"), (NOON + DAY, "SUSPENDED")])
    using.enrollments[SPRING, INA] = EnrollmentTerms(EnrollmentStatus.ENDED, None)
    using.enrollment_ids[SPRING, INA] = enrollment = UUID(int=21)
    using.histories[enrollment] = history_of([(NOON + 2 * DAY, "ENDED")])
    seen = click()

    def reason_at(at: datetime | None) -> RejectReason | None:
        rules = Rules(window=timedelta(days=7))
        return reason_of(judge(NOON, codes=(), touches=(seen,), program=using, rules=rules, statuses_at=at), seen)

    assert reason_at(None) is RejectReason.INFLUENCER_SUSPENDED
    assert reason_at(NOON) is None, "active, and not enrolled yet"
    assert reason_at(NOON - 20 * DAY) is None, "before all that is known, as it was first"
    assert reason_at(NOON + DAY) is RejectReason.INFLUENCER_SUSPENDED


def test_the_tenants_model_is_booked_where_no_campaign_has_its_own() -> None:
    rules = Rules(window=timedelta(days=7), model=AttributionModel.LINEAR)
    silent = program(spring=replace(TERMS, model=None))

    verdict = judge(NOON, codes=(), touches=(click(INA), click(BEN)), program=silent, rules=rules)
    nobodys = judge(NOON, codes=(), touches=(), program=silent, rules=rules)

    assert (verdict.model, verdict.booked) == (AttributionModel.LINEAR, (500_000_000, 500_000_000))
    assert (nobodys.model, nobodys.rule) == (AttributionModel.LINEAR, AttributionRule.NO_TOUCH)
