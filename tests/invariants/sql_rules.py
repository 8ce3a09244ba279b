"""What every SQL statement of the app must keep to: one tenant, named for each table; times and ids from the app.

Used by the tests of the source, and by the suite itself, which holds every statement that any test runs against these
rules (tests/conftest.py). A cluster routes a statement to one node only when each table reference says the tenant.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlmodel import SQLModel

from app.tables import GLOBAL_TABLES

TENANT_TABLES = frozenset(SQLModel.metadata.tables) - GLOBAL_TABLES

TAG = re.compile(r"/\* ([a-z_]+)\.([a-z0-9_]+) \*/\s")

PARAMETER = re.compile(r"\$\d+")
OTHER_PARAMETER = re.compile(r"\$(?!1\b)\d+")
"""All but the tenant."""

LITERAL = re.compile(r"'(?:[^']|'')*'")
WORD = re.compile(r"\w+")
SELECT = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
TOGETHER = re.compile(r"\b(?:UNION(?:\s+ALL)?|INTERSECT|EXCEPT)\b", re.IGNORECASE)
LISTED = re.compile(r"\A\s*SELECT\b.*?\n\s*FROM\s", re.IGNORECASE | re.DOTALL)
"""Columns, up to a FROM that begins a line: not that of `extract(hour FROM …)`."""

NAMED = re.compile(r"(\w+)(?:\s*\([^()]*\))?\s+AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(", re.IGNORECASE)
"""A query that is given a name."""

NOT_UNDERSTOOD = "not understood"

WRITING = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b|;", re.IGNORECASE)

BANNED = {
    r"\bnow\(\)|\bcurrent_(timestamp|date|time)\b|\b(clock|statement|transaction)_timestamp\b|\blocaltime": (
        "the time is a parameter"
    ),
    r"\bdate_trunc\b|\bAT TIME ZONE\b|\bdate_bin\b": "bucket edges are computed in core/timegrain",
    r"\bset_config\b": "a cluster's nodes see SET LOCAL alone",
    r"\bgen_random_uuid\b|\buuidv7\b|\brandom\(\)|\bnextval\b": "ids come from the app",
    r"\btxid_|\bpg_current_xact|\bxmin\b|\bpg_snapshot": "snapshots say nothing across the nodes of a cluster",
    r"\bLISTEN\b|\bNOTIFY\b|\bpg_advisory": "these reach sessions of the same node only",
    # OFFSET 0 skips nothing: it keeps a subquery apart from the statement around it.
    r"\bOFFSET\b(?! 0\b)": "pages are found by key",
}


def banned(text: str) -> list[str]:
    """What a piece of SQL says that none may say."""
    return [
        f"{found.group(0)}: {reason}"
        for pattern, reason in BANNED.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]


def violations(sql: str) -> tuple[str, ...]:
    """What a whole statement does wrong."""
    bare = _without_comments(sql)
    found = banned(bare)
    if TAG.match(sql.lstrip()) is None:
        found.append("no tag comment first, like /* orders.lock */")
    wrong = dict.fromkeys(each for piece in _pieces(bare) for each in _of_piece(piece))
    if any(each.startswith(NOT_UNDERSTOOD) for each in wrong):
        # Perhaps it was cut where it may not be.
        wrong = dict.fromkeys(_of_piece(bare))
    return (*found, *wrong)


def _pieces(sql: str) -> Iterator[str]:
    """The SELECTs of a reading statement, each by itself and without its list of columns; else the whole statement.

    A table that is read must be held to the tenant by its own SELECT, and a column is of a table only by a SELECT of
    its own. The same SELECTs come back in hundreds of statements, and to parse takes long.
    """
    bare = LITERAL.sub("'text'", sql)
    if WRITING.search(bare) or TENANT_TABLES & set(NAMED.findall(bare)) or bare.count("(") != bare.count(")"):
        yield sql
        return
    levels: list[list[str]] = [[]]
    selects: list[str] = []
    for token in re.split(r"([()])", OTHER_PARAMETER.sub("$2", bare)):
        if token == "(":
            levels.append([])
        elif token == ")" and len(levels) > 1:
            inner = "".join(levels.pop())
            if SELECT.match(inner) or TOGETHER.search(inner):
                selects.append(inner)
                inner = "SELECT 1"
            levels[-1].append(f"({inner})")
        else:
            levels[-1].append(token)
    selects.append("".join(levels[0]))
    for select in selects:
        for part in TOGETHER.split(select):
            # What names no tenant's table can break no rule of theirs.
            if SELECT.match(part) is None or not TENANT_TABLES.isdisjoint(WORD.findall(part)):
                yield LISTED.sub("SELECT 1 FROM ", part)


@lru_cache(maxsize=20_000)
def _of_piece(sql: str) -> tuple[str, ...]:
    try:
        # Apart from what follows, or sqlglot takes `$4)[f($` for the start of a dollar-quoted text.
        statements = sqlglot.parse(PARAMETER.sub(r"\g<0> ", sql), dialect="postgres")
    except sqlglot.errors.SqlglotError as error:
        return (f"{NOT_UNDERSTOOD}: {str(error)[:100]}",)
    if len(statements) != 1 or statements[0] is None:
        return ("not one statement",)
    return tuple(_tenancy(statements[0]))


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL))


def _tenancy(statement: exp.Expr) -> Iterator[str]:
    names = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        if table.name not in TENANT_TABLES or table.name in names:
            continue
        holder = table.find_ancestor(exp.Select, exp.Insert, exp.Update, exp.Delete)
        assert holder is not None
        if isinstance(holder, exp.Insert) and table.parent is not None and table in (holder.this, holder.this.this):
            yield from _insert(holder)
        elif not _names_tenant(holder, table):
            yield f"{table.sql()}: no `tenant_id = $1` of its own"
    for update in statement.find_all(exp.Update):
        if any(assignment.this.name == "tenant_id" for assignment in update.expressions):
            yield "tenant_id never changes"


def _insert(insert: exp.Insert) -> Iterator[str]:
    columns = [column.name for column in insert.this.expressions] if isinstance(insert.this, exp.Schema) else []
    if not columns or columns[0] != "tenant_id":
        yield f"{insert.this.sql()[:40]}: the first column inserted is tenant_id"
        return
    source = insert.expression
    if isinstance(source, exp.Values):
        if list(source.find_all(exp.Select)):
            yield "no subquery inside VALUES"
        first = [row.expressions[0] for row in source.expressions]
    else:
        first = [select.expressions[0] for select in _selects(source)]
    for value in first:
        if not _is_tenant(value):
            yield f"inserted tenant_id is {value.sql()}, not $1"
    conflict = insert.args.get("conflict")
    keys = conflict.args.get("conflict_keys") if conflict is not None else None
    if keys and keys[0].name != "tenant_id":
        yield "ON CONFLICT starts with tenant_id"


def _selects(source: exp.Expr | None) -> Iterator[exp.Select]:
    if isinstance(source, exp.Select):
        yield source
    elif isinstance(source, exp.SetOperation):
        yield from _selects(source.this)
        yield from _selects(source.expression)
    elif isinstance(source, exp.Subquery):
        yield from _selects(source.this)


def _names_tenant(holder: exp.Expr, table: exp.Table) -> bool:
    conditions = [holder.args["where"].this] if holder.args.get("where") else []
    conditions += [join.args["on"] for join in _joins(holder) if join.args.get("on") is not None]
    alone = len([other for other in _sources(holder) if other.name in TENANT_TABLES]) == 1
    for condition in conditions:
        for part in _conjuncts(condition):
            if isinstance(part, exp.Boolean) and not part.this:
                # WHERE false reads nothing, of no tenant.
                return True
            if not isinstance(part, exp.EQ):
                continue
            for column, value in ((part.this, part.expression), (part.expression, part.this)):
                if (
                    isinstance(column, exp.Column)
                    and column.name == "tenant_id"
                    and _is_tenant(value)
                    and (column.table == table.alias_or_name or (alone and not column.table))
                ):
                    return True
    return False


def _joins(holder: exp.Expr) -> Iterator[exp.Join]:
    yield from holder.args.get("joins") or ()
    for source in _sources(holder):
        yield from source.args.get("joins") or ()


def _sources(holder: exp.Expr) -> Iterator[exp.Table]:
    for table in holder.find_all(exp.Table):
        if table.find_ancestor(exp.Select, exp.Insert, exp.Update, exp.Delete) is holder:
            yield table


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    elif isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    else:
        yield condition


def _is_tenant(value: exp.Expr) -> bool:
    while isinstance(value, (exp.Cast, exp.Paren, exp.Alias)):
        value = value.this
    return isinstance(value, exp.Parameter) and value.name == "1"
