"""Whatever is told of a payout, in whatever order and how often: its books stay right, and it is paid once in them."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.core.payout_words import PayoutItemState, PayoutPaymentKind, PayoutProviderName
from app.core.words import LedgerAccount
from app.ledger import Posting
from app.payouts.items import leased
from app.payouts.machine import UNDER_WAY, Item, after, cancel, has_key, reserve
from app.payouts.port import Report, Told

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
S = PayoutItemState
ASK_S = 30.0

REPORTS = st.builds(
    Report,
    told=st.sampled_from(Told),
    returned=st.none() | st.integers(0, 1_200),
    fee=st.none() | st.integers(0, 50),
    fee_currency=st.just("GBP"),
    at=st.none() | st.integers(-5, 5).map(lambda days: START + timedelta(days=days)),
)
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 3 * 86_400), REPORTS), max_size=25)


def item(provider: PayoutProviderName, *, is_converted: bool) -> Item:
    return Item(
        id=UUID(int=1),
        batch_id=UUID(int=2),
        provider=provider,
        influencer_id=UUID(int=3),
        reference="r",
        holder=None,
        state=S.RESERVED,
        currency="KWD" if is_converted else "GBP",
        amount=1_001,
        reserved_currency="GBP",
        reserved=333 if is_converted else 1_001,
        rate=Decimal("0.4") if is_converted else None,
        call_key="key",
        next_at=START,
    )


def balances(postings: list[Posting]) -> dict[tuple[LedgerAccount, str], int]:
    found: dict[tuple[LedgerAccount, str], int] = defaultdict(int)
    for posting in postings:
        for entry in posting.entries:
            found[entry.account, entry.currency] += entry.amount_minor
    return {key: amount for key, amount in found.items() if amount}


@given(st.sampled_from(PayoutProviderName), st.booleans(), STEPS)
def test_books_follow_the_state(
    provider: PayoutProviderName, is_converted: bool, steps: list[tuple[bool, int, Report]]
) -> None:
    now, state = START, item(provider, is_converted=is_converted)
    postings, paid, paid_amount = [reserve(state)], Counter[PayoutPaymentKind](), 0
    for is_taken, seconds, report in steps:
        now += timedelta(seconds=seconds)
        if is_taken and state.next_at is not None and state.next_at <= now:
            waited, state = state, leased(state, now, 120)
            if state.state is S.SENDING:
                assert has_key(waited, now), "a call is repeated only while its key is known"
        if state.is_unsent:
            # Nobody was called: nobody can tell.
            continue
        was = state.state
        step = after(state, report, now=now, ask_s=ASK_S)
        postings += step.postings
        if step.paid is not None:
            paid[step.paid.kind] += 1
            paid_amount += step.paid.amount
            assert step.paid.at <= now
            assert (step.paid.amount > 0) is (step.paid.kind is PayoutPaymentKind.PAID)
        state = step.item
        if was is S.SENT:
            assert state.state not in (S.RESERVED, S.UNKNOWN), "what was accepted is neither sent again nor written off"

        found = balances(postings)
        fees = found.pop((LedgerAccount.FEES, "GBP"), 0)
        found[LedgerAccount.PAID, "GBP"] = found.get((LedgerAccount.PAID, "GBP"), 0) + fees
        paying = found.get((LedgerAccount.PAYING, state.currency), 0)
        gone = found.get((LedgerAccount.PAID, state.currency), 0)
        payable = found.get((LedgerAccount.PAYABLE, "GBP"), 0)
        assert paying == (-state.amount if state.state in UNDER_WAY else 0)
        assert -gone == paid_amount
        assert paid[PayoutPaymentKind.PAID] <= 1
        if state.state in (S.FAILED, S.RETURNED):
            # The whole balance is due again, to the unit, and nothing is left anywhere else.
            assert payable == 0
            assert gone == 0
        if state.state in (S.SUCCEEDED, S.RETURNING):
            assert -gone == state.amount - state.returned
        if state.state in (S.SENT, S.UNKNOWN, S.SENDING) and provider is not PayoutProviderName.MANUAL:
            assert state.next_at is not None, "somebody looks at it again"


@given(st.sampled_from([Told.ACCEPTED, Told.NOT_RECEIVED, Told.REPEATABLE, Told.LATER, Told.UNKNOWN, Told.FAILED]))
def test_what_was_paid_is_not_sent_again(told: Told) -> None:
    sent = leased(item(PayoutProviderName.STRIPE, is_converted=False), START, 120)
    paid = after(sent, Report(Told.SUCCEEDED), now=START, ask_s=ASK_S).item
    later = after(paid, Report(told), now=START, ask_s=ASK_S).item
    assert later.state in (S.SUCCEEDED, S.RETURNED)


def test_money_that_left_is_booked_though_the_item_was_given_up() -> None:
    sent = leased(item(PayoutProviderName.PAYPAL, is_converted=True), START, 120)
    failed = after(sent, Report(Told.FAILED), now=START, ask_s=ASK_S)
    found = after(failed.item, Report(Told.SUCCEEDED), now=START, ask_s=ASK_S)
    assert found.item.state is S.SUCCEEDED
    assert balances([reserve(sent), *failed.postings, *found.postings]) == {
        (LedgerAccount.PAYABLE, "GBP"): 333,
        (LedgerAccount.FX, "GBP"): -333,
        (LedgerAccount.FX, "KWD"): 1_001,
        (LedgerAccount.PAID, "KWD"): -1_001,
    }


def test_a_key_that_may_be_forgotten_is_not_used_again() -> None:
    for provider, hours in ((PayoutProviderName.STRIPE, 24), (PayoutProviderName.PAYPAL, 30 * 24)):
        sent = leased(item(provider, is_converted=False), START, 120)
        early, late = START + timedelta(hours=hours - 2), START + timedelta(hours=hours - 1)
        assert after(sent, Report(Told.NOT_RECEIVED), now=early, ask_s=ASK_S).item.state is S.RESERVED
        assert after(sent, Report(Told.NOT_RECEIVED), now=late, ask_s=ASK_S).item.state is S.FAILED
        assert after(sent, Report(Told.REPEATABLE), now=late, ask_s=ASK_S).item.state is S.UNKNOWN
        # Nor after it was found to be repeatable in time, and nobody came to repeat it.
        waiting = after(sent, Report(Told.REPEATABLE), now=early, ask_s=ASK_S).item
        assert leased(waiting, early, 120).state is S.SENDING
        assert leased(waiting, late, 120).state is S.UNKNOWN


def test_money_that_left_is_booked_though_the_item_was_cancelled() -> None:
    cancelled = cancel(item(PayoutProviderName.PAYPAL, is_converted=False), "NOT_DUE")
    found = after(cancelled.item, Report(Told.SUCCEEDED), now=START, ask_s=ASK_S)
    assert found.item.state is S.SUCCEEDED
    assert balances([reserve(cancelled.item), *cancelled.postings, *found.postings]) == {
        (LedgerAccount.PAYABLE, "GBP"): 1_001,
        (LedgerAccount.PAID, "GBP"): -1_001,
    }
