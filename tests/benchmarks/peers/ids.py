"""How the source's integers are named in Scoville: ids and keys that anyone can work out again, without a list.

An id is `KKKKKKKK-0000-7000-8000-NNNNNNNNNNNN`: the kind and the source's number, both in decimal digits.
"""

from enum import IntEnum
from uuid import UUID


class Kind(IntEnum):
    """What an id names. The number it is made from: the source's own where nothing else is said."""

    TENANT = 1
    """The source's partner."""
    TWIN = 2
    """The TEST twin of the partner's tenant."""
    INFLUENCER = 3
    CAMPAIGN = 4
    ENROLLMENT = 5
    """campaign × 1,000 + position; so are codes."""
    CODE = 6
    PROFILE = 7
    """The influencer's."""
    PRODUCT = 8
    """partner × 1,000,000 + number in the SKU."""
    INSTANCE = 9
    ORDER = 10
    LINE = 11
    EVENT = 12
    """The order's, as for all kinds below but parts, which have their line's."""
    CREDIT = 13
    ACCRUAL = 14
    ACCRUAL_PART = 15
    ACCRUAL_STATE = 16
    ACCRUAL_NEXT_STATE = 17
    ACCRUAL_POSTING = 18
    ACCRUAL_EXPENSE = 19
    ACCRUAL_DEBT = 20
    REFUND = 21
    REFUND_LINE = 22
    REFUND_EVENT = 23
    REVERSAL = 24
    REVERSAL_PART = 25
    REVERSAL_STATE = 26
    REVERSAL_POSTING = 27
    REVERSAL_EXPENSE = 28
    REVERSAL_DEBT = 29
    KEY = 30
    """The partner's administrator key."""


def id_of(kind: Kind, number: int) -> UUID:
    """The id of the thing of this number."""
    return UUID(f"{kind:08}-0000-7000-8000-{number:012}")


def sql_id(kind: Kind, number: str) -> str:
    """The same as an SQL expression over an integer expression."""
    return f"('{kind:08}-0000-7000-8000-' || lpad(({number})::text, 12, '0'))::uuid"


def key_of(partner: int) -> str:
    """The administrator's key of the partner's tenant: known to all, for a server that only benchmarks reach."""
    return f"sk_live_{partner:0>32}"


def code_of(campaign: int, influencer: int) -> str:
    """The coupon code of an enrollment."""
    return f"C{campaign}I{influencer}"
