"""A process that ends with its parent, even when the parent is killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals, parent: int) -> Callable[[], None]:
    """A function that asks the kernel to send this process the signal when its parent dies.

    Called in the process that is to end, by itself or between fork and exec; parent: the parent's process id. Only
    Linux can: elsewhere the function does nothing, and callers must not depend on it alone.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            # It died before it was asked for: the kernel will not tell any more.
            os.kill(os.getpid(), number)

    return ask
