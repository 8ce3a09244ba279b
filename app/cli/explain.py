"""`scoville explain`: how an analytics question is answered, and by which statements."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from app.analytics.plan import FacetPlan, Plan, RollupScan
from app.analytics.query import Parents
from app.analytics.runner import Runner
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.analytics.sql.statement import Bound
from app.cache.answers import NullAnswers
from app.cli import services
from app.cli.lookup import find_tenant
from app.cli.options import DataDir, Json, Tenant, Test, UsageError, load_settings
from app.cli.output import print_json
from app.core.context import Ctx, nobody
from app.core.timegrain import Granularity, Interval
from app.db.owner import OwnerDatabase
from app.db.session import Database
from app.settings import Settings
from graphql_schema.documents import Refused
from graphql_schema.explain import FoundQuestion, questions

commands = typer.Typer()


@dataclass(frozen=True, slots=True)
class Explained:
    """How one `analytics` field of a document is answered."""

    path: tuple[str, ...]
    parents: Parents | None
    plan: Plan
    statements: tuple[Bound, ...]


@commands.command("explain")
def explain(
    tenant: Tenant,
    document: Annotated[
        str | None,
        typer.Argument(help="A GraphQL document with `analytics` fields: a file, `-` for standard input, or its text."),
    ] = None,
    variables: Annotated[str | None, typer.Option("--variables", help="The document's variables, as JSON.")] = None,
    operation: Annotated[str | None, typer.Option("--operation", help="Which of the document's operations.")] = None,
    measures: Annotated[
        list[str] | None, typer.Option("--measure", help="Instead of a document: a measure. May be repeated.")
    ] = None,
    by: Annotated[list[str] | None, typer.Option("--by", help="Group by this dimension. May be repeated.")] = None,
    every: Annotated[Granularity | None, typer.Option("--every", help="In time buckets of this length.")] = None,
    last: Annotated[int, typer.Option("--last", help="Over the last so many days, today included.")] = 30,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA zone; else the tenant's.")] = None,
    test: Test = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show plan and SQL of analytics questions: of a document as the API reads it, or of options. Answers nothing."""
    if (document is None) == (not measures):
        raise UsageError("Give either a document or --measure.")
    if document is not None:
        text, values = _text(document), _variables(variables)
    else:
        text, values = composed(measures or [], by or [], every), {"last": last, "zone": zone}

    given = load_settings(data_dir=data_dir)
    found = read(text, values, operation, given)

    async def work(settings: Settings) -> list[Explained]:
        async with OwnerDatabase.connected(settings) as owner:
            whose = await find_tenant(owner, tenant, is_test=test)
        db = await Database.open(settings)
        try:
            runner = Runner(db, NullAnswers(), settings)
            return [await _explained(runner, nobody(whose, datetime.now(UTC)), each) for each in found]
        finally:
            await db.close()

    with services.ready(given) as settings:
        explained = services.run(work(settings))
    if as_json:
        print_json([as_values(each) for each in explained])
    else:
        sys.stdout.write("\n".join(line for each in explained for line in lines(each)) + "\n")


def composed(measures: Sequence[str], by: Sequence[str], every: Granularity | None) -> str:
    """A document that asks for the measures, in groups when there is anything to group by. Raises UsageError."""
    known = {measure.api_name: name for name, measure in MEASURES.items()}
    unknown = [name for name in measures if name not in MEASURES and name.upper() not in known]
    unknown += [name for name in by if name.lower() not in DIMENSIONS]
    if unknown:
        raise UsageError(f"There is no {' and no '.join(unknown)}. app/REFERENCE.md lists measures and dimensions.")
    fields = " ".join(name if name in MEASURES else known[name.upper()] for name in measures)
    elements = [f"{{dimension: {{name: {name.upper()}}}}}" for name in by]
    if every is not None and by:
        elements.append(f"{{time: {{every: {every}}}}}")
    if elements:
        selection = f"groups(by: [{', '.join(elements)}]) {{ nodes {{ measures {{ {fields} }} }} }}"
    elif every is not None:
        selection = f"series(every: {every}) {{ measures {{ {fields} }} }}"
    else:
        selection = f"totals {{ {fields} }}"
    return f"""query ($last: Int!, $zone: TimeZone) {{
      analytics(range: {{last: {{n: $last, unit: DAY, includeCurrent: true}}}}, timeZone: $zone) {{ {selection} }}
    }}"""


