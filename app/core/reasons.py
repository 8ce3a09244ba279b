"""To whom the reasons of commissions are told: wherever one is shown, it is asked here."""

from app.core.context import Principal
from app.core.words import CommissionKind


def tells_reason(principal: Principal, kind: CommissionKind, *, is_first: bool) -> bool:
    """Whether the principal is told the reason of a commission's passage. is_first: the one that it began with.

    An influencer is told why a correction was made, which is written for them. All else, such as what a commission is
    suspected of, is written among the tenant's staff.
    """
    return principal.influencer_id is None or (is_first and kind is CommissionKind.ADJUSTMENT)
