"""Every setting of a Scoville process: read once, cast at the edge, documented by its description.

`scoville settings` prints them with their source; a test fails when one has no description. Nothing else reads the
environment.
"""

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AliasChoices, AwareDatetime, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_POSTGRES = ("postgresql", "postgres"), "postgresql://user:password@host:5432/database"
_REDIS = ("redis", "rediss", "unix"), "redis://:password@host:6379/0"


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        # Brackets without an end, or a port that is none.
        return False
    # Of several hosts the driver that migrates takes none.
    return "://" in text and url.scheme in schemes and "," not in url.netloc


def _setting(default: Any, description: str, *, names: tuple[str, ...] = (), **bounds: Any) -> Any:
    alias = AliasChoices(*names) if names else None
    return Field(default, description=description, validation_alias=alias, **bounds)


class Settings(BaseSettings):
    """The configuration of one process. Names in the environment: `SCOVILLE_` + upper case, but for the two URLs."""

    model_config = SettingsConfigDict(env_prefix="SCOVILLE_", extra="ignore", frozen=True, populate_by_name=True)

    # --- where things are
    database_url: SecretStr | None = _setting(
        None,
        "Postgres 15 to 18 to use, as a URL. Unset: a private Postgres is started in the data directory.",
        names=("DATABASE_URL", "database_url"),
    )
    database_admin_url: SecretStr | None = _setting(
        None,
        "URL of the role that owns the tables, for `migrate`, tenants, keys and partitions, also the worker's. "
        "Unset: DATABASE_URL.",
        names=("DATABASE_ADMIN_URL", "database_admin_url"),
    )
    redis_url: SecretStr | None = _setting(
        None,
        "Redis 6.2 or later, or Valkey, as a URL. Unset: a private Valkey is started in the data directory.",
        names=("REDIS_URL", "redis_url"),
    )
    redis_enabled: bool = _setting(True, "False: run without any Redis; everything answers, nothing is cached.")
    data_dir: Path = _setting(
        user_data_path("scoville", appauthor=False),
        "Directory of the embedded Postgres and Valkey.",
    )

    # --- server
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0 takes a free one.", ge=0, le=65535)
    workers: int = _setting(1, "Server processes behind the port.", ge=1, le=64)
    log_level: str = _setting("INFO", "Least severe level that is logged.", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_json: bool = _setting(True, "True: one JSON object a line. False: coloured text for people.")
    graphiql: bool = _setting(True, "Serve GraphiQL to browsers at /graphql, from local files.")
    introspection: bool = _setting(True, "Answer introspection queries of authenticated callers.")

    # --- database pool
    pool_size_max: int = _setting(10, "Connections a process may hold.", ge=1, le=200)
    pool_acquire_timeout_s: float = _setting(2.5, "Seconds to wait for a connection before SERVICE_UNAVAILABLE.", gt=0)
    statement_timeout_s: float = _setting(15.0, "Seconds a statement of a read may run.", gt=0)
    write_timeout_s: float = _setting(60.0, "Seconds a statement of a write may run: the longest write deadline.", gt=0)

    # --- bounds of requests
    body_bytes_max: int = _setting(8_000_000, "Bytes of a request body.", ge=1_000)
    document_bytes_max: int = _setting(100_000, "Bytes of a GraphQL document.", ge=1_000)
    tokens_max: int = _setting(1_000, "Tokens of a GraphQL document.", ge=10)
    depth_max: int = _setting(14, "Nesting of a GraphQL selection.", ge=3)
    cost_max: int = _setting(50_000, "Estimated cost of one GraphQL operation, in points.", ge=100)
    batch_items_max: int = _setting(1_000, "Items of one write.", ge=1, le=10_000)
    refund_lines_max: int = _setting(
        100_000,
        "Lines of refunds and of the commissions they reverse, after which a write refuses its further refunds.",
        ge=1,
    )
    page_items_max: int = _setting(1_000, "Items of one page of a connection.", ge=1, le=10_000)
    errors_max: int = _setting(5, "Errors of one answer; the rest are counted.", ge=1)
    body_timeout_s: float = _setting(15.0, "Seconds a request body may take to arrive.", gt=0)
    operation_timeout_s: float = _setting(30.0, "Seconds one GraphQL operation that reads may take.", gt=0)

    # --- exports
    exports_max: int = _setting(
        2, "Files that a process writes at once; each holds a connection of the database pool.", ge=1, le=100
    )
    export_timeout_s: float = _setting(900.0, "Seconds that writing one file may take, slow readers included.", gt=0)

    # --- subscriptions
    live_every_min_s: float = _setting(0.1, "Least seconds between two answers of a subscription.", gt=0)
    live_connections_max: int = _setting(5_000, "Connections with subscriptions a process may hold.", ge=1)
    live_connections_per_key_max: int = _setting(2_000, "Of these, connections of one key.", ge=1)
    live_operations_max: int = _setting(1_000, "Operations under way on one WebSocket connection.", ge=1)
    live_subscriptions_max: int = _setting(20_000, "Subscriptions that a process answers.", ge=1)
    live_questions_max: int = _setting(1_000, "Different questions that a process answers for subscribers.", ge=1)
    live_concurrency_max: int = _setting(4, "Answers for subscribers that a process computes at once.", ge=1)
    live_message_bytes_max: int = _setting(200_000, "Bytes of a WebSocket message that a client sends.", ge=1_000)
    live_init_timeout_s: float = _setting(10.0, "Seconds a WebSocket client may take to send its key.", gt=0)
    live_ping_s: float = _setting(
        20.0,
        "Seconds between signs of life on connections with subscriptions, and to wait for a WebSocket's reply.",
        gt=0,
    )

    # --- writes
    future_tolerance_s: int = _setting(
        300, "Seconds an occurrence time may lie in the future before it is refused as OCCURRED_IN_FUTURE.", ge=0
    )
    idempotency_days: int = _setting(30, "Days an idempotency key is remembered.", ge=1)
    touch_lookback_days: int = _setting(90, "Days before an order in which touches are looked for.", ge=1, le=730)
    late_touch_days: int = _setting(
        30, "Days that an order nobody is credited for waits for a touch that is told late.", ge=1, le=730
    )
    touch_candidates_max: int = _setting(50, "Touches looked at for one order, latest first.", ge=1, le=500)
    default_window_days: int = _setting(30, "Attribution window of clicks without a campaign.", ge=1, le=730)

    # --- payouts
    payout_accounts: SecretStr | None = _setting(
        None,
        "Accounts at payout providers by tenant, as JSON: see app/payouts/accounts.py. Unset: payouts by hand only.",
    )
    payout_interval_s: float = _setting(5.0, "Seconds between a worker's looks for payouts to send or ask about.", gt=0)
    payout_call_timeout_s: float = _setting(30.0, "Seconds a payout provider may take to answer a call.", gt=0)
    payout_lease_s: float = _setting(
        120.0,
        "Seconds after which a payout that was about to be sent is looked for by any worker: more than "
        "SCOVILLE_PAYOUT_CALL_TIMEOUT_S. The longer, the more calls a worker takes on at once.",
        gt=0,
    )
    payout_ask_s: float = _setting(
        30.0, "Seconds until a payout under way is asked about; doubled each time, up to six hours.", gt=0
    )

    # --- rollups, cache, worker
    rollups_enabled: bool = _setting(True, "False: every answer comes from facts (for comparison and repair).")
    demand_interval_s: float = _setting(
        60.0, "Seconds between a server's records of what questions needed of rollups, for `rollups advise`.", gt=0
    )
    demand_days: int = _setting(30, "Days that such a record is kept.", ge=1, le=366)
    fold_deltas_max: int = _setting(50_000, "Deltas of a tenant at which a writer folds by itself.", ge=100)
    fold_interval_s: float = _setting(1.0, "Seconds between a worker's folds.", gt=0)
    approve_interval_s: float = _setting(
        60.0, "Seconds between a worker's looks at which commissions are due to be approved.", gt=0
    )
    late_rates_interval_s: float = _setting(
        3600.0, "Seconds between a worker's looks at whether facts that had no exchange rate have one by now.", gt=0
    )
    answer_ttl_s: int = _setting(60, "Seconds a cached answer is kept at most.", ge=1, le=60)
    instances_since: AwareDatetime | None = _setting(
        None,
        "Instances before this instant were dropped: answers that need them say so (RETENTION_CUT).",
    )
    answer_rows_min: int = _setting(
        20_000,
        "Rows that a question is estimated to read from which on its answer is kept the first time it is asked; a "
        "smaller one is computed sooner than it is looked up, and kept once a process is asked it again.",
        ge=0,
    )
    answer_bytes_max: int = _setting(2_000_000, "Bytes of an answer that is still cached.", ge=1_000)
    redis_timeout_s: float = _setting(0.25, "Seconds to wait for Redis before answering without it.", gt=0)
    key_cache_s: float = _setting(
        1.0, "Seconds a key's principal is remembered when Redis cannot be asked.", gt=0, le=1
    )
    partitions_ahead: int = _setting(3, "Monthly partitions of instances made ahead.", ge=1, le=60)

    @field_validator("database_url", "database_admin_url", "redis_url", mode="after")
    @classmethod
    def _is_address(cls, url: SecretStr | None, about: ValidationInfo) -> SecretStr | None:
        # What a file of environment names without a value is not set. Of what is refused nothing is told: it may hold a
        # password.
        text = "" if url is None else url.get_secret_value().strip()
        if not text:
            return None
        schemes, example = _REDIS if about.field_name == "redis_url" else _POSTGRES
        if not _is_url(text, schemes):
            raise ValueError(f"this is no URL such as {example}")
        return SecretStr(text)

    @model_validator(mode="after")
    def _lease_holds_a_call(self) -> Self:
        if self.payout_lease_s <= self.payout_call_timeout_s:
            raise ValueError("SCOVILLE_PAYOUT_LEASE_S must be more than SCOVILLE_PAYOUT_CALL_TIMEOUT_S")
        return self

    @property
    def owner_url(self) -> str:
        """URL of the role that owns the tables. Only of settings that name a server: embedded ones do when they run."""
        url = self.database_admin_url or self.database_url
        assert url is not None, "start the embedded services first"
        return url.get_secret_value()

    @cached_property
    def future_tolerance(self) -> timedelta:
        """How far in the future an occurrence time may lie."""
        return timedelta(seconds=self.future_tolerance_s)
