"""`scoville reference`: app/REFERENCE.md, from the declarations, so that nothing is declared and forgotten."""

from collections.abc import Iterable, Iterator, Sequence

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.cli.options import environment_names
from app.core.context import SCOPES, Role, Scope
from app.db.facts import FAMILIES
from app.errors import CODES
from app.observability.metrics import DECLARED
from app.outbox import TOPICS
from app.settings import Settings

commands = typer.Typer()

HEAD = """# Reference

Written by `scoville reference` from the declarations; a test keeps it current. Do not edit it.
"""


@commands.command("reference")
def reference(context: typer.Context) -> None:
    """Print the reference of settings, roles, errors, events, measures, dimensions, metrics and commands."""
    root = context.find_root().command
    assert isinstance(root, TyperGroup)
    typer.echo(render(root), nl=False)


def render(root: TyperGroup) -> str:
    """The whole reference as Markdown. root: the `scoville` command with all groups."""
    sections = (
        ("Commands", ("command", "what it does", "options"), _commands(root)),
        ("Settings", ("environment", "default", "meaning"), _settings()),
        ("Roles and scopes", ("role", "scopes"), _roles()),
        ("Error codes", ("code", "meaning and way out"), ((f"`{code}`", text) for code, text in CODES.items())),
        ("Measures", ("measure", "unit", "formula", "by", "meaning"), _measures()),
        ("Dimensions", ("dimension", "meaning"), _dimensions()),
        ("Events", ("topic", "meaning and payload"), ((f"`{topic}`", text) for topic, text in TOPICS.items())),
        ("Metrics", ("metric", "kind", "labels", "meaning"), _metrics()),
        ("Exported files", ("file", "column", "type", "meaning"), _exported()),
    )
    return HEAD + "".join(f"\n## {title}\n\n{_table(columns, rows)}" for title, columns, rows in sections)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _commands(group: TyperGroup, path: str = "scoville") -> Iterator[tuple[str, str, str]]:
    for name in sorted(group.commands):
        command, full = group.commands[name], f"{path} {name}"
        if isinstance(command, TyperGroup):
            yield from _commands(command, full)
        elif isinstance(command, TyperCommand) and not command.hidden:
            yield f"`{full}`", command.get_short_help_str(limit=300), _options(command)


def _options(command: TyperCommand) -> str:
    named = (option.opts[0] for option in command.params if isinstance(option, TyperOption) and option.name != "help")
    arguments = (str(given.name).upper() for given in command.params if not isinstance(given, TyperOption))
    return ", ".join(f"`{text}`" for text in (*arguments, *named))


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        # The data directory's default is the user's own: told in words, for the page is the same on every machine.
        default = "the user's data directory" if name == "data_dir" else f"`{field.default}`"
        yield f"`{environment_names(name)[0]}`", default, field.description or ""


def _roles() -> Iterator[tuple[str, str]]:
    for role in Role:
        scopes = SCOPES[role]
        text = "all" if scopes == frozenset(Scope) else ", ".join(f"`{scope.value}`" for scope in sorted(scopes))
        yield f"`{role.value}`", f"{text}; own rows only" if role is Role.INFLUENCER else text


def _measures() -> Iterator[tuple[str, str, str, str, str]]:
    for measure in MEASURES.values():
        by = ", ".join(measure.dimensions)
        yield f"`{measure.name}`", measure.formula.unit.value, measure.formula_text, by, measure.description


def _dimensions() -> Iterator[tuple[str, str]]:
    for dimension in DIMENSIONS.values():
        yield f"`{dimension.api_name}`", dimension.description


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    for metric in DECLARED:
        yield f"`{metric.name}`", metric.kind, ", ".join(metric.labels), metric.description


def _exported() -> Iterator[tuple[str, str, str, str]]:
    for family in FAMILIES:
        yield f"`{family.name}.parquet`", "", "", family.description
        for column in family.columns:
            yield "", f"`{column.name}`", column.kind.value, column.description
