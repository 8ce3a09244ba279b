"""All groups put together, and what happens to their errors."""

import gc
import sys
from collections import UserDict
from importlib import import_module, metadata
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from app.cli.options import UsageError
from app.errors import DomainError, OutsideError, QueryIssues

MODULES = {
    "demo": "demo",
    "serve": "serve",
    "worker": "worker",
    "migrate": "migrate",
    "tenants": "tenants",
    "keys": "keys",
    "rollups": "rollups",
    "ledger": "ledger",
    "rates": "rates",
    "partitions": "partitions",
    "import": "imports",
    "export": "export",
    "explain": "explain",
    "schema": "schema",
    "settings": "settings",
    "reference": "reference",
}
"""The module of each command, or group of commands, in the order of the help: it has a typer application `commands`."""


class Commands(UserDict[str, Any]):
    """Commands by name, each imported when it is first asked for: what one needs, the others do not wait for."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            found = self.data[name] = _imported(name, found)
        return found


def _imported(name: str, module: str) -> Any:
    # All of it stays: the collector would look through it again and again, for a fifth of the time.
    gc.disable()
    try:
        group = typer.main.get_group(import_module(f"app.cli.{module}").commands)
    finally:
        gc.enable()
    group.name = name
    # Of a single command there is no group.
    return group.commands.get(name, group)


class Scoville(TyperGroup):
    """The `scoville` command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands(MODULES)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # What typer checks through pydantic comes with pydantic's words before its own.
            error.message = error.message.removeprefix("Value error, ")
            raise
        except KeyboardInterrupt:
            # Typer would end the command without a word.
            sys.stderr.write("scoville: Interrupted.\n")
            raise


commands = typer.Typer(
    name="scoville",
    cls=Scoville,
    help="Analytics and money for influencer and partner programs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"scoville {metadata.version('scoville')}")
        raise typer.Exit


@commands.callback()
def scoville(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of the command itself."""


INTERRUPTED = 130
"""What a shell expects of a command that Ctrl-C ended."""


def main() -> None:
    """Run the command of this process and exit."""
    # What a script reads is not the place for logs, also not of commands that do not configure them.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        commands()
    except UsageError as error:
        sys.exit(_refuse(f"{error.code}: {error}", 2))
    except DomainError as error:
        sys.exit(_refuse(f"{error.code}: {error.message}", 1))
    except OutsideError as error:
        sys.exit(_refuse(error.message, 1))
    except QueryIssues as issues:
        sys.exit(_refuse("\n".join(f"{issue.code}: {issue.message}" for issue in issues.issues), 1))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _refuse(message: str, code: int) -> int:
    sys.stderr.write(f"scoville: {message}\n")
    return code
