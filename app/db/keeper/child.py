"""A server as the child of its keeper: started, awaited, ended; and what an earlier keeper left behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from app.core.lifeline import end_with_parent
from app.db.keeper.place import Owner

ORPHAN_EXIT_TIMEOUT_S = 10.0
"""Seconds a server left behind gets to end by itself, before it is killed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started.

    stop_steps: signal and the seconds to wait after it, gentlest first; a kill follows the last.
    descriptors: open files that the server inherits under the same numbers.
    """

    command: Sequence[str]
    directory: Path
    owner: Owner
    stop_steps: Sequence[tuple[signal.Signals, float]]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()


def user_arguments(owner: Owner) -> dict[str, object]:
    """Arguments of subprocess for running as another user; none when it is this one."""
    if owner.is_self:
        return {}
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []}


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a server sees of the environment: nothing that could configure it (PGDATA, PGPORT, …), or name secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC", **more}


class Child:
    """A running server. Made by a process with one thread: code runs between fork and exec."""

    def __init__(self, launch: Launch, log: IO[bytes]) -> None:
        self._launch = launch
        self.process = subprocess.Popen(  # noqa: S603 - the programs of our own packages
            list(launch.command),
            cwd=launch.directory if not launch.descriptors else None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=clean_environment(launch.environment),
            pass_fds=launch.descriptors,
            start_new_session=True,
            umask=0o077,
            # Ended by the kernel when the keeper is killed; where there is no such thing, by the next start.
            preexec_fn=end_with_parent(launch.stop_steps[0][0], os.getpid()),
            **user_arguments(launch.owner),  # type: ignore[call-overload]
        )

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def wait_ready(self, is_ready: Callable[[int], bool], timeout_s: float) -> bool:
        """True once `is_ready(pid)`; False when it ended first, or the time is over."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.is_alive:
                return False
            if is_ready(self.process.pid):
                return True
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """End it, gently first."""
        for number, seconds in self._launch.stop_steps:
            if not self.is_alive:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        if self.is_alive:
            self.process.kill()
            self.process.wait()


def end_orphans(name: str, directory: Path, number: signal.Signals) -> None:
    """End every process called `name` that works in `directory`: left behind by a keeper that was killed.

    Only the keeper, holding its lock, may call this: then no such process belongs to anyone. They are found by what
    they are and where they work, never by a number in a file, which may long belong to someone else.
    """
    orphans = _working_in(name, directory)
    for orphan in orphans:
        _signal(orphan, number)
    _, stubborn = psutil.wait_procs(orphans, timeout=ORPHAN_EXIT_TIMEOUT_S)
    for orphan in stubborn:
        _signal(orphan, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=ORPHAN_EXIT_TIMEOUT_S)


def _working_in(name: str, directory: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and process.cwd() == str(directory):
                found.append(process)
        except psutil.Error:
            # Gone meanwhile, or someone else's: not one of ours either way.
            continue
    return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
