"""What `scoville rollups advise` prints: advice for people, and the same for scripts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.analytics.advice import Advice, Proposal, Unserved
from app.analytics.rollups.catalog import RollupSet
from app.cli.output import shown


def lines(advice: Advice, since: datetime | None, beyond: int) -> Iterable[str]:
    """What is shown to people."""
    if since is None:
        yield "No question is on record yet: servers record what they are asked every SCOVILLE_DEMAND_INTERVAL_S."
    else:
        yield (
            f"{advice.questions:,} questions since {shown(since)[:10]} read about {advice.rows:,} rows for sums that "
            "rollups hold."
        )
    if advice.without:
        why = "distinct counts, another currency or model, an earlier state"
        yield f"{advice.without:,} of them need no such sum: {why}."
    if beyond:
        yield f"{beyond:,} more were of shapes that were not kept."
    for proposal in advice.proposals:
        yield ""
        yield from _proposed(proposal)
    if since is not None and not advice.proposals:
        yield ""
        yield "No set would save more rows than it stores."
    for unserved in advice.unserved:
        yield ""
        yield f"No set can serve {unserved.questions:,} questions that read {unserved.rows:,} rows: {_why(unserved)}."
    yield ""
    yield "Stored sets:"
    width = max(len(use.name) for use in advice.uses)
    for use in advice.uses:
        note = "" if use.questions or since is None else "  never used"
        packs = "" if use.facts_per_row is None else f", {use.facts_per_row:,.1f} facts in one"
        yield f"  {use.name:{width}} {use.grain.value:5}  {use.questions:,} questions, {use.rows:,} rows{packs}{note}"


def as_values(advice: Advice, since: datetime | None, beyond: int) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "since": since,
        "questions": advice.questions,
        "rows": advice.rows,
        "without_sums": advice.without,
        "shapes_not_kept": beyond,
        "proposals": [
            {
                "name": each.declared.name,
                "dimensions": each.declared.dimensions,
                "grains": each.grains,
                "is_new": each.is_new,
                "questions": each.questions,
                "rows_before": each.before,
                "rows_after": each.after,
                "rows_stored": each.rows,
                "facts_per_row": round(each.facts_per_row, 1),
                "declaration": declaration(each.declared),
            }
            for each in advice.proposals
        ],
        "stored": [
            {
                "name": use.name,
                "grain": use.grain,
                "rows": use.rows,
                "facts_per_row": None if use.facts_per_row is None else round(use.facts_per_row, 1),
                "questions": use.questions,
            }
            for use in advice.uses
        ],
        "unserved": [{"needs": each.needs, "questions": each.questions, "rows": each.rows} for each in advice.unserved],
    }


def declaration(declared: RollupSet) -> str:
    """The line of CATALOG in app/analytics/rollups/catalog.py."""
    dimensions = _tuple(f'"{name}"' for name in declared.dimensions)
    grains = _tuple(f"Grain.{grain.value}" for grain in declared.grains)
    return f'RollupSet("{declared.name}", {dimensions}, {grains}, cells={declared.cells}),'


def _proposed(proposal: Proposal) -> Iterable[str]:
    by = " and ".join(grain.value for grain in proposal.grains)
    yield f"{'Declare' if proposal.is_new else 'Extend'} {proposal.declared.name} by {by}:"
    yield f"  {declaration(proposal.declared)}"
    yield f"  {proposal.questions:,} questions would read about {proposal.after:,} rows instead of {proposal.before:,}"
    yield f"  it would store about {proposal.rows:,} rows, {proposal.facts_per_row:,.1f} facts in one"


def _why(unserved: Unserved) -> str:
    if unserved.needs:
        return f"sets cannot have {', '.join(unserved.needs)}"
    return "their buckets are no whole hours of UTC"


def _tuple(parts: Iterable[str]) -> str:
    found: Sequence[str] = tuple(parts)
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"
