"""One operation from its text to its answer: read, bound, validate, execute, render. Called by the edge, and by tests.

Reads have a deadline and end when their caller leaves. A mutation that was started runs to its end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from strawberry.execution import optimized_is_awaitable

from app.cache.recording import Recorded, recording
from app.core.context import Ctx
from app.core.deadline import Deadline
from app.errors import DomainError
from app.limits.cost import Measured
from app.limits.values import READ_VALUES_MAX, WRITTEN_VALUES_MAX, check_variables
from app.observability import metrics
from app.runtime import Runtime
from graphql_schema.context import Context
from graphql_schema.documents import Documents, Prepared, Refused
from graphql_schema.errors import Rendered, render_domain, render_field_errors, render_refusal
from graphql_schema.execution.operation import Execution
from graphql_schema.execution.plan import Plan
from graphql_schema.execution.run import Run
from graphql_schema.execution.texts import OPTIONS
from graphql_schema.literals import Cut
from graphql_schema.schema import schema as scoville_schema
from graphql_schema.whole import Wholes

_QUERY, _MUTATION = OperationType.QUERY.value, OperationType.MUTATION.value


class Ending(StrEnum):
    """How far an operation came."""

    REFUSED = "refused"
    EXECUTED = "executed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reply:
    """An operation's answer. body: what is sent, as JSON, without `data` unless it was executed.

    kind: query or mutation; unknown when the document could not be read. codes: of its errors.
    """

    ending: str
    body: bytes
    kind: str = "unknown"
    codes: tuple[str, ...] = ()
    cost: int = 0

    @property
    def payload(self) -> dict[str, Any]:
        """The body, read again."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found


