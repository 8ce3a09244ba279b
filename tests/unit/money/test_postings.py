"""Postings sum to zero per currency, or cannot be made."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.words import CommissionState, LedgerAccount
from app.ledger.postings import ACCOUNTS, Entry, Posting, of_commission, of_move, of_return

INFLUENCER = new_id()


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 1),),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 0), Entry(LedgerAccount.ACCRUED, INFLUENCER, "GBP", 0)),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 1), Entry(LedgerAccount.ACCRUED, INFLUENCER, "EUR", -1)),
    ],
)
def test_an_unbalanced_posting_cannot_be_made(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(AssertionError):
        Posting("commission", new_id(), entries)


STATES = st.sampled_from(sorted(ACCOUNTS))


@given(st.integers(-(10**12), 10**12), STATES, STATES)
def test_a_passage_takes_what_is_left_from_one_account_to_the_other(
    net: int, old: CommissionState, new: CommissionState
) -> None:
    posting = of_move(commission_id=new_id(), influencer_id=INFLUENCER, currency="JPY", net_minor=net, old=old, new=new)

    if net == 0 or ACCOUNTS[old] is ACCOUNTS[new]:
        assert posting is None
        return
    assert posting is not None
    # All of it is the influencer's: what is owed to them stays as it is.
    assert {entry.influencer_id for entry in posting.entries} == {INFLUENCER}
    assert {entry.account: entry.amount_minor for entry in posting.entries} == {ACCOUNTS[old]: net, ACCOUNTS[new]: -net}


ACCOUNT = st.sampled_from(LedgerAccount)


@given(st.lists(st.tuples(ACCOUNT, ACCOUNT, st.integers(-(10**12), 10**12)), max_size=4))
def test_a_commission_in_parts_is_one_posting_with_a_line_for_each_account(
    parts: list[tuple[LedgerAccount, LedgerAccount, int]],
) -> None:
    posting = of_commission(commission_id=new_id(), influencer_id=INFLUENCER, currency="KWD", parts=parts)

    of_tenant: dict[LedgerAccount, int] = defaultdict(int)
    of_influencer: dict[LedgerAccount, int] = defaultdict(int)
    for against, owed, amount in parts:
        of_tenant[against] += amount
        of_influencer[owed] -= amount
    entries = () if posting is None else posting.entries
    for found, whose in ((of_tenant, None), (of_influencer, INFLUENCER)):
        lines = [(entry.account, entry.amount_minor) for entry in entries if entry.influencer_id == whose]
        assert sorted(lines) == sorted((account, amount) for account, amount in found.items() if amount)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_payment_that_came_back_makes_expense_less_again(netted: int, invoiced: int) -> None:
    posting = of_return(
        commission_id=new_id(),
        influencer_id=INFLUENCER,
        currency="GBP",
        clawed_minor=netted + invoiced,
        invoiced_minor=invoiced,
    )

    entries = {} if posting is None else {entry.account: entry.amount_minor for entry in posting.entries}
    expected = {
        LedgerAccount.CLAWED_BACK: netted + invoiced,
        LedgerAccount.EXPENSE: -netted - invoiced,
        LedgerAccount.INVOICED: -invoiced,
        LedgerAccount.PAYABLE: invoiced,
    }
    assert entries == {account: amount for account, amount in expected.items() if amount}
