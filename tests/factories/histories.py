"""Random histories of orders: what stores send in the course of months, and the program around it."""

import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.words import InstanceKind, LineKind, Platform
from app.orders.inputs import LineInput, OrderInput, RefundLineInput
from app.tracking.inputs import InstanceInput
from tests.factories.orders import NOON, ProgramRows, line, order, refund


class Store:
    """A store that sends at random what stores send; every draw comes from one seed. names: of its orders."""

    def __init__(self, seed: int, orders: int) -> None:
        self.chance = random.Random(seed)
        self.names = [f"o{seed}-{number}" for number in range(orders)]

    def lines(self, currency: str) -> list[LineInput]:
        """Lines whose revenue and total are not negative."""
        chance, unit = self.chance, Decimal(1) if currency == "JPY" else Decimal("0.01")
        lines = [
            LineInput(LineKind.ITEM, chance.randrange(5_000) * unit, chance.randint(1, 4), f"sku-{chance.randrange(5)}")
            for _ in range(chance.randint(1, 4))
        ]
        gross = sum((each.amount for each in lines), Decimal(0))
        if chance.random() < 0.5:
            lines.append(line(LineKind.DISCOUNT, str(-(gross / unit * chance.randrange(60) // 100) * unit)))
        if chance.random() < 0.6:
            lines.append(line(LineKind.SHIPPING, str(chance.randrange(900) * unit)))
        return lines

    def order(self, name: str) -> OrderInput:
        """An order with or without touches."""
        chance = self.chance
        currency = chance.choice(("GBP", "GBP", "PLN", "JPY", "HUF"))
        return order(
            *self.lines(currency),
            external_id=name,
            currency=currency,
            occurred_at=NOON + timedelta(minutes=chance.randrange(40_000)),
            codes=tuple(chance.sample(("HOT", "MILD", "NOPE"), chance.randint(0, 2))),
            visitor_id=chance.choice((None, "v", "w")),
            customer=chance.choice((None, "c", "d")),
            country=chance.choice((None, "GB", "DE")),
            test=chance.random() < 0.05,
        )

    def refund(self, name: str, number: int) -> Any:
        """A refund by amount or by line, fitting or not."""
        chance = self.chance
        at = NOON + timedelta(minutes=chance.randrange(80_000))
        if chance.random() < 0.5:
            return refund(name, str(chance.randrange(1, 4_000)), external_id=f"r-{name}-{number}", occurred_at=at)
        asks = tuple(
            RefundLineInput(position=position, quantity=chance.choice((None, 1, 2)))
            for position in chance.sample(range(5), chance.randint(1, 2))
        )
        return refund(name, lines=asks, external_id=f"r-{name}-{number}", occurred_at=at)

    def instance(self, offered: "Offered") -> InstanceInput:
        """A click, view or use of a code, of somebody or nobody."""
        chance = self.chance
        return InstanceInput(
            kind=chance.choice((InstanceKind.CLICK, InstanceKind.CLICK, InstanceKind.VIEW, InstanceKind.CODE)),
            occurred_at=NOON + timedelta(minutes=chance.randrange(-10_000, 40_000)),
            influencer_id=chance.choice((offered.ina, offered.ben, None)),
            campaign_id=chance.choice((offered.linear, offered.last, None)),
            platform=chance.choice((Platform.TIKTOK, Platform.YOUTUBE, None)),
            channel=chance.choice(("social", None)),
            country=chance.choice(("GB", "DE", None)),
            visitor_id=chance.choice(("v", "w", "x", None)),
        )


@dataclass(frozen=True, slots=True)
class Offered:
    """A program: Ina in a campaign whose credit is shared, Ben enrolled in one of the last touch, a code of each."""

    ina: UUID
    ben: UUID
    linear: UUID
    last: UUID


async def offer(program: ProgramRows) -> Offered:
    """The program in which the stores' orders find their touches, and rates of all their currencies but HUF."""
    await program.rate("PLN", "GBP", "0.2037", on=NOON)
    for day in range(30):
        await program.rate("GBP", "JPY", "187.31", on=NOON + timedelta(days=day))
        await program.rate("PLN", "GBP", "0.2037", on=NOON + timedelta(days=day))
    ben, ina = await program.influencer(), await program.influencer()
    linear = await program.campaign("0.0733", "LINEAR", click_window_days=60)
    last = await program.campaign("0.125")
    await program.enrollment(last, ben, rate="0.2")
    await program.code("HOT", ina, linear)
    await program.code("MILD", ben, last)
    return Offered(ina, ben, linear, last)
