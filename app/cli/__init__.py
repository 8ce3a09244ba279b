"""The `scoville` command: one file per group, each a thin layer over use cases and services.

A user's mistake is one line on standard error, with its code of app/errors.py, and exit code 2 (how it was called) or 1
(what it met); a traceback is a bug of ours. Where a script reads the output, `--json` makes it one JSON value.
"""

from app.cli.command import main

__all__ = ["main"]