class Executor:
    """Executes the operations of one process."""

    def __init__(self, runtime: Runtime, *, schema: strawberry.Schema = scoville_schema, compiles: bool = True) -> None:
        """compiles: whether plans are used where they can be; False leaves everything to graphql-core."""
        self._runtime = runtime
        self._settings = runtime.settings
        self._schema = schema._schema
        self._compiles = compiles
        self._wholes = Wholes(runtime.answers)
        self.documents = Documents(self._schema, runtime.settings)
        self._mutations: set[asyncio.Task[ExecutionResult]] = set()

    async def execute(
        self,
        ctx: Ctx,
        *,
        document: str,
        operation_name: str | None = None,
        variables: Mapping[str, Any] | None = None,
        looked: "Looked | None" = None,
    ) -> Reply:
        """The operation's answer; never raises for what the caller sent. looked: what `look_up` gave before."""
        if looked is None:
            looked = await self.look_up(ctx, document=document, operation_name=operation_name, variables=variables)
        if looked.reply is not None:
            return looked.reply
        values, place = dict(variables or {}), looked.place
        ready = self.ready(ctx, document, operation_name, values)
        if isinstance(ready, Reply):
            return ready
        if ready.execution.kind == _QUERY and looked.rows_epoch is not None:
            # A mutation shows what it wrote.
            ready.execution.context_value.loaders.rows_epoch = await looked.rows_epoch
        if place is None or not self._wholes.fits(ready.execution.operation, ready.execution.fragment_definitions):
            return await self._run(ready)
        recorded = Recorded()
        token = recording.set(recorded)
        try:
            reply = await self._run(ready)
        finally:
            recording.reset(token)
        if reply.ending == Ending.EXECUTED and not reply.codes:
            await self._wholes.learn(ctx, place, reply.body, reply.cost, recorded, looked.token)
        return reply

    async def look_up(
        self, ctx: Ctx, *, document: str, operation_name: str | None, variables: Mapping[str, Any] | None
    ) -> "Looked":
        """What is kept of the operation's answer. Nothing is done: the caller may turn out to be nobody."""
        place = self._wholes.place(ctx, document, operation_name, variables or {})
        if place is None:
            return _NEVER_KEPT
        found = await self._wholes.find(ctx, place)
        if found.body is None:
            # Asked for after the token: a reply that is kept shows no row that is older than it.
            return Looked(place, found.token, rows_epoch=self._runtime.answers.rows_epoch(ctx.tenant_id))
        return Looked(place, None, Reply(Ending.EXECUTED, found.body, _QUERY, (), found.cost))

    def ready(self, ctx: Ctx, document: str, operation_name: str | None, values: dict[str, Any]) -> "Ready | Reply":
        """The operation with all that is known before its first field; the answer when that refuses it."""
        shaped = self.documents.of_shape(document)
        if shaped is not None:
            found = self._of_shape(ctx, *shaped, document, operation_name, values)
            if found is not None:
                return found
        kind, measured = "unknown", None
        try:
            prepared = self.documents.read(document)
            operation = prepared.operation(operation_name)
            kind = operation.operation.value
            measured = self.documents.meter(prepared, operation).check(values, self._settings)
            self.documents.validate(document, prepared)
            values = self._checked(document, operation, values)
        except Refused as refused:
            rendered = render_refusal(refused.errors, refused.code, errors_max=self._settings.errors_max)
            return self._reply(Ending.REFUSED, kind, measured, rendered)
        except DomainError as error:
            return self._reply(Ending.REFUSED, kind, measured, render_domain(error))
        execution = self._execution(ctx, prepared, operation, values)
        if isinstance(execution, list):
            # Perhaps some of it is the matter of an item alone. Looked for only now: most calls have nothing to mark.
            marked = self.documents.items.marked_variables(operation, values)
            execution = self._execution(ctx, prepared, operation, marked)
        if isinstance(execution, list):
            refusal = render_refusal(execution, "BAD_USER_INPUT", errors_max=self._settings.errors_max)
            return self._reply(Ending.REFUSED, kind, measured, refusal)
        return Ready(measured, execution, self._plan(prepared, execution))

    def _of_shape(
        self,
        ctx: Ctx,
        prepared: Prepared,
        found: Cut,
        text: str,
        operation_name: str | None,
        values: dict[str, Any],
    ) -> "Ready | None":
        """The operation with the values of a text in their variables; None when anything is wrong with it."""
        assert prepared.lifted is not None, "it is the document of a shape"
        together = {**values, **prepared.lifted.variables(found.values)}
        try:
            operation = prepared.operation(operation_name)
            measured = self.documents.meter(prepared, operation).check(together, self._settings)
            check_variables(text, together, most=_most(operation))
        except (Refused, DomainError):
            return None
        execution = self._execution(ctx, prepared, operation, together)
        if isinstance(execution, list):
            return None
        move = partial(prepared.lifted.move, text=text, cut=found)
        return Ready(measured, execution, self._plan(prepared, execution), move)

    def _plan(self, prepared: Prepared, execution: Execution) -> Plan | str:
        if not self._compiles:
            return "off"
        return self.documents.plan(prepared, execution.operation, execution.variable_values)

    def _checked(self, document: str, operation: OperationDefinitionNode, values: dict[str, Any]) -> dict[str, Any]:
        """The variables, bounded. Raises DomainError for what no operation may bring."""
        most = _most(operation)
        try:
            check_variables(document, values, most=most)
        except DomainError as error:
            if error.code in ("PAYLOAD_TOO_LARGE", "QUERY_TOO_COSTLY"):
                raise
            # A text that cannot be stored is the matter of its item, where it is in one.
            values = self.documents.items.marked_variables(operation, values)
            check_variables(document, values, most=most)
        return values

    async def _run(self, ready: "Ready") -> Reply:
        kind, measured = ready.execution.kind, ready.measured
        try:
            if kind == _MUTATION:
                result = await self._to_the_end(self._complete(ready))
            else:
                with Deadline(self._settings.operation_timeout_s):
                    async with self._runtime.db.reading(ready.execution.context_value.ctx.tenant_id):
                        result = await self._complete(ready)
        except TimeoutError:
            late = DomainError(
                "SERVICE_UNAVAILABLE",
                f"The operation took longer than {self._settings.operation_timeout_s:g} s. Ask for less at once.",
            )
            return self._reply(Ending.EXPIRED, kind, measured, render_domain(late))
        finally:
            # graphql-core's executor is part of a cycle, and would keep all rows until the collector comes.
            ready.execution.context_value.loaders.forget()
        for error in result.errors or ():
            ready.move(error)
        rendered = render_field_errors(result.errors or (), errors_max=self._settings.errors_max)
        return self._reply(Ending.EXECUTED, kind, measured, rendered, data=result.data)

    async def _complete(self, ready: "Ready") -> ExecutionResult:
        if isinstance(ready.plan, Plan):
            context: Context = ready.execution.context_value
            context.reads, context.loaders.in_single_file = ready.plan.reads, ready.plan.in_single_file
            return await Run(ready.plan, ready.execution).execute()
        metrics.fallbacks.labels(reason=ready.plan).inc()
        result: Any = ready.execution.executor.execute_operation()
        if optimized_is_awaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult), "nothing is delivered incrementally"
        return result

    def _execution(
        self, ctx: Ctx, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> Execution | list[GraphQLError]:
        """What executes the operation, or the errors of the variables."""
        executed = self.documents.executed(prepared, operation)
        context = Context(runtime=self._runtime, ctx=ctx)
        return executed.execution(context, variables, errors_max=self._settings.errors_max)

    async def _to_the_end(self, work: Coroutine[Any, Any, ExecutionResult]) -> ExecutionResult:
        # Kept in a set: a task that nothing refers to may vanish, and a shielded one must not.
        task = asyncio.ensure_future(work)
        self._mutations.add(task)
        task.add_done_callback(self._mutations.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait for the mutations under way: called once, before the process stops."""
        if self._mutations:
            await asyncio.wait(set(self._mutations))

    def _reply(
        self, ending: Ending, kind: str, measured: Measured | None, rendered: Rendered, data: Any = ...
    ) -> Reply:
        payload: dict[str, Any] = {}
        if rendered.errors:
            payload["errors"] = rendered.errors
        if data is not ...:
            payload["data"] = data
        extensions: dict[str, Any] = {}
        if measured is not None:
            extensions["cost"] = {"requested": measured.cost, "max": self._settings.cost_max}
        if rendered.omitted:
            extensions["errorsOmitted"] = rendered.omitted
        if extensions:
            payload["extensions"] = extensions
        return Reply(
            ending=ending,
            body=orjson.dumps(payload, option=OPTIONS),
            kind=kind,
            codes=rendered.codes,
            cost=0 if measured is None else measured.cost,
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up found. place: the answer's own; None where it is never kept. token: for keeping one made later.

    rows_epoch: to come, of the tenant's rows: a query may use those that were loaded in it; None where it may not.
    """

    place: tuple[Any, ...] | None
    token: str | None = None
    reply: Reply | None = None
    rows_epoch: Awaitable[str | None] | None = None


_NEVER_KEPT = Looked(None)


def _stay(_: GraphQLError) -> None:
    """Errors stand where they are told."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An operation that nothing is wrong with but what its fields find.

    plan: or the reason why it has none. move: tells an error's place in what was sent, where that is another.
    """

    measured: Measured
    execution: Execution
    plan: Plan | str
    move: Callable[[GraphQLError], None] = _stay


def _most(operation: OperationDefinitionNode) -> int:
    return WRITTEN_VALUES_MAX if operation.operation is OperationType.MUTATION else READ_VALUES_MAX
