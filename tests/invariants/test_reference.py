"""Nothing is declared and not documented: the reference and the schema are what the code says."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

import app
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.cli.command import commands
from app.cli.reference import render
from app.errors import CODES
from app.observability.metrics import DECLARED
from app.outbox import TOPICS
from app.settings import Settings
from tests.invariants.source import ROOT

ARCHITECTURE = Path(app.__file__).parent / "README.md"
REFERENCE = Path(app.__file__).parent / "REFERENCE.md"
SEMANTICS = Path(app.__file__).parent / "SEMANTICS.md"


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


def test_the_semantics_define_each_measure_and_say_by_what_it_goes() -> None:
    text = SEMANTICS.read_text()
    table = text.partition("## Measures\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    # A measure that takes an argument may be defined with it besides.
    defined = {name.strip().partition("(")[0] for row in table for name in row.split("|")[1].split(",")}
    by_what = text.partition("Which measure by which dimension:")[2].partition("\n## ")[0]
    told = {"is_purchase": "isPurchase", "hour_of_day": "hour of the day", "day_of_week": "day of the week"}

    assert defined == set(MEASURES)
    assert {name for name in DIMENSIONS if told.get(name, name.replace("_", " ")) not in by_what} == set()


def test_every_law_names_tests_that_exist() -> None:
    section = ARCHITECTURE.read_text().partition("\n## Laws\n")[2].partition("\n## ")[0]
    laws = re.findall(r"^\d+\. \*\*.+?(?=^\d+\. |\Z)", section, re.MULTILINE | re.DOTALL)
    named = [re.findall(r"`(\S+/test_\w+\.py)`", law) for law in laws]

    assert len(laws) == 10
    assert [law for law, files in zip(laws, named, strict=True) if not files] == []
    assert [file for files in named for file in files if not (ROOT / "tests" / file).is_file()] == []
