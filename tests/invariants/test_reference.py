"""Nothing is declared and not documented: the reference and the schema are what the code says."""

from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

import app
from app.cli.command import commands
from app.cli.reference import render
from app.errors import CODES
from app.observability.metrics import DECLARED
from app.outbox import TOPICS
from app.settings import Settings

REFERENCE = Path(app.__file__).parent / "REFERENCE.md"


def rendered() -> str:
    group = typer.main.get_command(commands)
    assert isinstance(group, TyperGroup)
    return render(group)


def test_the_reference_is_current() -> None:
    assert REFERENCE.read_text() == rendered(), "run `scoville reference > app/REFERENCE.md`"


@pytest.mark.parametrize(
    "name",
    [
        *(f"SCOVILLE_{name.upper()}" for name in Settings.model_fields if not name.endswith("_url")),
        *CODES,
        *TOPICS,
        *(metric.name for metric in DECLARED),
    ],
)
def test_each_declaration_is_described(name: str) -> None:
    lines = [line for line in rendered().splitlines() if line.startswith(f"| `{name}` |")]

    assert len(lines) == 1
    assert len(lines[0].rstrip("| ").rpartition("|")[2].split()) >= 3, "a description is more than a word"
