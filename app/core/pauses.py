"""Lets others run during long work without waiting: a large call must not hold up every other one of its process.

Taken by use cases inside their loops; what is pure stays so and knows nothing of it.
"""

import asyncio

WORK_S_MAX = 0.02
"""Seconds of work between two pauses, plus what is done in one step."""


class Pauses:
    """The pauses of one piece of work. Made inside a running event loop."""

    def __init__(self) -> None:
        self._time_s = asyncio.get_running_loop().time
        self._since_s = self._time_s()

    async def take(self) -> None:
        """Give way, unless the last pause was a moment ago: costs next to nothing then."""
        if self._time_s() - self._since_s < WORK_S_MAX:
            return
        await asyncio.sleep(0)
        self._since_s = self._time_s()
