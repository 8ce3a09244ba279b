"""GraphiQL for browsers, from local files: our page, and the programs of the package graphene-django-graphiql-static.

That package carries GraphiQL 2 and React 17 as built by their makers, and needs nothing of Django to do so. The page
holds no data and no key: whoever uses it types a key into its headers.
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from app.web.errors import EdgeError
from app.web.negotiation import wants_html

PACKAGE = "graphene_django_graphiql_static"

OURS = ("graphiql.css", "graphiql.js")
THEIRS = (
    "graphiql-plugin-explorer.umd.js",
    "graphiql.min.css",
    "graphiql.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
    "style.css",
)

ASSETS_MAX_AGE_S = 3_600

PAGE_HEADERS = {
    # GraphiQL writes style attributes; nothing else may come from anywhere but here.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
    "vary": "accept",
}


def asset_paths() -> dict[str, Path]:
    """Where each file of the page lies, by its name: the only files that are ever served."""
    spec = find_spec(PACKAGE)
    assert spec is not None, f"{PACKAGE} is a dependency"
    assert spec.submodule_search_locations, f"{PACKAGE} is a package"
    theirs = Path(spec.submodule_search_locations[0]) / "static" / PACKAGE
    ours = Path(str(files("app.web"))) / "static"
    return {name: theirs / name for name in THEIRS} | {name: ours / name for name in OURS}


class GraphiQL:
    """GET /graphql: the page for browsers, 405 for everybody else."""

    def __init__(self, *, is_enabled: bool) -> None:
        self._page = Path(str(files("app.web"))) / "static" / "graphiql.html"
        self._is_enabled = is_enabled

    async def __call__(self, request: Request) -> Response:
        """The page."""
        if not self._is_enabled or not wants_html(request.headers.get("accept")):
            raise EdgeError(405, "BAD_REQUEST", "Send operations by POST.", headers={"Allow": "POST"})
        return FileResponse(self._page, media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)


async def to_graphiql(_: Request) -> Response:
    """GET /: to where everything is, for whoever typed the address alone."""
    return RedirectResponse("/graphql", headers={"cache-control": "no-cache"})


class Assets:
    """GET /graphql/assets/{name}: the page's programs and styles."""

    def __init__(self) -> None:
        self._paths = asset_paths()

    async def __call__(self, request: Request) -> Response:
        """The file of that name."""
        path = self._paths.get(request.path_params["name"])
        if path is None:
            raise EdgeError(404, "NOT_FOUND", "There is no such file.")
        headers = {"cache-control": f"public, max-age={ASSETS_MAX_AGE_S}", "x-content-type-options": "nosniff"}
        return FileResponse(path, headers=headers)
