"""`analytics` and `catalog`: any measure by any dimension over any range, and what there is to ask.

A resolver reads the question from what is selected below it and has the runner answer it. Under a list of entities all
questions are answered together: `analytics_of`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.analytics.answer import Answer
from app.analytics.query import Attribution, Parents, Question
from app.analytics.runner import Runner
from app.core.context import Ctx, Scope
from app.errors import DomainError
from app.runtime import Runtime
from graphql_schema.analytics_filters import FactFilter
from graphql_schema.analytics_inputs import CompareInput, FreshnessInput, RangeInput
from graphql_schema.analytics_selection import Asked, Document, Part
from graphql_schema.analytics_types import Analytics
from graphql_schema.batching import Loader
from graphql_schema.context import Info
from graphql_schema.execution.columns import settled_all, values_of
from graphql_schema.execution.together import together
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, TimeZone, required_uuid
from graphql_schema.selections import Selections

SELECTIONS = Selections()
"""Those of this process."""

PARENTS_MAX = 1_000
"""Entities of one list that are answered together; more become several questions."""

VALUES_MAX = 1_000_000
"""Values that one operation shows of analytics: some two seconds of writing. Each facet is bounded by itself before."""

Range = Annotated[RangeInput, strawberry.argument(description="Which time; half-open.")]
Where = Annotated[FactFilter | None, strawberry.argument(description="Which facts count; all when not given.")]
Model = Annotated[
    Attribution | None,
    strawberry.argument(description="By which model orders are credited; others than BOOKED are what-ifs."),
]
Money = Annotated[
    CurrencyCode | None,
    strawberry.argument(
        description="Currency of all money; the tenant's when not given. In another, amounts are converted at the rate "
        "of their day."
    ),
]
Compare = Annotated[
    CompareInput | None, strawberry.argument(description="What `previous` and `change` compare the range with.")
]
Freshness = Annotated[FreshnessInput | None, strawberry.argument(description="How fresh, or as of when.")]
MaxCost = Annotated[
    int | None,
    strawberry.argument(
        description="Points that the plan may cost. Beyond, distinct counts of precision AUTO are estimated; if it "
        "still costs more, nothing runs."
    ),
]
Zone = Annotated[
    TimeZone | None,
    strawberry.argument(description="Zone of days and longer buckets; the tenant's reporting zone when not given."),
]


@lru_cache(maxsize=8)
def runner_of(runtime: Runtime) -> Runner:
    """The runner of a process."""
    return Runner(runtime.db, runtime.answers, runtime.settings, runtime.demand)


@dataclass(frozen=True, slots=True)
class AnswersByParent:
    """Answers one question for many entities of a dimension, in as many statements as for one."""

    dimension: str
    question: Question

    def __call__(self, runtime: Runtime, ctx: Ctx) -> Loader:
        """The loader of one request."""

        async def load(ids: Sequence[UUID]) -> list[Answer]:
            found = await runner_of(runtime).run_many(ctx, self.question, Parents(self.dimension, tuple(ids)))
            return [found[parent_id] for parent_id in ids]

        return Loader(load, batch_max=PARENTS_MAX)


def same_question(runtime: Runtime, ctx: Ctx) -> Loader:
    """Answers the questions of one request: two fields that ask the same share one answer, or one error."""
    runner = runner_of(runtime)

    async def load(questions: Sequence[Question]) -> list[Any]:
        # Each question has its own error.
        return await settled_all(runner.run(ctx, question) for question in questions)

    return Loader(load)


@dataclass(slots=True)
class Questions:
    """The questions of one request's `analytics` fields: read once, however many entities of a list ask them.

    document: of the request, from the first of them on. values: that their answers show so far.
    """

    read: dict[tuple[int, ...], Asked]
    document: Document | None = None
    values: int = 0

    @classmethod
    def none(cls, runtime: Runtime, ctx: Ctx) -> "Questions":
        """Those of a request that has just begun."""
        return cls({})


def asked_here(info: Info, **arguments: Any) -> Asked:
    """The question of the field that is resolved. arguments: its own."""
    # The same nodes with the same variables are the same question.
    nodes = info._raw_info.field_nodes
    questions = info.context.loaders.get(Questions.none)
    place = tuple(map(id, nodes))
    found = questions.read.get(place)
    if found is None:
        if questions.document is None:
            questions.document = Document.of(info)
        found = questions.read[place] = SELECTIONS.of(questions.document, nodes).asked(arguments)
    return found


def check_size(info: Info, question: Asked, answers: Iterable[Answer | None], *, most: int = VALUES_MAX) -> None:
    """Raise QUERY_TOO_COSTLY when the operation shows more than `most` values, together with what it showed before."""
    if not question.parts:
        return
    questions = info.context.loaders.get(Questions.none)
    for answer in answers:
        if answer is not None:
            questions.values += sum([_size(part, answer) for part in question.parts.values()])
    if questions.values > most:
        raise DomainError(
            "QUERY_TOO_COSTLY",
            f"The answer has more than {most} values of buckets and groups. Ask for fewer of them at once, or for a "
            "file (POST /export).",
        )


def _size(part: Part, answer: Answer) -> int:
    if part.is_series:
        return len(answer.series[part.place]) * (1 + part.views.leaves)
    page = answer.groups[part.place]
    buckets = [
        len(page.asked.series[nested.place].buckets.edges) * (1 + nested.views.leaves)
        for nested in part.series.values()
    ]
    return len(page.rows) * (1 + part.views.leaves + len(part.columns) + sum(buckets))


def shown(
    ctx: Ctx, runner: Runner, question: Asked, answer: Answer | None, parents: Callable[[], Parents] | None = None
) -> Analytics:
    return Analytics(
        asked=question,
        answer=answer,
        make_plan=lambda: runner.plan(ctx, question.question, parents() if parents else None),
        bind=lambda plan: runner.statements(ctx, plan),
    )


def analytics_of(dimension: str) -> Any:
    """The field `analytics` of the type of a dimension's entities, which have an `id`."""

    async def for_all(roots: Sequence[Any], info: Info, **arguments: Any) -> list[Analytics]:
        parent_ids = [required_uuid(each, path=("id",)) for each in values_of(roots, "id")]
        question = asked_here(info, **arguments)
        answers: Sequence[Answer | None] = [None] * len(parent_ids)
        if question.runs:
            loader = info.context.loaders.get(AnswersByParent(dimension, question.question))
            answers = await loader.load_many(parent_ids)
            check_size(info, question, answers)
        ctx, runner = info.context.ctx, runner_of(info.context.runtime)
        return [
            shown(ctx, runner, question, answer, partial(Parents, dimension, (parent_id,)))
            for parent_id, answer in zip(parent_ids, answers, strict=True)
        ]

    @together(for_all, reads=("id",))
    async def analytics(
        root: strawberry.Parent[Any],
        info: Info,
        range: Range,
        where: Where = None,
        time_zone: Zone = None,
        attribution: Model = Attribution.BOOKED,
        currency: Money = None,
        compare: Compare = None,
        freshness: Freshness = None,
    ) -> Analytics | None:
        (found,) = await for_all(
            (root,),
            info,
            range=range,
            where=where,
            time_zone=time_zone,
            attribution=attribution,
            currency=currency,
            compare=compare,
            freshness=freshness,
        )
        return found

    return strawberry.field(
        resolver=analytics,
        description=f"Measures of this {dimension} alone. Under a list all are answered together, in as many "
        "statements as one.",
        extensions=[requires(Scope.ANALYTICS_READ)],
    )


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="Measures of the program, as totals, time series, groups and tables. Only what is selected is "
        "computed. A key of role influencer sees its own numbers.",
        extensions=[requires(Scope.ANALYTICS_READ)],
    )
    async def analytics(
        self,
        info: Info,
        range: Range,
        where: Where = None,
        time_zone: Zone = None,
        attribution: Model = Attribution.BOOKED,
        currency: Money = None,
        compare: Compare = None,
        freshness: Freshness = None,
        max_cost: MaxCost = None,
    ) -> Analytics | None:
        """Measures of the program."""
        question = asked_here(
            info,
            range=range,
            where=where,
            time_zone=time_zone,
            attribution=attribution,
            currency=currency,
            compare=compare,
            freshness=freshness,
            max_cost=max_cost,
        )
        answer = None
        if question.runs:
            loader = info.context.loaders.get(same_question)
            answer = await loader.load(question.question)
            if isinstance(answer, Exception):
                raise answer
            check_size(info, question, (answer,))
        return shown(info.context.ctx, runner_of(info.context.runtime), question, answer)
