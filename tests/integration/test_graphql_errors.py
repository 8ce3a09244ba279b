"""How errors are shown: what the caller can act on as it is, everything else masked, logged and counted."""

import gc
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import ref

import pytest
import structlog

from app.core.context import Ctx, Role
from app.errors import CODES
from app.runtime import Runtime
from app.web.negotiation import GRAPHQL_JSON
from app.web.responses import JSON
from graphql_schema.execute import Executor
from tests.client import Client
from tests.factories import probe

pytestmark = pytest.mark.database


async def test_callers_mistake_is_shown_with_code_and_path(probing: Client) -> None:
    answer = await probing.query("{ domain viewer { role } }")

    assert answer["data"] == {"domain": None, "viewer": {"role": "ADMIN"}}
    assert answer["errors"] == [
        {
            "message": "No order X.",
            "locations": [{"line": 1, "column": 3}],
            "path": ["domain"],
            "extensions": {"code": "UNKNOWN_ORDER", "path": ["orders", "3", "id"]},
        }
    ]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_answer_with_data_is_a_success_whatever_else_went_wrong(probing: Client, accept: str) -> None:
    response = await probing.post({"query": "{ domain viewer { role } }"}, headers={"accept": accept})

    assert response.status_code == 200
    assert set(response.json()) == {"data", "errors", "extensions"}


async def test_all_mistakes_of_a_question_are_shown_at_once(probing: Client) -> None:
    answer = await probing.query("{ issues }")

    assert [error["extensions"] for error in answer["errors"]] == [
        {"code": "RANGE_INVALID", "path": ["range"], "suggestion": "Give an end after the start."},
        {"code": "NOT_SUPPORTED"},
        {"code": "TOO_MANY_GROUPS", "path": ["groups", "by", "0"]},
    ]
    assert {tuple(error["path"]) for error in answer["errors"]} == {("issues",)}


async def test_outage_is_shown_as_retryable(probing: Client) -> None:
    answer = await probing.query("{ outside }")

    assert answer["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryable": True}


@pytest.mark.parametrize("field", ["bug", 'driver(text: "my password")', "nothing", "notANumber", "naive"])
async def test_bug_is_masked_and_logged_under_its_id(probing: Client, field: str) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await probing.query(f"{{ {field} }}")

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"] == f"Internal error, logged under the id {error['extensions']['id']}."
    (logged,) = [entry for entry in logs if entry["event"] == "internal_error"]
    assert logged["error_id"] == error["extensions"]["id"]
    assert logged["field"] == field.partition("(")[0]
    assert logged["frames"]
    assert probe.SECRET not in str(logs)
    assert "my password" not in str(logs)


async def test_logged_driver_error_keeps_its_sqlstate(probing: Client) -> None:
    with structlog.testing.capture_logs() as logs:
        await probing.query('{ driver(text: "x") }')

    (logged,) = [entry for entry in logs if entry["event"] == "internal_error"]
    assert logged["sqlstate"] == "22P02"


async def test_errors_beyond_the_limit_are_counted(probing: Client, runtime: Runtime) -> None:
    answer = await probing.query("{ items(first: 12) { refuses } }")

    assert len(answer["errors"]) == runtime.settings.errors_max == 5
    assert answer["extensions"]["errorsOmitted"] == 7
    assert [error["path"][1] for error in answer["errors"]] == [0, 1, 2, 3, 4]


async def test_masked_errors_beyond_the_limit_are_logged_in_one_line(probing: Client) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await probing.query("{ items(first: 30) { fails } }")

    shown = [error["extensions"]["id"] for error in answer["errors"]]
    assert [entry["error_id"] for entry in logs if entry["event"] == "internal_error"] == shown
    (rest,) = [entry for entry in logs if entry["event"] == "internal_errors_omitted"]
    assert rest["errors"] == {"ZeroDivisionError": 25}


async def test_issues_of_several_fields_are_counted_one_by_one(probing: Client) -> None:
    answer = await probing.query("{ a: issues b: issues c: issues }")

    assert len(answer["errors"]) == 5
    assert answer["extensions"]["errorsOmitted"] == 4


