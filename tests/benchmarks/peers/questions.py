"""The questions in each contender's language, and the varied picks: the same facts, asked in a way not asked before.

queries/<language>/<question>.graphql with `<question>.vars.json`, in the form that the harness reads as well: @c, @p
and @x stand for a campaign, a partner and a text used once. Times are variables.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.ids import key_of

QUERIES = Path(__file__).parent / "queries"

READS = ("q1", "q2", "q3", "q4", "q5")
ANALYTICS = ("q1", "q2", "q3")
"""Those that rollups and caches can answer."""

FIRST_DAY = date(2025, 11, 1)
LAST_DAY = date(2026, 11, 1)
CAMPAIGNS = 950
"""Those that are asked about: of all partners but the last, whose orders M1 records."""

CAMPAIGNS_OF_PARTNER = 50
DASHBOARD_DAYS = 30
SHIFTS_MAX = 24
"""Months by which a varied range may begin before the first fact, or end after the last."""

ORDERING_PARTNER = 20
"""Whose orders M1 records."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What a question is asked about; days are UTC, until is not in it."""

    campaign: int
    since: date
    until: date

    @property
    def partner(self) -> int:
        """Whose campaign it is."""
        return (self.campaign - 1) // CAMPAIGNS_OF_PARTNER + 1


def usual(question: str) -> Pick:
    """What is asked when the question is repeated."""
    since = date(2026, 10, 2) if question == "q1" else FIRST_DAY
    campaign = ORDERING_PARTNER * CAMPAIGNS_OF_PARTNER if question == "m1" else 310
    return Pick(campaign, since, LAST_DAY)


def varied(question: str, seed: int) -> Iterator[Pick]:
    """Distinct picks without end in sight, the same for a seed: thirty days of any campaign; or all months of a
    partner, in a range that reaches over the first and last fact by any number of empty months."""
    chance = random.Random(seed)
    while True:
        campaign = chance.randint(1, CAMPAIGNS)
        if question == "q1":
            since = FIRST_DAY + timedelta(days=chance.randrange(336))
            yield Pick(campaign, since, since + timedelta(days=DASHBOARD_DAYS))
        else:
            before, after = chance.randrange(SHIFTS_MAX), chance.randrange(SHIFTS_MAX)
            yield Pick(campaign, _shifted(FIRST_DAY, -before), _shifted(LAST_DAY, after))


def _shifted(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def exists(language: str, question: str) -> bool:
    """Whether the language can ask it."""
    return (QUERIES / language / f"{question}.graphql").exists()


def body(language: str, question: str, pick: Pick, *, inline: bool = False) -> str:
    """The request's JSON. inline: the values stand in the document, as careless clients write them."""
    document = (QUERIES / language / f"{question}.graphql").read_text()
    variables = json.loads(_filled((QUERIES / language / f"{question}.vars.json").read_text(), question, pick))
    if inline:
        return json.dumps({"query": _inlined(document, variables)})
    return json.dumps({"query": document, "variables": variables})


def line(language: str, question: str, pick: Pick, *, inline: bool = False) -> str:
    """A line of the file that load.lua posts."""
    authorization = f"Bearer {key_of(pick.partner)}" if language == "scoville" else ""
    return f"{authorization}\t{body(language, question, pick, inline=inline)}"


def _filled(text: str, question: str, pick: Pick) -> str:
    first = usual(question)
    # Ids of Scoville have twelve digits, of which the file gives those before the three of the usual campaign.
    text = text.replace("000000000@c", f"{pick.campaign:012}").replace("@c", str(pick.campaign))
    text = text.replace("@p", str(pick.partner))
    since, until = f'"{first.since}T', f'"{first.until}T'
    return text.replace(since, '"<since>T').replace(until, f'"{pick.until}T').replace('"<since>T', f'"{pick.since}T')


def _inlined(document: str, variables: dict[str, Any]) -> str:
    head, _, rest = document.partition("(")
    rest = rest.partition(")")[2]
    for name, value in variables.items():
        rest = rest.replace(f"${name}", json.dumps(value))
    return head + rest


def lines(language: str, question: str, picks: Sequence[Pick], *, inline: bool = False) -> list[str]:
    """Lines for all picks."""
    return [line(language, question, pick, inline=inline) for pick in picks]
