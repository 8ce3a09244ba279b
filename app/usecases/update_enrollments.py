"""Changes enrollments: only what a change mentions. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.campaigns.enrollments import ENROLLMENT_KIND, changed
from app.campaigns.inputs import EnrollmentChange
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.entities import update
from app.usecases.items import Unread


async def update_enrollments(
    runtime: Runtime, ctx: Ctx, changes: Sequence[EnrollmentChange | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each change, in the order given. A change that changes nothing is REPLAYED."""
    return await update(
        runtime, ctx, ENROLLMENT_KIND, changes, apply=partial(changed, ctx), idempotency_key=idempotency_key
    )
