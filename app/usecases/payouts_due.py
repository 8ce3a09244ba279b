"""What is due now, and how it would be paid: what the preview shows, and what batches are made of."""

from collections.abc import Collection, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from uuid import UUID

from app.core.context import Ctx
from app.core.money import exponent
from app.core.payout_words import PayoutMethodStatus, PayoutProviderName, PayoutSchedule, TaxState
from app.db.session import ReadSession
from app.orders.conversion import key_of, load_rates
from app.payouts.accounts import accounts_of
from app.payouts.due import RATE_DIGITS, Balance, Due, Factors, balances, judged, method_for
from app.payouts.methods import MethodRow, PolicyRow
from app.runtime import Runtime


async def due(
    runtime: Runtime,
    ctx: Ctx,
    session: ReadSession,
    *,
    influencer_ids: Collection[UUID] | None = None,
    locked: bool = False,
    limit: int | None = None,
) -> list[Due]:
    """All balances that are not 0, and how they are paid; in order of influencer and currency.

    locked: the methods are locked first, so that no balance is taken twice, and the commissions are told.
    """
    methods = await _methods(ctx, session, influencer_ids, locked=locked)
    found = await balances(ctx, session, influencer_ids=influencer_ids, with_commissions=locked, limit=limit)
    policies = await load_policies(ctx, session)
    factors = await _factors(ctx, session, found, methods)
    accounts = accounts_of(runtime.settings.payout_accounts, ctx.tenant_id)
    providers = {name for name in PayoutProviderName if accounts.has(name)}
    return [
        judged(balance, methods.get(balance.influencer_id, ()), policies.get(balance.currency), factors, providers)
        for balance in found
    ]


async def _methods(
    ctx: Ctx, session: ReadSession, influencer_ids: Collection[UUID] | None, *, locked: bool
) -> dict[UUID, list[MethodRow]]:
    rows = await session.fetch(
        f"""/* payout_methods.all */
        SELECT id, influencer_id, currency, provider, reference, holder, status, is_default, tax_state, tax_document,
          created_at, updated_at
        FROM payout_methods
        WHERE tenant_id = $1 AND ($2::uuid[] IS NULL OR influencer_id = ANY($2::uuid[]))
        ORDER BY id
        {"FOR NO KEY UPDATE" if locked else ""}""",  # noqa: S608 - one of two constant texts
        ctx.tenant_id,
        None if influencer_ids is None else list(influencer_ids),
    )
    found: dict[UUID, list[MethodRow]] = {}
    for row in rows:
        method = MethodRow(
            id=row["id"],
            influencer_id=row["influencer_id"],
            currency=row["currency"],
            provider=PayoutProviderName(row["provider"]),
            reference=row["reference"],
            holder=row["holder"],
            status=PayoutMethodStatus(row["status"]),
            is_default=row["is_default"],
            tax_state=TaxState(row["tax_state"]),
            tax_document=row["tax_document"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )
        found.setdefault(method.influencer_id, []).append(method)
    return found


async def load_policies(ctx: Ctx, session: ReadSession) -> dict[str, PolicyRow]:
    """The tenant's policies by currency."""
    rows = await session.fetch(
        """/* payout_policies.all */
        SELECT id, currency, threshold_minor, schedule, day, needs_tax_data, next_at, created_at, updated_at
        FROM payout_policies
        WHERE tenant_id = $1
        ORDER BY currency""",
        ctx.tenant_id,
    )
    return {
        row["currency"]: PolicyRow(
            id=row["id"],
            currency=row["currency"],
            threshold_minor=row["threshold_minor"],
            schedule=PayoutSchedule(row["schedule"]),
            day=row["day"],
            needs_tax_data=row["needs_tax_data"],
            next_at=row["next_at"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )
        for row in rows
    }


async def _factors(
    ctx: Ctx, session: ReadSession, found: Sequence[Balance], methods: dict[UUID, list[MethodRow]]
) -> Factors:
    pairs = {
        (balance.currency, method.currency)
        for balance in found
        if balance.amount > 0
        and (method := method_for(balance.currency, methods.get(balance.influencer_id, ()))) is not None
        and method.currency != balance.currency
    }
    return await cross_rates(ctx, session, pairs) if pairs else {}


async def cross_rates(ctx: Ctx, session: ReadSession, pairs: Iterable[tuple[str, str]]) -> Factors:
    """The rates of today between pairs of currencies, by way of the tenant's; absent where one is not known.

    What is converted is converted at the rate as it is kept, so that anybody can do it again.
    """
    pairs = sorted(pairs)
    rates = await load_rates(ctx, session, {key_of(currency, ctx.now) for pair in pairs for currency in pair})

    def to_own(currency: str) -> Fraction | None:
        return Fraction(1) if currency == ctx.tenant.currency else rates.factors.get(key_of(currency, ctx.now))

    known: dict[tuple[str, str], tuple[Fraction, Decimal]] = {}
    for source, target in pairs:
        given, got = to_own(source), to_own(target)
        if given is None or got is None:
            continue
        shift = Fraction(10) ** (exponent(source) - exponent(target))
        rate = _kept(given / got * shift)
        if rate > 0:
            known[source, target] = Fraction(rate) / shift, rate
    return known


def _kept(rate: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(rate.numerator) / Decimal(rate.denominator)
        return exact.quantize(Decimal(1).scaleb(-RATE_DIGITS), rounding=ROUND_HALF_EVEN)
