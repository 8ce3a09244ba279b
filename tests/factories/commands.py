"""Runs `scoville` commands, each in a process of its own, with its own environment and streams.

The processes are forked from one that has imported what commands need: to import it takes longer than most of them run.
`COMMAND` is for a process that a test starts and ends itself.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeAlias

from app.settings import Settings

Done: TypeAlias = "subprocess.CompletedProcess[str]"
Scoville: TypeAlias = Callable[..., Done]
"""Runs a command: its arguments, and as keywords variables of its environment."""

COMMAND = [sys.executable, "-c", "from app.cli import main; main()"]

ROOT = Path(__file__).parents[2]

TIMEOUT_S = 60
"""Seconds after which a command is killed."""


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without anything that sets Scoville."""
    ours = ("SCOVILLE_", "DATABASE_", "REDIS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that names the servers of the settings, and sets nothing else of Scoville."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    return clean_environment(
        DATABASE_URL=settings.database_url.get_secret_value(),
        DATABASE_ADMIN_URL=settings.owner_url,
        REDIS_URL=settings.redis_url.get_secret_value(),
    )


def output(done: Done) -> Any:
    """The JSON value that a successful command printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Commands:
    """A process that commands are forked from, while the context lasts."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.factories.commands import main; main()"],
            env=clean_environment(),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def on(self, settings: Settings) -> Scoville:
        """Runs commands against the servers of the settings."""
        environment = environment_of(settings)
        return lambda *arguments, **more: self.run(arguments, environment | more)

    def alone(self, *arguments: str, **environment: str) -> Done:
        """A command on a machine where nothing sets Scoville but these variables."""
        return self.run(arguments, clean_environment(**environment))

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Done:
        """What a command with these arguments and nothing but this environment did."""
        asked, told = self._process.stdin, self._process.stdout
        assert asked is not None
        assert told is not None
        with tempfile.TemporaryDirectory() as directory:
            files = [Path(directory) / name for name in ("stdout", "stderr")]
            call = {
                "arguments": list(arguments),
                "environment": dict(environment),
                "directory": str(Path.cwd()),
                "files": list(map(str, files)),
            }
            asked.write(json.dumps(call) + "\n")
            asked.flush()
            code = json.loads(told.readline())
            stdout, stderr = (file.read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(list(arguments), code, stdout, stderr)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def main() -> None:
    """Fork a process for each line of standard input, and say on standard output how it ended."""
    command = import_module("app.cli.command")
    for name in command.MODULES.values():
        import_module(f"app.cli.{name}")
    gc.collect()
    gc.freeze()
    calls, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    while line := calls.readline():
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line), calls, answers)
            # It ends as any process does, with the code of the command.
            command.main()
            return
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _become(call: dict[str, Any], *others: IO[str]) -> None:
    """Make this process the command's."""
    for each in others:
        each.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, file in enumerate(call["files"], start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(call["directory"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.argv = ["scoville", *call["arguments"]]
    signal.alarm(TIMEOUT_S)