def read(text: str, variables: dict[str, Any], operation: str | None, settings: Settings) -> list[FoundQuestion]:
    """The questions of a document. Raises UsageError for what is none."""
    try:
        found = questions(text, variables, operation_name=operation, settings=settings)
    except Refused as refused:
        raise UsageError("; ".join(error.message for error in refused.errors)) from None
    if not found:
        raise UsageError("The document asks nothing of `analytics`.")
    return found


def lines(explained: Explained) -> Iterable[str]:
    """What is shown to people."""
    yield from plan_lines(explained)
    for bound in explained.statements:
        yield ""
        yield from statement_lines(bound)
    yield ""


def plan_lines(explained: Explained) -> Iterable[str]:
    """The plan: for each part what is read, over which times."""
    plan = explained.plan
    yield f"{'.'.join(explained.path)}: cost {plan.cost}, about {plan.estimated_rows} rows in a busy tenant"
    if explained.parents is not None:
        yield f"  for each {explained.parents.dimension} of the list, together"
    for facet in plan.facets:
        yield f"  {_title(facet)}"
        for scan in facet.scans:
            if isinstance(scan, RollupScan):
                yield f"    ROLLUP {scan.rollup}: {', '.join(scan.sums)}"
                for part in scan.parts:
                    yield f"      {part.buckets} × {part.grain.value}  {_span(part.interval)}"
                yield "    DELTAS of the same times"
            else:
                yield f"    FACTS {scan.source.value}: {', '.join(scan.sums)}"
                for span in scan.spans:
                    yield f"      {_span(span)}"


def statement_lines(bound: Bound) -> Iterable[str]:
    """A statement and its parameters, as comments that SQL tools read over."""
    statement = bound.statement
    yield f"{statement.text};"
    for number, (name, kind) in enumerate(zip(statement.names, statement.types, strict=True), start=1):
        yield f"-- ${number} {name}: {kind}"


def as_values(explained: Explained) -> dict[str, Any]:
    """The same for scripts."""
    plan = explained.plan
    return {
        "path": explained.path,
        "parents": None if explained.parents is None else explained.parents.dimension,
        "cost": plan.cost,
        "estimated_rows": plan.estimated_rows,
        "sources": [
            {"name": source.name, "kind": source.kind, "granularity": source.granularity} for source in plan.sources
        ],
        "statements": [
            {
                "sql": bound.statement.text,
                "parameters": [
                    {"name": name, "type": kind, "value": value}
                    for name, kind, value in zip(bound.statement.names, bound.statement.types, bound.args, strict=True)
                ],
            }
            for bound in explained.statements
        ],
    }


async def _explained(runner: Runner, ctx: Ctx, found: FoundQuestion) -> Explained:
    plan = await runner.planned(ctx, found.question, found.parents)
    return Explained(found.path, found.parents, plan, runner.statements(ctx, plan))


def _title(facet: FacetPlan) -> str:
    by = [*facet.dimensions, *([f"{len(facet.layers[0].edges) - 1} buckets"] if facet.has_time else [])]
    paged = "" if facet.paging is None else f", first {facet.paging.limit}"
    return f"{facet.name}{' by ' + ', '.join(by) if by else ''}{paged}"


def _span(interval: Interval) -> str:
    return f"{interval.start:%Y-%m-%dT%H:%M:%SZ} to {interval.end:%Y-%m-%dT%H:%M:%SZ}"


def _text(document: str) -> str:
    try:
        if document == "-":
            text = sys.stdin.read()
        else:
            # What has braces is no name of a file.
            text = document if "{" in document else Path(document).read_text(encoding="utf-8")
        # Of bytes that are no UTF-8, standard input and arguments keep halves of characters.
        text.encode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{document} is no file that can be read, and no GraphQL document.") from error
    return text


def _variables(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"--variables is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise UsageError("--variables is not a JSON object.")
    return values
