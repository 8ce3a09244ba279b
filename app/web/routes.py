"""Deny by default for HTTP: a route either opens only to keys or says that it is open. There is no third kind, but for
WebSockets, whose key comes later."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app.core.context import Ctx, Principal
from app.core.context import Scope as Needed
from app.errors import DomainError
from app.runtime import Runtime
from app.web.auth import Authenticator, Claim
from app.web.errors import EdgeError
from app.web.head import head_of
from app.web.observation import Observation, observation_of

OpenEndpoint = Callable[[Request], Awaitable[Response]]
KeyEndpoint = Callable[[Request, Ctx], Awaitable[Response]]
CallerEndpoint = Callable[[Request, "Caller"], Awaitable[Response]]


class UndeclaredRoute(TypeError):
    """A route that does not say who may call it: the app must not start."""


class _NamedRoute(Route):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the route is the request's; its pattern is noted for the log and the metrics."""
        match, child = super().matches(scope)
        if match is not Match.NONE and scope["type"] == "http":
            observation_of(scope).route = self.path
        return match, child


class OpenRoute(_NamedRoute):
    """A route that anybody may call. It must show nothing of any tenant."""

    def __init__(self, path: str, endpoint: OpenEndpoint, *, methods: Sequence[str]) -> None:
        # A function, for Starlette takes any other callable for an application of its own.
        async def opened(request: Request) -> Response:
            return await endpoint(request)

        super().__init__(path, opened, methods=list(methods))


class KeyRoute(_NamedRoute):
    """A route for holders of a key; who they are is known before a byte of the body is read.

    scope: what they need. None: the endpoint's own parts declare it, as GraphQL's root fields do.
    """

    def __init__(
        self,
        path: str,
        endpoint: KeyEndpoint,
        *,
        methods: Sequence[str],
        scope: Needed | None,
        runtime: Runtime,
        authenticator: Authenticator,
    ) -> None:
        async def guarded(request: Request) -> Response:
            ctx = await self.caller(request).ctx()
            if scope is not None:
                ctx.require(scope)
            return await endpoint(request, ctx)

        super().__init__(path, guarded, methods=list(methods))
        self._runtime = runtime
        self._authenticator = authenticator

    def caller(self, request: Request) -> "Caller":
        """Who calls, to be found out. Raises EdgeError 401 for a missing or malformed key."""
        claim = self._authenticator.claim(head_of(request.scope).get("authorization"))
        return Caller(claim, observation_of(request.scope), self._runtime)


class Caller:
    """Who makes a request.

    assumed: who it was the last time, with whom an answer may be looked for while it is asked whether that still holds;
    None where nobody is remembered. Nothing is done or told on behalf of them. is_asked_for: whether `ctx` was.
    """

    __slots__ = ("_claim", "_clock", "_ctx", "_observation", "assumed", "is_asked_for")

    def __init__(self, claim: Claim, observation: Observation, runtime: Runtime) -> None:
        self._claim = claim
        self._observation = observation
        self._clock = runtime.clock
        self._ctx: Ctx | None = None
        self.is_asked_for = False
        self.assumed = None if claim.remembered is None else self._as(claim.remembered)

    async def ctx(self) -> Ctx:
        """Who calls. Raises EdgeError 401 where nobody does, and OutsideError when nobody can tell."""
        self.is_asked_for = True
        if self._ctx is None:
            principal = self._observation.principal = await self._claim.settled()
            assumed = self.assumed
            self._ctx = assumed if assumed and assumed.principal is principal else self._as(principal)
        return self._ctx

    def _as(self, principal: Principal) -> Ctx:
        return Ctx(principal=principal, request_id=self._observation.request_id, now=self._clock.now())


class CallerRoute(KeyRoute):
    """A route for holders of a key, whose endpoint may look for its answer while the key is still asked about.

    What it finds is told to those alone who turn out to hold the key: whatever the endpoint answers or raises waits for
    that here. Where nobody is remembered, that comes first.
    """

    def __init__(
        self,
        path: str,
        endpoint: CallerEndpoint,
        *,
        methods: Sequence[str],
        runtime: Runtime,
        authenticator: Authenticator,
    ) -> None:
        async def known(request: Request, _: Ctx) -> Response:
            return await self._response(request)

        super().__init__(path, known, methods=methods, scope=None, runtime=runtime, authenticator=authenticator)
        self._of_caller = endpoint

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is known to be the route's, past the router."""
        observation_of(scope).route = self.path
        response = await self._response(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        caller = self.caller(request)
        if caller.assumed is None:
            await caller.ctx()
        try:
            response = await self._of_caller(request, caller)
        except (EdgeError, DomainError):
            if not caller.is_asked_for:
                await caller.ctx()
            raise
        await caller.ctx()
        return response


class Straight:
    """Leads the requests of one path past the router: matching takes longer than what is done for a short answer."""

    def __init__(self, app: ASGIApp, *, to: ASGIApp, path: str, method: str) -> None:
        self._app = app
        self._to = to
        self._path = path
        self._method = method

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer the request straight, or through the app."""
        is_led = scope["type"] == "http" and scope["path"] == self._path and scope["method"] == self._method
        return (self._to if is_led else self._app)(scope, receive, send)


class SocketRoute(WebSocketRoute):
    """WebSockets for holders of a key, which comes in their first message: the endpoint asks for it."""

    def __init__(self, path: str, endpoint: Callable[[WebSocket], Awaitable[None]]) -> None:
        # A function, for Starlette takes any other callable for an application of its own.
        async def opened(websocket: WebSocket) -> None:
            await endpoint(websocket)

        super().__init__(path, opened)


def check_routes(routes: Sequence[BaseRoute]) -> None:
    """Raise UndeclaredRoute unless every route is of one of these kinds."""
    undeclared = [route for route in routes if not isinstance(route, OpenRoute | KeyRoute | SocketRoute)]
    if undeclared:
        raise UndeclaredRoute(f"routes that do not say who may call them: {undeclared}")