@pytest.mark.parametrize(
    "document",
    [
        "{ viewer { rol } }",
        "{ viewe { role } }",
        "{ echo(tex: 1) }",
        "{ echo(colour: REDD) }",
        "{ ... on Quer { bug } }",
        "query ($t: Tre) { echo(tree: $t) }",
        "{ echo(tree: {su: null}) }",
        "{ viewer { role @skipp(if: true) } }",
        "{ echo(text: 1) }",
    ],
)
async def test_refusals_suggest_nothing(probing: Client, document: str) -> None:
    answer = await probing.query(document)

    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert "Did you mean" not in str(answer)


@pytest.mark.parametrize(
    ("variables", "type_"),
    [
        ({"v": "REDD"}, "colour: Colour"),
        ({"v": {"su": None}}, "tree: Tree"),
        ({"v": 2**31}, "number: Int"),
        ({"v": "x"}, "number: Int"),
        ({"v": 1}, "text: String"),
        ({"v": True}, "decimal: Decimal"),
        ({"v": "2026-01-01T00:00:00"}, "time: DateTime"),
        ({}, "number: Int!"),
    ],
)
async def test_variables_that_do_not_fit_are_refused(probing: Client, variables: dict[str, Any], type_: str) -> None:
    argument, _, kind = type_.partition(": ")

    answer = await probing.query(f"query ($v: {kind}) {{ echo({argument}: $v) }}", variables)

    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert "Did you mean" not in str(answer)


@pytest.mark.parametrize(
    ("field", "kind", "value", "code"),
    [
        ("decimal", "Decimal", "NaN", "INVALID_AMOUNT"),
        ("time", "DateTime", "2026-02-30T00:00:00Z", "BAD_USER_INPUT"),
        ("currency", "CurrencyCode", "XXX", "INVALID_CURRENCY"),
        ("zone", "TimeZone", "Mount Olympus", "INVALID_TIME_ZONE"),
    ],
)
async def test_refusal_of_a_scalar_has_one_code_by_variable_and_by_literal(
    probing: Client, field: str, kind: str, value: str, code: str
) -> None:
    by_variable = await probing.query(f"query ($v: {kind}) {{ echo({field}: $v) }}", {"v": value})
    by_default = await probing.query(f'query ($v: {kind} = "{value}") {{ echo({field}: $v) }}')
    by_literal = await probing.query(f'{{ echo({field}: "{value}") }}')

    for answer in (by_variable, by_default, by_literal):
        assert "data" not in answer
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert by_variable["errors"][0]["extensions"]["path"] == ["v"]
    assert by_default["errors"][0]["extensions"]["path"] == ["v"]
    assert by_literal["errors"][0]["extensions"]["path"] == [field]
    assert by_literal["errors"][0]["locations"] == [{"line": 1, "column": len(f"{{ echo({field}: ") + 1}]


async def test_refusals_of_a_document_have_the_path_and_location_of_each_value(probing: Client) -> None:
    document = (
        '{ echo(tree: {sub: {sub: 1}}, ids: ["a", true], currency: "EURO", times: ["2026-01-01T00:00:00Z", "now"]) }'
    )

    answer = await probing.query(document)

    assert [(error["extensions"]["path"], error["locations"][0]["column"]) for error in answer["errors"]] == [
        (["tree", "sub", "sub"], 26),
        (["ids", 1], 42),
        (["currency"], 59),
        (["times", 1], document.index('"now"') + 1),
    ]


async def test_refusal_of_a_variable_has_the_path_to_the_value(probing: Client) -> None:
    answer = await probing.query(
        "query ($tree: Tree, $ids: [ID!]) { echo(tree: $tree, ids: $ids) }",
        {"tree": {"sub": {"sub": 1}}, "ids": ["a", True]},
    )

    assert [error["extensions"] for error in answer["errors"]] == [
        {"code": "BAD_USER_INPUT", "path": ["tree", "sub", "sub"]},
        {"code": "BAD_USER_INPUT", "path": ["ids", 1]},
    ]


