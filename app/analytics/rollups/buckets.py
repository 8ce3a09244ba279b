"""Contributions grouped into the buckets of every rollup set: one text for folding, rebuilding and verifying.

Parameters of all of them: $1 tenant, $2 and $3 the times of the contributions (half-open), $4 the edges of UTC's hours,
$5 to $8 those of days, months, quarters and years in the reporting zone, around these times.
"""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import select, union_all

from app.analytics.rollups.catalog import DIMENSION_SETS, ROLLUP_DIMENSIONS, RollupSet
from app.analytics.semantic.sums import SUMS, Source
from app.analytics.sql.cells import BUCKET, Cells, Times
from app.analytics.sql.facts import fact_scan
from app.analytics.sql.statement import rendered
from app.core.ids import ZERO_ID
from app.core.words import Grain

STORED: tuple[str, ...] = tuple(name for name, declared in SUMS.items() if declared.is_stored)
"""The sums that rollups hold, in the order of all statements here."""

_KEYS = {"campaign": "campaign_id", "influencer": "influencer_id", "platform": "platform"}
_NONE = {"campaign": f"'{ZERO_ID}'::uuid", "influencer": f"'{ZERO_ID}'::uuid", "platform": "''"}
_COLUMNS = ", ".join(STORED)
_KEY = "rollup_set, grain, campaign_id, influencer_id, bucket, platform"
"""Of rollups, after the tenant."""

_EDGES_OF = {grain: f"{grain.value.lower()}s" for grain in Grain}

_BUCKETS = {
    grain: f"(SELECT {name} FROM edge)[width_bucket(contribution.occurred_at, (SELECT {name} FROM edge))]"  # noqa: S608
    for grain, name in _EDGES_OF.items()
}

# Named whether a grain needs them or not: a parameter that a text leaves out has no type.
_EDGES = "edge AS (SELECT {})".format(
    ", ".join(f"${number}::timestamptz[] AS {name}" for number, name in enumerate(_EDGES_OF.values(), start=4))
)

_DELETED = f"""
  DELETE FROM rollup_delta
  WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
  RETURNING occurred_at, campaign_id, influencer_id, platform, {_COLUMNS}"""  # noqa: S608 - names of columns only


@lru_cache(maxsize=1)
def _from_facts() -> str:
    # The contribution of every fact, as its writer made it, at its exact time.
    cells = Cells(None, ROLLUP_DIMENSIONS, has_time=True, where=None, sums=STORED, is_exact=True)
    scans = []
    for source in Source:
        sums = tuple(name for name in STORED if source in SUMS[name].sources)
        if not sums:
            continue
        scan = fact_scan(source, sums, cells, Times())
        assert scan is not None, "nothing is filtered"
        scans.append(scan)
    facts = union_all(*scans).subquery("fact")
    statement = rendered(select(facts), "contributions")
    assert statement.names == ("tenant", "range_start", "range_end"), "the parameters of all texts here"
    assert statement.columns == (*ROLLUP_DIMENSIONS, BUCKET, *STORED)
    text = statement.text.split("\n", 1)[1]
    keys = ", ".join(f"coalesce(fact.{name}, {_NONE[name]}) AS {_KEYS[name]}" for name in ROLLUP_DIMENSIONS)
    return f"""
  SELECT fact.{BUCKET} AS occurred_at, {keys}, {_COLUMNS}
  FROM ({text}) AS fact"""  # noqa: S608


def _cells(sets: Sequence[RollupSet]) -> str:
    sums = ", ".join(f"sum(contribution.{name}) AS {name}" for name in STORED)
    branches = []
    for rollup in sets:
        keys = {
            name: f"{f'contribution.{_KEYS[name]}' if name in rollup.dimensions else _NONE[name]} AS {_KEYS[name]}"
            for name in ROLLUP_DIMENSIONS
        }
        branches += [
            f"""
  SELECT '{rollup.name}'::text AS rollup_set, '{grain.value}'::text AS grain, {keys["campaign"]}, {keys["influencer"]},
    {_BUCKETS[grain]} AS bucket, {keys["platform"]}, {sums}
  FROM contribution
  GROUP BY 1, 2, 3, 4, 5, 6"""  # noqa: S608
            for grain in rollup.grains
        ]
    return "\n  UNION ALL".join(branches)


