"""The head of a request, read once: its lines are looked at by half a dozen parts of an answer."""

from collections.abc import Mapping

from starlette.types import Scope

KEY = "scoville.head"


def head_of(scope: Scope) -> Mapping[str, str]:
    """The headers by their names in small letters; of those that come twice, the first."""
    found: Mapping[str, str] | None = scope.get(KEY)
    if found is None:
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        scope[KEY] = found
    return found
