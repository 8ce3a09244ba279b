"""Made-up posts with what they gathered, made-up spend and payouts: rows for `facts.py`, which knows the others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, Protocol
from uuid import UUID

from app.core.ids import new_id

FIGURES = ("likes", "comments", "shares", "views")


class Rows(Protocol):
    """Rows by table."""

    @property
    def rows(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """All of them."""
        ...

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        """The row, added."""
        ...

    def ids(self, table: str) -> list[UUID]:
        """Ids of a table's rows."""
        ...


def add_post(facts: Rows, chance: Random, *, time: Callable[[], datetime]) -> None:
    """A post that was looked at a few times: figures may fall, and are not always told."""
    post = {
        "platform": chance.choice(("TIKTOK", "YOUTUBE", "X")),
        "post_id": f"post-{new_id()}",
        "influencer_id": chance.choice(facts.ids("influencers")),
        "campaign_id": _maybe(chance, facts.ids("campaigns"), 0.7),
    }
    figures = dict.fromkeys(FIGURES, 0)
    for at in sorted({time() for _ in range(chance.randint(1, 8))}):
        figures = {name: max(0, figure + chance.randint(-20, 400)) for name, figure in figures.items()}
        told = {name: figure if chance.random() < 0.8 else None for name, figure in figures.items()}
        if not any(figure is not None for figure in told.values()):
            told["views"] = figures["views"]
        facts.add(
            "engagement_snapshots",
            id=new_id(),
            **post,
            occurred_at=at,
            **told,
            content_hash="\\x00",
            recorded_at=at,
        )


def add_spend(facts: Rows, chance: Random, *, at: datetime, rates: Mapping[str, float]) -> None:
    """Something spent on a campaign, or corrected; in a currency whose rate may be missing."""
    currency = chance.choice(("GBP", "GBP", "EUR", "JPY"))
    amount = chance.randint(-500, 9_000)
    is_known = currency != "JPY" or chance.random() < 0.5
    facts.add(
        "spend",
        id=new_id(),
        external_id=f"spend-{new_id()}",
        occurred_at=at,
        campaign_id=chance.choice(facts.ids("campaigns")),
        influencer_id=_maybe(chance, facts.ids("influencers"), 0.5),
        currency=currency,
        amount_minor=amount,
        amount_base_minor=round(amount * rates[currency]) if is_known else None,
        content_hash="\\x00",
        recorded_at=at,
    )


def add_payout(facts: Rows, chance: Random, *, time: Callable[[], datetime], rates: Mapping[str, float]) -> None:
    """An influencer who was paid, and some of it may have come back; in a currency whose rate may be missing."""
    currency = chance.choice(("GBP", "GBP", "EUR", "JPY"))
    amount = chance.randint(1, 9_000)
    returned = chance.choice((0, 0, amount, chance.randint(0, amount)))
    first, second = sorted((time(), time()))
    is_known = currency != "JPY" or chance.random() < 0.5
    influencer_id = chance.choice(facts.ids("influencers"))
    dated = {"created_at": first, "updated_at": first}
    whose = {"influencer_id": influencer_id, "currency": currency}
    known = [row for row in facts.rows["payout_methods"] if all(row[name] == whose[name] for name in whose)]
    method = (
        known[0]
        if known
        else facts.add(
            "payout_methods",
            id=new_id(),
            **whose,
            provider="MANUAL",
            status="ACTIVE",
            is_default=False,
            tax_state="MISSING",
            **dated,
        )
    )
    batch = facts.add("payout_batches", id=new_id(), provider="MANUAL", currency=currency, state="DONE", **dated)
    item = facts.add(
        "payout_items",
        id=new_id(),
        batch_id=batch["id"],
        method_id=method["id"],
        **whose,
        state="RETURNED" if returned == amount else "SUCCEEDED",
        amount_minor=amount,
        reserved_currency=currency,
        reserved_minor=amount,
        call_key=f"{batch['id']}-0",
        returned_minor=returned,
        attempts=1,
        **dated,
    )
    for kind, moved, at in (("PAID", amount, first), ("RETURNED", -returned, second)):
        if moved:
            facts.add(
                "payout_payments",
                id=new_id(),
                item_id=item["id"],
                kind=kind,
                **whose,
                amount_minor=moved,
                amount_base_minor=round(moved * rates[currency]) if is_known else None,
                occurred_at=at,
                recorded_at=at,
            )


def _maybe(chance: Random, ids: Sequence[UUID], share: float) -> UUID | None:
    return chance.choice(ids) if chance.random() < share else None
