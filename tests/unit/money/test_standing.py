"""What is taken back is taken from what is not paid first, exactly, and given back the other way round."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions.standing import Part, Standing, Taking, open_state
from app.core.ids import new_id
from app.core.words import Clawback, CommissionState, LedgerAccount

PENDING, HELD, APPROVED, PAID = (
    CommissionState.PENDING,
    CommissionState.HELD,
    CommissionState.APPROVED,
    CommissionState.PAID,
)
CLAWED, EXPENSE = LedgerAccount.CLAWED_BACK, LedgerAccount.EXPENSE


def credit(*rows: tuple[CommissionState, int], clawback: Clawback = Clawback.INVOICE) -> Standing:
    """A credit with these rows."""
    return Standing([Part(new_id(), state, amount) for state, amount in rows], clawback=clawback)


def posted(*takings: tuple[Taking, ...]) -> dict[LedgerAccount, int]:
    """What accounts are moved by."""
    sums: dict[LedgerAccount, int] = defaultdict(int)
    for each in [taking for found in takings for taking in found]:
        sums[each.against] += each.amount
        sums[each.owed] -= each.amount
    return {account: amount for account, amount in sums.items() if amount}


@pytest.mark.parametrize("state", [PENDING, HELD, APPROVED])
def test_the_newest_that_is_not_paid_gives_first_and_what_is_paid_last(state: CommissionState) -> None:
    standing = credit((PAID, 1000), (state, 300), (state, 200))
    owed = {PENDING: LedgerAccount.ACCRUED, HELD: LedgerAccount.HELD, APPROVED: LedgerAccount.PAYABLE}[state]

    first = standing.take(-250)
    assert posted(first) == {EXPENSE: -250, owed: 250}
    assert [part.left for part in standing.parts] == [1000, 250, 0]
    second = standing.take(-300)
    assert posted(second) == {EXPENSE: -250, owed: 250, CLAWED: -50, LedgerAccount.INVOICED: 50}

    assert posted(standing.take(300)) == {account: -amount for account, amount in posted(second).items()}, (
        "the other way round"
    )
    assert posted(standing.take(250)) == {account: -amount for account, amount in posted(first).items()}
    assert [part.left for part in standing.parts] == [1000, 300, 200]


def test_what_was_invoiced_is_given_back_as_such_whatever_becomes_of_others_now() -> None:
    standing = credit((PAID, 1000))
    standing.take(-300)
    standing.clawback = Clawback.NEXT_PAYOUT
    standing.take(-100)

    assert posted(standing.take(350)) == {
        CLAWED: 350,
        LedgerAccount.INVOICED: -300,
        LedgerAccount.PAYABLE: -50,
    }


def test_what_an_order_lost_by_an_edit_is_not_taken_back_twice() -> None:
    standing = credit((PAID, 1000), (APPROVED, -400))

    assert posted(standing.take(-600)) == {CLAWED: -600, LedgerAccount.INVOICED: 600}


def test_all_of_a_credit_goes_and_what_refunds_took_makes_up_for_itself() -> None:
    standing = credit((APPROVED, 1000))
    standing.take(-400)
    standing.parts[0].state = PAID

    gone = standing.take_all(extra=-400)
    back = standing.give_extra(400)

    assert sum(each.amount for each in gone) == -1000
    # 6.00 were paid, and they are what is to be invoiced; nothing is left to be paid out, or netted.
    assert posted(gone, back) == {CLAWED: -600, LedgerAccount.INVOICED: 600}
    assert [part.left for part in standing.parts] == [0]


@given(
    st.lists(st.tuples(st.sampled_from([APPROVED, PAID]), st.integers(-500, 1000)), min_size=1, max_size=4),
    st.lists(st.integers(-400, 400), max_size=8),
    st.sampled_from(Clawback),
)
def test_every_amount_is_taken_whole(
    rows: list[tuple[CommissionState, int]], amounts: list[int], clawback: Clawback
) -> None:
    standing = credit(*rows, clawback=clawback)
    left = sum(amount for _, amount in rows)
    for amount in amounts:
        takings = standing.take(amount)
        left += amount
        assert sum(each.amount for each in takings) == amount
        assert sum(part.left for part in standing.parts) == left
        assert 0 <= standing.invoiced <= standing.clawed
    standing.take_all()
    assert [part.left for part in standing.parts] == [0] * len(rows)


def test_the_stricter_state_holds_for_all_that_is_not_paid() -> None:
    assert open_state([PAID, APPROVED, HELD, PENDING]) is HELD
    assert open_state([APPROVED, PENDING]) is PENDING
    assert open_state([PAID]) is APPROVED
