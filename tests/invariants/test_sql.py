"""Laws of SQL that its text shows. What a test of the whole suite runs is held against the same rules (conftest)."""

import re
from collections import Counter

import pytest

from tests.invariants.source import literals
from tests.invariants.sql_rules import TAG, TENANT_TABLES, banned, violations

STATEMENT = re.compile(
    r"\s*(/\*.*?\*/\s*)?(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s)",
    re.DOTALL,
)

OWNERS = ("app/db/", "migrations/")
"""Where statements are run that no request causes: connections, maintenance, migrations."""


def test_every_statement_starts_with_a_tag() -> None:
    untagged = [
        literal.place
        for literal in literals("app")
        if STATEMENT.match(literal.text)
        and not TAG.match(literal.text.lstrip())
        and not literal.place.startswith(OWNERS)
    ]

    # A piece that is put into a tagged statement does not start with a verb of its own, but for sub-selects and CTEs.
    assert [place for place in untagged if not place.startswith(("app/analytics/sql/", "app/analytics/rollups/"))] == []


def test_tags_name_one_statement_each() -> None:
    tags = Counter(found.group(0).strip() for literal in literals("app") if (found := TAG.match(literal.text.lstrip())))

    assert len(tags) > 80
    assert [tag for tag, times in tags.items() if times > 1] == []


def test_whole_statements_keep_the_rules() -> None:
    statements = [
        literal
        for literal in literals("app")
        if literal.is_whole
        and (tag := TAG.match(literal.text.lstrip()))
        and tag.group(0).strip() != literal.text.strip()
    ]

    wrong = {literal.place: violations(literal.text) for literal in statements}
    assert len(statements) > 80
    assert {place: found for place, found in wrong.items() if found} == {}


def test_nothing_in_the_source_says_what_no_statement_may_say() -> None:
    wrong = {
        literal.place: found
        for literal in literals("app")
        if not literal.place.startswith(OWNERS) and re.search(r"[A-Z]{4}|\(\)", literal.text)
        if (found := banned(literal.text))
    }

    assert wrong == {}


def test_the_rules_know_the_tables() -> None:
    assert {"orders", "rollups", "audit_log"} <= TENANT_TABLES
    assert "tenants" not in TENANT_TABLES


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM orders WHERE tenant_id = $1",
        "SELECT o.id FROM orders AS o WHERE o.tenant_id = $1::uuid AND (o.id = $2 OR o.id = $3)",
        "SELECT name FROM tenants",
        "SELECT id FROM orders WHERE false",
        "SELECT o.id FROM orders o LEFT JOIN refunds r ON r.tenant_id = $1 AND r.id = o.id WHERE o.tenant_id = $1",
        "WITH orders AS (SELECT 1 AS id) SELECT id FROM orders",
        "SELECT (SELECT count(*) FROM refunds WHERE tenant_id = $1 AND id = g.id) FROM unnest($2::uuid[]) AS g(id)",
        "SELECT extract(year FROM o.at), (SELECT count(*) FROM refunds WHERE tenant_id = $1)\n"
        "FROM orders AS o WHERE o.tenant_id = $1 AND o.name <> '(' UNION ALL SELECT 1, 2",
        "SELECT found.id FROM unnest($2::uuid[]) AS g (id) CROSS JOIN LATERAL ("
        "(SELECT id FROM orders WHERE tenant_id = $1 AND id = g.id LIMIT 1) UNION ALL "
        "(SELECT id FROM refunds WHERE tenant_id = $1 AND id = g.id LIMIT 1)) AS found",
        "INSERT INTO orders (tenant_id, id) VALUES ($1, $2) ON CONFLICT (tenant_id, id) DO NOTHING",
        "INSERT INTO orders (tenant_id, id) SELECT $1, g.id FROM unnest($2::uuid[]) AS g(id)",
        "UPDATE orders SET version = g.version FROM unnest($2::uuid[], $3::int[]) AS g(id, version) "
        "WHERE orders.tenant_id = $1 AND orders.id = g.id",
        "WITH gone AS (DELETE FROM rollup_delta WHERE tenant_id = $1 RETURNING clicks) "
        "INSERT INTO rollups (tenant_id, clicks) SELECT $1, sum(clicks) FROM gone",
    ],
)  # fmt: skip
def test_right_statements_pass(sql: str) -> None:
    assert violations(f"/* test.right */ {sql}") == ()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT id FROM orders", "no `tenant_id"),
        ("SELECT id FROM orders WHERE tenant_id = $2", "no `tenant_id"),
        ("SELECT id FROM orders WHERE tenant_id = $1 OR id = $2", "no `tenant_id"),
        ("SELECT o.id FROM orders o JOIN refunds r ON r.tenant_id = o.tenant_id WHERE o.tenant_id = $1", "refunds"),
        ("SELECT o.id FROM orders o JOIN refunds r USING (tenant_id) WHERE o.tenant_id = $1", "refunds"),
        (
            "SELECT id FROM orders WHERE tenant_id = $1 AND EXISTS (SELECT 1 FROM refunds WHERE order_id = orders.id)",
            "refunds",
        ),
        ("SELECT id FROM orders WHERE tenant_id = $1 UNION ALL SELECT id FROM refunds", "refunds"),
        ("SELECT (SELECT count(*)\nFROM refunds) AS refunds\nFROM orders WHERE tenant_id = $1", "refunds"),
        ("SELECT some.id FROM (SELECT 1 AS id UNION SELECT id FROM refunds WHERE id <> ')') AS some", "refunds"),
        ("WITH o AS (SELECT id FROM orders WHERE tenant_id = $1) SELECT r.id FROM refunds r JOIN o ON true", "refunds"),
        ("SELECT id FROM tenants WHERE id IN (SELECT tenant_id FROM orders WHERE tenant_id = $12)", "orders"),
        ("INSERT INTO orders (id, tenant_id) VALUES ($2, $1)", "first column"),
        ("INSERT INTO orders (tenant_id, id) VALUES ($2, $1)", "not $1"),
        ("INSERT INTO orders (tenant_id, id) SELECT tenant_id, id FROM unnest($1::uuid[]) AS g(tenant_id)", "not $1"),
        ("INSERT INTO orders (tenant_id, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", "ON CONFLICT"),
        ("UPDATE orders SET version = 2 WHERE id = $1", "no `tenant_id"),
        ("UPDATE orders SET tenant_id = $1 WHERE tenant_id = $1", "never changes"),
        ("DELETE FROM outbox WHERE id = $1", "no `tenant_id"),
        ("SELECT id FROM orders WHERE tenant_id = $1 AND occurred_at < now()", "the time is a parameter"),
        ("SELECT date_trunc('day', occurred_at) FROM orders WHERE tenant_id = $1", "timegrain"),
        ("SELECT id FROM orders WHERE tenant_id = $1 LIMIT 3 OFFSET 4", "by key"),
        ("SELECT 1; SELECT 2", "not one statement"),
        ("SELEC 1", "not understood"),
    ],
)
def test_wrong_statements_are_named(sql: str, says: str) -> None:
    assert any(says in violation for violation in violations(f"/* test.wrong */ {sql}")), violations(sql)


def test_a_missing_tag_is_named() -> None:
    assert violations("SELECT 1") == ("no tag comment first, like /* orders.lock */",)