def _upsert(name: str, contributions: str, sets: Sequence[RollupSet], *, before: str = "") -> str:
    # In the order of the key, so that a campaign's days lie together: read by questions, a row on each page costs most.
    added = ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in STORED)
    return f"""/* rollups.{name} */
WITH {_EDGES},{before}
contribution AS MATERIALIZED ({contributions}
),
cell AS ({_cells(sets)}
)
INSERT INTO rollups (tenant_id, {_KEY}, {_COLUMNS})
SELECT $1, {_KEY}, {_COLUMNS}
FROM cell
ORDER BY {_KEY}
ON CONFLICT (tenant_id, {_KEY})
DO UPDATE SET {added}"""  # noqa: S608


@lru_cache(maxsize=8)
def fold_text(sets: tuple[RollupSet, ...]) -> str:
    """Moves the deltas of the times into the sets' buckets."""
    return _upsert("fold", _DELETED, sets)


@lru_cache(maxsize=8)
def rebuild_text(sets: tuple[RollupSet, ...]) -> str:
    """Adds the contributions of the facts of the times to the sets' buckets, and drops the deltas of the times.

    Both at once, so that the facts are the very ones whose deltas go: what is committed meanwhile keeps its delta.
    """
    return _upsert("rebuild", _from_facts(), sets, before=f"\ndropped AS ({_DELETED}\n),")


@lru_cache(maxsize=1)
def sizes_text() -> str:
    """Of every set of dimensions (`+` between them) and grain, how many rows the facts of the times would be."""
    keys = ", ".join(f"contribution.{_KEYS[name]}" for name in ROLLUP_DIMENSIONS)
    buckets = ", ".join(f"{bucket} AS {grain.value.lower()}" for grain, bucket in _BUCKETS.items())
    branches = [
        f"""SELECT '{"+".join(dimensions)}'::text AS dimensions, '{grain.value}'::text AS grain, count(*) AS rows
FROM (SELECT DISTINCT {", ".join((*(_KEYS[name] for name in dimensions), grain.value.lower()))} FROM cell) AS apart"""  # noqa: S608
        for dimensions in DIMENSION_SETS
        for grain in Grain
    ]
    together = "\nUNION ALL\n".join(branches)
    return f"""/* rollups.sizes */
WITH {_EDGES},
contribution AS MATERIALIZED ({_from_facts()}
),
cell AS MATERIALIZED (
  SELECT DISTINCT {keys}, {buckets}
  FROM contribution
)
{together}"""  # noqa: S608


@lru_cache(maxsize=8)
def verify_text(sets: tuple[RollupSet, ...]) -> str:
    """Where facts − deltas − rollups is not zero, for the sets' buckets of the times. $9: rows at most."""
    minus = ", ".join(f"-{name} AS {name}" for name in STORED)
    sums = ", ".join(f"sum({name}) AS {name}" for name in STORED)
    differs = " OR ".join(f"sum({name}) <> 0" for name in STORED)
    pairs = ", ".join(f"('{rollup.name}', '{grain.value}')" for rollup in sets for grain in rollup.grains)
    return f"""/* rollups.verify */
WITH {_EDGES},
contribution AS MATERIALIZED ({_from_facts()}
  UNION ALL
  SELECT occurred_at, campaign_id, influencer_id, platform, {minus}
  FROM rollup_delta
  WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
),
cell AS ({_cells(sets)}
  UNION ALL
  SELECT {_KEY}, {minus}
  FROM rollups
  WHERE tenant_id = $1 AND (rollup_set, grain) IN ({pairs}) AND bucket >= $2 AND bucket < $3
)
SELECT {_KEY}, {sums}
FROM cell
GROUP BY {_KEY}
HAVING {differs}
ORDER BY {_KEY}
LIMIT $9"""  # noqa: S608
