"""What commands print: tables for people, JSON for scripts, progress for whoever waits."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def print_json(value: Any) -> None:
    """One line of JSON on standard output, at once."""
    sys.stdout.write(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode() + "\n")
    sys.stdout.flush()


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool) -> None:
    """A table, or a JSON array of objects."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    table = Table(*(column.replace("_", " ") for column in columns), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    # A table that is piped somewhere is not cut to the width of a terminal that is not there.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 400)
    console.print(table)


def shown(value: Any) -> str:
    """A value as people read it: a time in UTC to the second, nothing for None."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    return "" if value is None else str(value)


def progress_bar(*, is_quiet: bool) -> Progress:
    """Progress of long work, on standard error; nothing where no person watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=is_quiet or not console.is_terminal,
    )
