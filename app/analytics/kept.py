"""Cached answers: under which key they are kept, and their bytes: rows of sums, ids instead of names. Pure."""

from datetime import datetime
from typing import Any

import orjson

from app.analytics.resolved import Resolved, ResolvedSeries
from app.analytics.rows import Computed, GroupRows, Rows
from app.core.hashing import content_hash

VERSION = 5
"""Of cached answers: raised when what is kept or what it means changes."""


def key_of(resolved: Resolved) -> str:
    """Everything that changes the rows but the facts.

    Who may see only own rows has that in the filter; tenants are apart in the store. The request's time is not in it:
    the range is.
    """
    question = (
        VERSION,
        resolved.interval,
        resolved.compared,
        resolved.as_of,
        resolved.zone,
        resolved.currency,
        resolved.attribution,
        resolved.where,
        resolved.parents,
        resolved.estimates,
        resolved.totals,
        None if resolved.layout is None else resolved.layout.sums,
        tuple(map(_series, resolved.series)),
        tuple(
            (
                groups.by,
                groups.columns,
                groups.sorts,
                groups.terms,
                groups.having,
                groups.limit,
                groups.place,
                groups.is_counted,
                groups.is_ranked,
                groups.totals,
                groups.members,
                tuple(map(_series, groups.series)),
            )
            for groups in resolved.groups
        ),
    )
    return "analytics:" + content_hash(repr(question)).hex()


def _series(series: ResolvedSeries) -> tuple[Any, ...]:
    # What stands in empty buckets, and running totals, are made of the same rows.
    return series.buckets.every, series.columns


def dumped(computed: Computed) -> bytes:
    """The rows as they are kept."""

    def rows(item: Rows | None) -> dict[str, Any] | None:
        if item is None:
            return None
        return {"columns": item.columns, "values": item.values, "samples": item.samples}

    body = {
        "at": computed.at.isoformat(),
        "totals": rows(computed.totals),
        "series": [rows(item) for item in computed.series],
        "groups": [
            {
                "page": rows(item.page),
                "totals": rows(item.totals),
                "members": rows(item.members),
                "series": [rows(each) for each in item.series],
                "ranked": item.ranked,
            }
            for item in computed.groups
        ],
    }
    # Ids and numerics as text: what reads rows takes both forms.
    return orjson.dumps(body, default=str)


def loaded(body: bytes) -> Computed:
    """The rows that were kept."""

    def rows(item: dict[str, Any]) -> Rows:
        return Rows(tuple(item["columns"]), tuple(item["values"]), tuple(item["samples"]))

    def perhaps(item: dict[str, Any] | None) -> Rows | None:
        return None if item is None else rows(item)

    value = orjson.loads(body)
    return Computed(
        at=datetime.fromisoformat(value["at"]),
        totals=perhaps(value["totals"]),
        series=tuple(map(rows, value["series"])),
        groups=tuple(
            GroupRows(
                page=rows(item["page"]),
                totals=perhaps(item["totals"]),
                members=perhaps(item["members"]),
                series=tuple(map(rows, item["series"])),
                ranked=tuple(item["ranked"]),
            )
            for item in value["groups"]
        ),
        plan=None,
    )
