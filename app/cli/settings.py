"""`scoville settings`."""

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import typer
from pydantic import SecretStr

from app.cli.options import DataDir, Host, Json, Port, Workers, environment_names, given, load_settings
from app.cli.output import print_rows
from app.settings import Settings

commands = typer.Typer()

HIDDEN = "hidden"


@commands.command("settings")
def show(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Print every setting: its value, where that comes from, and what it means. Secrets are hidden."""
    flags = {"host": host, "port": port, "workers": workers, "data_dir": data_dir}
    settings = load_settings(**flags)
    rows = [
        (
            environment_names(field)[0],
            shown(getattr(settings, field)),
            _source(field, flags),
            Settings.model_fields[field].description,
        )
        for field in Settings.model_fields
    ]
    print_rows(("name", "value", "source", "description"), rows, as_json=as_json)


def shown(value: Any) -> Any:
    """A value that may be shown: of a URL everything but its password."""
    if not isinstance(value, SecretStr):
        return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
    parts = urlsplit(value.get_secret_value())
    if parts.query:
        # Drivers take passwords there too.
        parts = parts._replace(query=HIDDEN)
    if parts.password is not None:
        user, host = parts.username or "", parts.netloc.rpartition("@")[2]
        parts = parts._replace(netloc=f"{user}:{HIDDEN}@{host}")
    return urlunsplit(parts)


def _source(field: str, flags: dict[str, Any]) -> str:
    if field in given(flags):
        return "flag"
    # Names in the environment are matched as the settings match them: in any case.
    present = {name.upper() for name in os.environ}
    return "environment" if present & set(environment_names(field)) else "default"