async def test_null_for_an_argument_that_takes_none_is_the_callers_mistake(probing: Client) -> None:
    answer = await probing.query("query ($v: Int = 1) { echo(required: $v) }", {"v": None})

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_denied_field_is_forbidden_and_does_nothing(
    probing: Client, make_key: Callable[..., Awaitable[str]]
) -> None:
    key = await make_key(Role.ANALYST)

    answer = await probing.query("{ operatorsOnly viewer { role } }", key=key)

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert answer["data"] is None
    assert probe.ends == []


async def test_denied_mutation_is_forbidden_and_does_nothing(
    probing: Client, make_key: Callable[..., Awaitable[str]]
) -> None:
    answer = await probing.query("mutation { slowWrite(seconds: 0) }", key=await make_key(Role.ANALYST))

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert probe.ends == []


async def test_total_count_is_counted_only_when_asked(probing: Client) -> None:
    await probing.data("{ page { nodes { number } } }")
    assert probe.ends == []

    assert await probing.data("{ page(first: 3) { totalCount } }") == {"page": {"totalCount": 3}}
    assert probe.ends == ["counted"]


async def test_cost_is_told_and_bounded(probing: Client, runtime: Runtime) -> None:
    answer = await probing.query("query ($n: Int) { page(first: $n) { nodes { number } } }", {"n": 100})
    refused = await probing.query("query ($n: Int) { page(first: $n) { nodes { number } } }", {"n": 100_000})

    assert answer["extensions"] == {"cost": {"requested": 111, "max": runtime.settings.cost_max}}
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["QUERY_TOO_COSTLY"]
    assert "data" not in refused


async def test_documents_are_kept_once_valid(runtime: Runtime, ctx: Ctx) -> None:
    executor = Executor(runtime)

    await executor.execute(ctx, document="{ viewer { role } }")
    await executor.execute(ctx, document="{ viewer { rol } }")
    await executor.execute(ctx, document="{ viewer { role } }")

    assert list(executor.documents.kept) == ["{ viewer { role } }"]


async def test_kept_documents_are_bounded(runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphql_schema.documents.NODES_KEPT_MAX", 60)
    executor = Executor(runtime)

    for number in range(50):
        await executor.execute(ctx, document=f"{{ a{number}: viewer {{ role }} }}")

    assert list(executor.documents.kept)[-1] == "{ a49: viewer { role } }"
    assert sum(prepared.nodes for prepared in executor.documents.kept.values()) <= 60


async def test_a_document_that_is_dropped_goes_at_once(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_schema.documents.NODES_KEPT_MAX", 60)
    executor = Executor(runtime)
    document = "query Clicks { analytics(range: {preset: TODAY}) { totals { clicks } } }"
    await executor.execute(ctx, document=document)
    operation = ref(executor.documents.kept[document].operations["Clicks"])
    # What validating it left behind has rings of its own, which are young.
    gc.collect()
    gc.disable()
    try:
        for number in range(20):
            await executor.execute(ctx, document=f"{{ a{number}: viewer {{ role }} }}")

        assert document not in executor.documents.kept
        assert operation() is None
    finally:
        gc.enable()


async def test_every_code_that_is_rendered_is_declared(probing: Client) -> None:
    documents = ["{", "{ nope }", "query A { bug } query B { bug }", "{ bug domain outside issues }"]

    codes = [code for document in documents for code in await probing.error_codes(document)]

    assert set(codes) <= set(CODES)
    assert len(codes) >= 8


async def test_document_of_too_many_tokens_is_told_the_limit_and_the_way_out(probing: Client, runtime: Runtime) -> None:
    limit = runtime.settings.tokens_max
    answer = await probing.query("{ viewer { " + "role " * limit + "} }")

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "PAYLOAD_TOO_LARGE"
    assert f"{limit} tokens" in error["message"]
    assert "variables" in error["message"]
