"""Deadlines end what is late, and nothing else."""

import asyncio

import pytest

from app.core.deadline import Deadline


async def test_what_is_late_is_ended_by_a_timeout() -> None:
    with pytest.raises(TimeoutError), Deadline(0.01):
        await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_what_is_in_time_is_left_alone() -> None:
    with Deadline(0.01):
        await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError), Deadline(0.01):
        1 / 0  # noqa: B018
    await asyncio.sleep(0.02)


async def test_the_outer_of_two_ends_both() -> None:
    ended = []

    with pytest.raises(TimeoutError), Deadline(0.01):
        try:
            with Deadline(10):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("inner")
            raise

    assert ended == ["inner"]


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    async def late() -> None:
        with Deadline(0.01):
            try:
                await asyncio.Event().wait()
            finally:
                # Two at once: the deadline's, and this.
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

    async def early() -> None:
        with Deadline(10):
            await asyncio.Event().wait()

    for work, is_cancelled_outside in ((late, False), (early, True)):
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        if is_cancelled_outside:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
