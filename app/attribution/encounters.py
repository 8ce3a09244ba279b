"""Whom the orders of a batch name together: a visitor and a customer met where one order named both. Pure.

Orders are judged before they are written. Each is to be judged as if those before it in the batch were recorded: so
what they name is remembered here, beside what recorded orders and instances name.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Encounter(NamedTuple):
    """An order that names both. number: its place in the batch, of which each has its own."""

    at: datetime
    number: int
    visitor_id: str
    customer_id: UUID


class Encounters:
    """The encounters of a batch, asked for one order of it: those before it count, within a time, both ends included.

    Recorded orders may be among them: what they name is known twice then.
    """

    def __init__(self, encounters: Iterable[Encounter]) -> None:
        self._of_visitor: dict[str, list[Encounter]] = defaultdict(list)
        self._of_customer: dict[UUID, list[Encounter]] = defaultdict(list)
        for encounter in sorted(encounters):
            self._of_visitor[encounter.visitor_id].append(encounter)
            self._of_customer[encounter.customer_id].append(encounter)

    def customers(self, visitor_id: str, number: int, since: datetime, until: datetime, *, count: int) -> set[UUID]:
        """Customers whom the visitor is known to be, at most `count`."""
        found: set[UUID] = set()
        for encounter in _before(self._of_visitor.get(visitor_id, ()), number, since, until):
            found.add(encounter.customer_id)
            if len(found) == count:
                break
        return found

    def visitors(
        self, customer_id: UUID, number: int, since: datetime, until: datetime, *, count: int
    ) -> dict[str, datetime]:
        """Visitors who are known to be the customer, and when each was seen last: the `count` latest at least."""
        found: dict[str, datetime] = {}
        last_at = until
        for encounter in _before(self._of_customer.get(customer_id, ()), number, since, until):
            # Those seen at the same time as the last that counts are for whoever asks to choose from.
            if len(found) >= count and encounter.at < last_at:
                break
            if encounter.visitor_id not in found:
                found[encounter.visitor_id] = last_at = encounter.at
        return found


def _before(met: Sequence[Encounter], number: int, since: datetime, until: datetime) -> Iterator[Encounter]:
    # Latest first.
    for place in range(bisect_right(met, until, key=_at) - 1, -1, -1):
        encounter = met[place]
        if encounter.at < since:
            return
        if encounter.number < number:
            yield encounter


def _at(encounter: Encounter) -> datetime:
    return encounter.at
