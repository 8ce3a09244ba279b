"""Random documents: whatever is asked is answered or refused with a code, and the cache says what was computed."""

import random
from collections.abc import Sequence
from typing import TypeVar

import pytest

from app.analytics.query import Preset
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.core.context import Role
from app.core.timegrain import Granularity
from app.main import create_app
from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.asking import RANGE, MakeKey
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

T = TypeVar("T")

FILTERS = (
    "",
    "where: null",
    'where: {code: {in: ["SPICY20"], isNull: true}}',
    'where: {not: {or: [{country: {startsWith: "D"}}, {influencer: {isNull: true}}]}}',
    "where: {and: [], or: [{}]}",
)
ZONES = ("", 'timeZone: "Asia/Kolkata"', 'timeZone: "Pacific/Apia"', 'timeZone: "Africa/Monrovia"')


class Documents:
    """Documents that may be mistaken, but fit the schema. The same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def document(self) -> str:
        """One question at the root and the same under campaigns."""
        arguments = f"{self._range()} {self._one(ZONES)} {self._one(FILTERS)}"
        parts = " ".join(f"part{number}: {self._part()}" for number in range(self._chance.randint(1, 3)))
        return f"""{{
          analytics({arguments}) {{ {parts} meta {{ cost warnings {{ code count }} }} plan {{ cost }} }}
          campaigns(first: 3) {{ nodes {{ analytics({arguments}) {{ {parts} }} }} }}
        }}"""

    def _one(self, some: Sequence[T]) -> T:
        return self._chance.choice(some)

    def _range(self) -> str:
        last = f"n: {self._one((0, 1, 3, 9999))}, unit: {self._one(list(Granularity))}, includeCurrent: true"
        everything = 'from: "1900-01-01T00:00:00Z", until: "2200-12-31T00:00:00Z"'
        preset = f"range: {{preset: {self._one(list(Preset))}}}"
        return self._one(
            (RANGE, RANGE, preset, f"range: {{last: {{{last}}}}}", f"range: {{between: {{{everything}}}}}")
        )

    def _measures(self) -> str:
        names = self._chance.sample(list(MEASURES), self._chance.randint(1, 4))
        return f"{{ {' '.join(f'{name}(at: 0.9)' if MEASURES[name].takes == 'at' else name for name in names)} }}"

    def _ref(self) -> str:
        return f"{{name: {self._one(list(MEASURES.values())).api_name}}}"

    def _grouping(self) -> str:
        elements = (
            f"{{dimension: {{name: {self._one(list(DIMENSIONS)).upper()}}}}}"
            if self._chance.random() < 0.7
            else f"{{time: {{every: {self._one(list(Granularity))}}}}}"
            for _ in range(self._chance.randint(1, 3))
        )
        measure = f"{{measure: {{measure: {self._ref()}, direction: {self._one(('ASC', 'DESC'))}, nulls: FIRST}}}}"
        order = self._one(("", f"orderBy: [{measure}]", f"orderBy: [{measure}, {{time: DESC}}]"))
        return f"by: [{', '.join(elements)}] {order} first: {self._one((0, 1, 5, 50))}"

    def _part(self) -> str:
        match self._chance.randint(0, 3):
            case 0:
                return f"totals {self._measures()}"
            case 1:
                return f"series(every: {self._one(list(Granularity))}) {{ start filled measures {self._measures()} }}"
            case 2:
                key = "key { influencer { name } campaign { id } currency code platform time { start } }"
                return f"""groups({self._grouping()}) {{
                  totalCount pageInfo {{ endCursor }} totals {self._measures()}
                  nodes {{ rank {key} measures {self._measures()} }}
                }}"""
            case _:
                columns = "columns { name unit strings integers decimals times }"
                return f"table({self._grouping()} measures: [{self._ref()}]) {{ {columns} pageInfo {{ endCursor }} }}"


@pytest.mark.parametrize("seed", range(3))
async def test_answered_or_refused_and_the_same_again(
    runtime: Runtime, store: Store, make_key: MakeKey, seed: int
) -> None:
    documents = Documents(seed)
    answered = 0
    async with Client(create_app(runtime), await make_key(Role.ANALYST, of=store.ctx.tenant)) as client:
        for _ in range(20):
            document = documents.document()
            computed, remembered = await client.query(document), await client.query(document)
            codes = [error["extensions"]["code"] for error in computed.get("errors", ())]
            assert not {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}.intersection(codes), document
            assert remembered == computed, document
            answered += not codes

    assert answered > 1
