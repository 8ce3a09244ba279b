"""Creates enrollments: influencers enter campaigns. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.campaigns.enrollments import ENROLLMENT_KIND, drafted
from app.campaigns.inputs import EnrollmentInput
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.entities import create
from app.usecases.items import Unread
from app.usecases.references import check_references


async def create_enrollments(
    runtime: Runtime, ctx: Ctx, enrollments: Sequence[EnrollmentInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each enrollment, in the order given. A known pair under the same terms is REPLAYED."""
    return await create(
        runtime,
        ctx,
        ENROLLMENT_KIND,
        enrollments,
        draft=partial(drafted, ctx),
        checks=(check_references,),
        idempotency_key=idempotency_key,
    )
