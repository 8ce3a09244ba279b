"""Creates codes. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.tracking.codes import CODE_KIND, drafted
from app.tracking.inputs import CodeInput
from app.usecases.entities import create
from app.usecases.items import Unread
from app.usecases.references import check_references


async def create_codes(
    runtime: Runtime, ctx: Ctx, codes: Sequence[CodeInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each code, in the order given. A known code with the same content is REPLAYED."""
    return await create(
        runtime,
        ctx,
        CODE_KIND,
        codes,
        draft=partial(drafted, ctx),
        checks=(check_references,),
        idempotency_key=idempotency_key,
    )
