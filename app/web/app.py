"""The HTTP application as a value: its routes, and what stands around them, in order."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from app.core.context import Scope
from app.runtime import Runtime
from app.web.auth import Authenticator
from app.web.errors import EdgeError, error_reply
from app.web.export import ROUTE, ExportEndpoint, FileOr, Tables
from app.web.graphiql import Assets, GraphiQL, to_graphiql
from app.web.graphql import Executes, GraphQLEndpoint
from app.web.health import Readiness, exposed_metrics, healthz
from app.web.live import Follows, KeyWatch, Places
from app.web.middleware import Observed, Refusing
from app.web.payouts import ROUTE as PAYOUTS_ROUTE
from app.web.payouts import PayoutWebhooks
from app.web.routes import CallerRoute, KeyRoute, OpenRoute, SocketRoute, Straight, check_routes
from app.web.sse import Streams
from app.web.statements import ROUTE as STATEMENTS_ROUTE
from app.web.statements import StatementFiles
from app.web.websocket import LiveEndpoint


def build_app(runtime: Runtime, executor: Executes, live: Follows, tables: Tables) -> ASGIApp:
    """The application over a runtime.

    executor: what answers GraphQL operations; live: what answers subscriptions; tables: what reads tables for files.
    """
    settings = runtime.settings
    authenticator = Authenticator(runtime)
    places, keys = Places(runtime), KeyWatch(runtime, authenticator)
    export = ExportEndpoint(tables, keys, settings)
    graphql = CallerRoute(
        "/graphql",
        FileOr(export, GraphQLEndpoint(executor, settings, Streams(live, places, keys, settings))),
        methods=["POST"],
        runtime=runtime,
        authenticator=authenticator,
    )
    routes = [
        graphql,
        KeyRoute(
            ROUTE,
            export,
            methods=["POST"],
            scope=Scope.ANALYTICS_READ,
            runtime=runtime,
            authenticator=authenticator,
        ),
        KeyRoute(
            STATEMENTS_ROUTE,
            StatementFiles(runtime),
            methods=["GET"],
            scope=Scope.MONEY_READ,
            runtime=runtime,
            authenticator=authenticator,
        ),
        SocketRoute("/graphql", LiveEndpoint(runtime, executor, live, authenticator, places, keys)),
        OpenRoute("/graphql", GraphiQL(is_enabled=settings.graphiql), methods=["GET"]),
        OpenRoute("/", to_graphiql, methods=["GET"]),
        OpenRoute("/graphql/assets/{name}", Assets(), methods=["GET"]),
        OpenRoute(PAYOUTS_ROUTE, PayoutWebhooks(runtime), methods=["POST"]),
        OpenRoute("/healthz", healthz, methods=["GET"]),
        OpenRoute("/readyz", Readiness(runtime), methods=["GET"]),
        OpenRoute("/metrics", exposed_metrics, methods=["GET"]),
    ]
    check_routes(routes)
    routed = Starlette(
        routes=routes, middleware=[Middleware(Refusing)], exception_handlers={HTTPException: _refused_by_router}
    )
    # Nobody is led from a path with a slash too many to the right one: the address would be the one that a proxy asked
    # for, without TLS, and a client would send its key there.
    routed.router.redirect_slashes = False
    return Observed(Straight(routed, to=Refusing(graphql.answer), path=graphql.path, method="POST"))


async def _refused_by_router(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_reply(EdgeError(404, "NOT_FOUND", "There is nothing at this path."))
    message = "This path does not take this method."
    return error_reply(EdgeError(error.status_code, "BAD_REQUEST", message, headers=error.headers))
