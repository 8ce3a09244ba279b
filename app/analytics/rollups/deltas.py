"""The one door by which writers contribute to rollups: in the transaction of the facts, and nowhere else.

Definitions of the sums, for whoever maps facts to contributions (rollups/verify recomputes the same from facts):

instances, clicks, purchases    1 per instance; of kind CLICK; of kind PURCHASE. Keys and time of the instance.
orders_e9                       weight_booked of each credit. Keys of the credit, time of the order.
units_e9                        quantity × weight_booked, for each ITEM line (reversals negative) and credit.
gross_e9                        amount_base_minor × weight_booked, for each ITEM and DISCOUNT line and credit.
refunds_e9                      the same of refund lines at the refund's time; adjustments: amount × 10**9, no keys.
commission_<state>              amount_base_minor, at the commission's time, in its present state, no platform.
commission_reversed             minus amount_base_minor of REVERSAL rows: positive.
missing_rates                   1 per fact without amount_base_minor (revenue lines, refund lines, adjustments,
                                commissions); lines count once for each credit with weight_booked > 0.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from app.analytics.rollups.catalog import TOKENS
from app.core.context import Ctx
from app.core.ids import ZERO_ID, new_ids
from app.core.words import InstanceKind
from app.db.session import WriteSession
from app.tables.rollups import SUM_COLUMNS


class Contribution(NamedTuple):
    """What one fact (or several with equal keys) adds to the rollups. None keys: nobody and nothing known.

    A tuple, as a batch makes several of each order: a frozen dataclass of as many fields takes four times as long.
    """

    occurred_at: datetime
    campaign_id: UUID | None = None
    influencer_id: UUID | None = None
    platform: str | None = None
    instances: int = 0
    clicks: int = 0
    purchases: int = 0
    orders_e9: int = 0
    units_e9: int = 0
    gross_e9: int = 0
    refunds_e9: int = 0
    commission_pending: int = 0
    commission_held: int = 0
    commission_approved: int = 0
    commission_paid: int = 0
    commission_reversed: int = 0
    missing_rates: int = 0


def of_instance(
    *,
    occurred_at: datetime,
    kind: InstanceKind,
    campaign_id: UUID | None,
    influencer_id: UUID | None,
    platform: str | None,
) -> Contribution:
    """What an instance contributes."""
    return Contribution(
        occurred_at=occurred_at,
        campaign_id=campaign_id,
        influencer_id=influencer_id,
        platform=platform,
        instances=1,
        clicks=int(kind is InstanceKind.CLICK),
        purchases=int(kind is InstanceKind.PURCHASE),
    )


_sums = attrgetter(*SUM_COLUMNS)
_WIDE = frozenset(name for name in SUM_COLUMNS if name.endswith("_e9"))
_COLUMNS = ", ".join(SUM_COLUMNS)
# Numbers beyond 64 bits go as text: the driver takes five times as long for a numeric.
_ARRAYS = ", ".join(
    f"${index}::text[]::numeric[]" if name in _WIDE else f"${index}::bigint[]"
    for index, name in enumerate(SUM_COLUMNS, start=7)
)

# The state row is made by the first write of a tenant: from then on every fact has its contribution, so the rollups of
# every stored set are whole. A writer never waits for a fold here: the row is inserted only where there is none.
_STATE = """/* rollups.begin */
INSERT INTO rollup_state (tenant_id, generation, zone, currency, sets)
SELECT $1, 1, $2, $3, $4::text[]
WHERE NOT EXISTS (SELECT 1 FROM rollup_state WHERE tenant_id = $1)
ON CONFLICT (tenant_id) DO NOTHING"""

_APPEND = f"""/* rollups.append_deltas */
INSERT INTO rollup_delta (tenant_id, id, occurred_at, campaign_id, influencer_id, platform, {_COLUMNS})
SELECT $1, delta.*
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[], {_ARRAYS})
  AS delta (id, occurred_at, campaign_id, influencer_id, platform, {_COLUMNS})"""  # noqa: S608 - column names only


async def append(ctx: Ctx, session: WriteSession, contributions: Sequence[Contribution]) -> int:
    """Number of deltas inserted: contributions of equal keys are added up, empty ones left out.

    Notes the UTC days for the cache as well: what contributes to a day changes its answers.
    """
    sums: dict[tuple[datetime, UUID, UUID, str], tuple[int, ...]] = {}
    for item in contributions:
        key = (item.occurred_at, item.campaign_id or ZERO_ID, item.influencer_id or ZERO_ID, item.platform or "")
        values = _sums(item)
        known = sums.get(key)
        sums[key] = values if known is None else tuple(map(int.__add__, known, values))
    deltas = [(key, values) for key, values in sums.items() if any(values)]
    if not deltas:
        return 0
    await session.later(_STATE, ctx.tenant_id, ctx.tenant.reporting_zone, ctx.tenant.currency, list(TOKENS))
    await session.later(
        _APPEND,
        ctx.tenant_id,
        new_ids(len(deltas)),
        *([key[index] for key, _ in deltas] for index in range(4)),
        *(
            [str(values[index]) if name in _WIDE else values[index] for _, values in deltas]
            for index, name in enumerate(SUM_COLUMNS)
        ),
    )
    session.touch_days({key[0].date() for key, _ in deltas})
    session.deltas += len(deltas)
    return len(deltas)
