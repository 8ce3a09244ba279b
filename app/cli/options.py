"""Options that several commands share, and the settings that they change."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.settings import Settings

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Directory of the embedded Postgres and Valkey.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Name of the tenant.")]
Test = Annotated[bool, typer.Option("--test", help="Of the TEST twin.")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default=False)]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.", show_default=False)]
Workers = Annotated[int | None, typer.Option("--workers", help="Server processes behind the port.", show_default=False)]


class UsageError(Exception):
    """The command was called, or the environment set, in a way that cannot work."""

    code = "BAD_USER_INPUT"


def load_settings(**flags: Any) -> Settings:
    """The settings of the environment; a flag that was given wins. Raises UsageError naming what does not fit."""
    try:
        return Settings(**given(flags))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        told = (f"{_name(str(item['loc'][0]))}: {item['msg'].removeprefix('Value error, ')}" for item in wrong)
        raise UsageError("; ".join(told)) from error


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def environment_names(field: str) -> tuple[str, ...]:
    """Names of environment variables that set a field."""
    alias = Settings.model_fields[field].validation_alias
    if alias is None:
        return (f"SCOVILLE_{field.upper()}",)
    return tuple(str(choice) for choice in getattr(alias, "choices", [alias]) if str(choice).isupper())


def _name(location: str) -> str:
    return location if location not in Settings.model_fields else environment_names(location)[0]
