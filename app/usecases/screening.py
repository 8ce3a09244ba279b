"""Screens what new credits earn by the tenant's rules of fraud: what is suspicious is held until it is reviewed.

A step of whatever books credits: the commissions are looked at before they are posted, the hits are written after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from app import outbox
from app.commissions.service import NewCommission
from app.core.context import Ctx
from app.core.words import CommissionKind, CommissionState
from app.db.session import WriteSession
from app.fraud import hits
from app.fraud.lookup import look_up
from app.fraud.rules import RULES, FraudRules
from app.fraud.suspicion import Found, Suspect, suspicious


class Buying(NamedTuple):
    """What an order tells of who bought."""

    customer_id: UUID | None
    visitor_id: str | None


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found suspicious."""

    found: Sequence[Found] = ()

    def held(self, rows: Iterable[NewCommission]) -> list[NewCommission]:
        """The rows as they are to be posted: what is suspicious starts HELD, and names the rules."""
        rules: dict[UUID, list[str]] = {}
        for each in self.found:
            rules.setdefault(each.suspect.commission_id, []).append(each.rule.value)
        return [
            replace(row, starts_as=CommissionState.HELD, reason=f"Suspected of fraud: {', '.join(rules[row.id])}.")
            if row.id in rules
            else row
            for row in rows
        ]

    async def keep(self, ctx: Ctx, session: WriteSession) -> None:
        """Write the hits. The commissions are posted."""
        written = await hits.insert(ctx, session, self.found)
        await outbox.append(
            ctx,
            session,
            [
                outbox.Event(
                    "fraud.suspected",
                    hit.id,
                    {
                        "rule": hit.rule.value,
                        "commissionId": str(hit.commission_id),
                        "influencerId": str(hit.influencer_id),
                    },
                )
                for hit in written
            ],
        )


async def screen(
    ctx: Ctx,
    session: WriteSession,
    rows: Iterable[NewCommission],
    buying: Mapping[UUID, Buying],
    rules: FraudRules | None = None,
) -> Screened:
    """What is suspicious of these accruals; bonuses among them are not looked at. buying: by order, all of a
    batch. rules: the tenant's, if they were looked up.
    """
    if rules is None:
        rules = await RULES.load(ctx, session)
    if rules.is_empty:
        return Screened()
    suspects = [
        Suspect(
            commission_id=row.id,
            order_id=row.order_id,
            influencer_id=row.terms.influencer_id,
            occurred_at=row.occurred_at,
            customer_id=buying[row.order_id].customer_id,
            visitor_id=buying[row.order_id].visitor_id,
        )
        for row in rows
        if row.kind is CommissionKind.ACCRUAL and row.order_id is not None
    ]
    if not suspects:
        return Screened()
    batch = [(order_id, of_order.visitor_id, of_order.customer_id) for order_id, of_order in buying.items()]
    return Screened(suspicious(rules, suspects, await look_up(ctx, session, rules, suspects, batch)))
