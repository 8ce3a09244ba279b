"""What a process keeps of rows: an epoch at a time, and only so many."""

from typing import Any

from app.cache.rows import KeptRows
from app.campaigns.service import CAMPAIGN_KIND
from app.db.entities import EntityKind
from app.db.keyset import Listing
from app.influencers.queries import SOCIAL_PROFILES
from app.influencers.service import INFLUENCER_KIND
from app.products.service import PRODUCT_KIND
from graphql_schema.families import FAMILIES

KIND = ("tenant", "campaigns", None)


def test_what_was_kept_is_found_in_its_epoch_alone() -> None:
    rows = KeptRows()
    rows.add(rows.of(KIND, "first"), {"a": 1}, 1)

    assert rows.of(KIND, "first").found == {"a": 1}
    assert rows.of(("another", "campaigns", None), "first").found == {}
    assert rows.of(KIND, "second").found == {}
    assert rows.of(KIND, "first").found == {}


def test_who_loaded_in_an_epoch_that_is_over_keeps_for_nobody() -> None:
    rows = KeptRows()
    late = rows.of(KIND, "first")
    rows.add(rows.of(KIND, "second"), {"a": 2}, 1)

    rows.add(late, {"a": 1, "b": 1}, 2)

    assert rows.of(KIND, "second").found == {"a": 2}


def held(rows: KeptRows) -> int:
    """Rows that are kept, with what they are kept by."""
    return sum(1 + sum(1 + len(each) for each in kept.found.values()) for kept in rows._kinds.values())


def test_only_so_many_are_kept() -> None:
    rows = KeptRows(rows_max=100)
    most = 0
    for number in range(1_000):
        children = ("one",) * (number % 9)
        rows.add(rows.of((number % 7,), "first"), {str(number): children}, len(children))
        most = max(most, held(rows))
    for number in range(1_000):
        # Kinds of which nothing is found count as well.
        rows.of(("empty", number), "first")
        most = max(most, held(rows))

    assert 80 < most <= 100


def test_what_goes_makes_room() -> None:
    rows = KeptRows(rows_max=40)
    for epoch in range(100):
        rows.add(rows.of(KIND, str(epoch)), {str(number): number for number in range(15)}, 15)

    assert len(rows.of(KIND, "99").found) == 15


def test_changes_of_rows_that_are_kept_are_told() -> None:
    kinds: tuple[EntityKind[Any], ...] = (CAMPAIGN_KIND, INFLUENCER_KIND, PRODUCT_KIND)
    assert all(kind.shown_as is not None for kind in kinds)
    told = {kind.table.name for kind in kinds}
    # Written with its influencer, as a field of it.
    told.add(SOCIAL_PROFILES.table)

    listings: list[Listing] = [SOCIAL_PROFILES, *(family.listing for family in FAMILIES.values())]
    assert {listing.table for listing in listings if listing.is_kept} == told
