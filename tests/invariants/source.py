"""The source as the laws read it: files and their string literals, docstrings left out."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Literal:
    """A string literal. is_whole: it has no interpolated parts, and is no part of one that has."""

    path: Path
    line: int
    text: str
    is_whole: bool

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """All Python files below these folders."""
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


@cache
def literals(*folders: str) -> tuple[Literal, ...]:
    """All string literals below these folders; of an f-string, its fixed text with `{}` for what is put in."""
    return tuple(literal for path in python_files(*folders) for literal in _literals(path))


def _literals(path: Path) -> Iterator[Literal]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            inside.update(node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield Literal(path, node.lineno, text, is_whole=False)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield Literal(path, node.lineno, node.value, is_whole=True)
