"""Laws of the source itself: who may import what, and that it stays readable."""

import re

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.invariants.source import ROOT, python_files

CODE = ("app", "graphql_schema", "migrations", "tests")

LINES_MAX = 400
"""Lines of a file of the product. Around 300 it should have been two."""

VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|data)(_|$)")


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files("app", "graphql_schema")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }

    assert long == {}


def test_names_say_what_a_file_holds() -> None:
    vague = [
        str(path.relative_to(ROOT))
        for path in python_files(*CODE)
        if any(VAGUE.search(part.removesuffix(".py")) for part in path.relative_to(ROOT).parts)
    ]

    assert vague == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files(*CODE)
        if path.name != "test_source.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"BaseHTTPMiddleware", "it cancels what runs inside, and leaves connections behind: plain ASGI instead"),
        (r"\.form\(|python_multipart", "forms are read without bounds, and no route takes any"),
        (r"QueryDepthLimiter|MaxAliasesLimiter", "they walk a fragment once a spread: the work doubles with each line"),
        (r"redis\.asyncio import (.*\b)?Redis\b|from_url\(", "a cancelled command leaves its reply to the next caller"),
        (r"(?i)\bSECURITY DEFINER\b|\bLEAKPROOF\b", "either hands rows to those whom the policies keep away"),
        (r"(?i)\bset_config\(|\bSET SESSION\b", "what outlives a transaction reaches the connection's next tenant"),
        (r"\b(pickle|marshal|shelve)\b|\byaml\.load\(|\beval\(|\bexec\(", "it runs what it reads"),
    ],
)  # fmt: skip
def test_what_broke_others_is_not_used(pattern: str, why: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files("app", "graphql_schema", "migrations")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]

    assert found == [], why


def test_every_module_says_what_is_in_it() -> None:
    silent = []
    for path in python_files("app", "graphql_schema"):
        text = path.read_text(encoding="utf-8")
        if text.strip() and not text.lstrip().startswith('"""'):
            silent.append(str(path.relative_to(ROOT)))

    assert silent == []
