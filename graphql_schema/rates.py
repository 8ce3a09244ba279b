"""A tenant's own exchange rates: their type, list and mutations."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from app.analytics.query import Direction
from app.core.context import Scope
from app.db.keyset import Condition
from app.orders import rate_inputs as plain
from app.orders.queries import OWN_RATES
from app.usecases.import_exchange_rates import import_exchange_rates
from app.usecases.record_exchange_rates import record_exchange_rates
from graphql_schema.families import shows
from graphql_schema.filters import StringFilter, TimeFilter, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row, plain_decimal
from graphql_schema.scalars import BigInt, CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, present


@shows(OWN_RATES, Scope.MONEY_READ)
@strawberry.type(
    description="An exchange rate of the tenant's own. It comes before the rate that all tenants share for its day; of "
    "several of one day the latest counts."
)
class ExchangeRate(Node):
    """An exchange rate of the tenant's own."""

    base: CurrencyCode = strawberry.field(description="What is converted.")
    quote: CurrencyCode = strawberry.field(description="What it is converted into.")
    day: date = strawberry.field(description="The day of UTC from which on it counts, for at most seven days.")
    rate: Decimal = strawberry.field(description="Units of `quote` for one unit of `base`.")
    source: str = strawberry.field(
        description="Where it comes from: `own`, `ecb`, or `ecb-cross`, made of two of the ECB's."
    )
    recorded_at: datetime = strawberry.field(description="When it was recorded.")

    of = of_row(rate=plain_decimal("rate"))


@strawberry.input(description="Which exchange rates to list. Conditions are combined by AND.")
class ExchangeRateFilter:
    """Which exchange rates to list."""

    base: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What is converted.")
    quote: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Into what.")
    recorded: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were recorded.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [*on("base", self.base), *on("quote", self.quote), *on("recorded_at", self.recorded)]


ExchangeRateOrder = ordering(
    "ExchangeRate", "exchange rates", direction=Direction.DESC, RECORDED_AT="When they were recorded."
)


@strawberry.input(description="An exchange rate of the tenant's own.")
class ExchangeRateInput:
    """An exchange rate of the tenant's own."""

    base: CurrencyCode = strawberry.field(description="What is converted.")
    quote: CurrencyCode = strawberry.field(description="What it is converted into.")
    day: date = strawberry.field(description="The day of UTC from which on it counts, for at most seven days.")
    rate: Decimal = strawberry.field(
        description="Units of `quote` for one unit of `base`: at most ten digits before and ten behind the point."
    )

    def value(self) -> plain.RateInput:
        """The rate as the use case takes it."""
        return plain.RateInput(base=self.base, quote=self.quote, day=self.day, rate=self.rate)


@strawberry.input(description="Exchange rates to record, at most 1,000 items.")
class RecordExchangeRatesInput:
    """Exchange rates to record."""

    rates: list[ExchangeRateInput] = strawberry.field(description="The rates.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one exchange rate.")
class ExchangeRateResult(ItemResult):
    """What became of one exchange rate."""


@strawberry.type(description="What became of the exchange rates.")
class RecordExchangeRatesPayload(Payload[ExchangeRateResult]):
    """What became of the exchange rates."""


@strawberry.input(
    description="A file of the European Central Bank's reference rates: eurofxref.csv or eurofxref-hist.csv."
)
class ExchangeRateFileInput:
    """A file of reference rates."""

    csv: str = strawberry.field(description="What the file holds.")
    since: date | None = strawberry.field(default=strawberry.UNSET, description="Days before it are left out.")

    def value(self) -> plain.RateFile:
        """The file as the use case takes it."""
        return plain.RateFile(**present(self))


@strawberry.input(description="Files of exchange rates to import.")
class ImportExchangeRatesInput:
    """Files of exchange rates to import."""

    files: list[ExchangeRateFileInput] = strawberry.field(description="The files.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one file of exchange rates.")
class ExchangeRateFileResult(ItemResult):
    """What became of one file."""

    @strawberry.field(description="Rates that were new; 0 when rejected.")
    def rates(self) -> BigInt:
        """Rates that were new."""
        return BigInt(self.detail.get("rates", 0))


@strawberry.type(description="What became of the files of exchange rates.")
class ImportExchangeRatesPayload(Payload[ExchangeRateFileResult]):
    """What became of the files."""


@strawberry.type
class Query:
    """Fields of this file."""

    exchange_rates = root_list(
        ExchangeRate,
        OWN_RATES,
        where=ExchangeRateFilter,
        order=ExchangeRateOrder,
        description="The tenant's own exchange rates, newest first.",
        scope=Scope.MONEY_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_exchange_rates = batch(
        record_exchange_rates,
        "rates",
        input=RecordExchangeRatesInput,
        payload=RecordExchangeRatesPayload,
        result=ExchangeRateResult,
        description="Records exchange rates of the tenant's own, and converts the facts that waited for them; what was "
        "converted before keeps its rate.",
        scope=Scope.MONEY_WRITE,
    )

    import_exchange_rates = batch(
        import_exchange_rates,
        "files",
        input=ImportExchangeRatesInput,
        payload=ImportExchangeRatesPayload,
        result=ExchangeRateFileResult,
        description="The same from files of the European Central Bank: the euro's rates, and those that follow "
        "from them for the tenant's currency. At most 200,000 rates a call.",
        scope=Scope.MONEY_WRITE,
    )


TYPES = (ExchangeRate,)
