"""Which answers are kept: those of small questions once they are asked again, those of large ones at once."""

from dataclasses import replace

import pytest

from app.analytics.query import Ask, Between, Columns, Question
from app.analytics.runner import Runner
from app.runtime import Runtime
from tests.integration.analytics.asking import UNTIL
from tests.integration.analytics.store import START, Store

pytestmark = pytest.mark.database


async def kept(runtime: Runtime, store: Store, question: Question, *, rows_min: int) -> list[bool]:
    """Of three times that a question is asked, whether each was answered from the cache."""
    settings = runtime.settings.model_copy(update={"answer_rows_min": rows_min})
    runner = Runner(runtime.db, runtime.answers, settings)
    # Rollups are known once anything was asked of the tenant.
    await runner.run(store.ctx, replace(question, totals=Columns((Ask("clicks"),))))
    return [(await runner.run(store.ctx, question)).plan is None for _ in range(3)]


async def test_small_answers_are_kept_once_they_are_asked_again(runtime: Runtime, store: Store) -> None:
    question = Question(Between(START, UNTIL), totals=Columns((Ask("orders"), Ask("instances"))))

    assert await kept(runtime, store, question, rows_min=10**12) == [False, False, True]


async def test_large_answers_are_kept_at_once(runtime: Runtime, store: Store) -> None:
    question = Question(Between(START, UNTIL), totals=Columns((Ask("orders"), Ask("purchases"))))

    assert await kept(runtime, store, question, rows_min=0) == [False, True, True]


async def test_instances_that_are_no_longer_kept_are_told(runtime: Runtime, store: Store) -> None:
    settings = runtime.settings.model_copy(update={"instances_since": UNTIL})
    runner = Runner(runtime.db, runtime.answers, settings)

    async def warned(measure: str) -> list[str]:
        answer = await runner.run(store.ctx, Question(Between(START, UNTIL), totals=Columns((Ask(measure),))))
        return [each.code.value for each in answer.warnings]

    assert await warned("clicks") == ["RETENTION_CUT"]
    assert await warned("orders") == []
