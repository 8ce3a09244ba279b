"""Calls of a use case made at once, and what their answers say."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeAlias

from app.core.outcomes import ItemOutcome

Answer: TypeAlias = "tuple[ItemOutcome, ...] | BaseException"


async def at_once(*calls: Awaitable[tuple[ItemOutcome, ...]]) -> list[Answer]:
    """The answers of calls made in one turn of the loop."""
    return await asyncio.gather(*calls, return_exceptions=True)


def told(answer: Answer) -> list[tuple[Any, ...]]:
    """What an answer says, but for ids that are made up."""
    assert not isinstance(answer, BaseException), answer
    return [
        (each.index, each.outcome, each.external_id, each.code, each.message, each.path, each.detail.get("explanation"))
        for each in answer
    ]


def outcomes_of(answers: Sequence[Answer]) -> list[str]:
    """The outcome, or refusal, of each answer's first item."""
    return [
        getattr(answer, "code", type(answer).__name__)
        if isinstance(answer, BaseException)
        else answer[0].code or answer[0].outcome.value
        for answer in answers
    ]
