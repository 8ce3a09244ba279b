"""The models of one touch, and the linear one, credit channels as the heuristics of ChannelAttribution (PyPI) do.

SCOVILLE_PATHS names its data set: `src/cypack/data/Data.csv` of its source distribution, 10,000 paths. The package is
under the GPL and brings NumPy and pandas, so neither it nor its data are part of this project: without it these skip.
"""

import csv
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.attribution.weights import Weights, weigh
from app.core.money import WEIGHT_ONE

CHANNELS = pytest.importorskip("ChannelAttribution", reason="needs `pip install ChannelAttribution`")
PATHS = os.environ.get("SCOVILLE_PATHS", "")

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLERANCE = 1e-6
"""Of the totals of a channel: its sums are binary fractions, ours shares in 1e-9."""

MODELS = {"first_touch": "first", "last_touch": "last", "linear_touch": "linear"}
"""Columns of its answer, and our weights."""


@pytest.fixture(scope="module")
def paths() -> list[tuple[list[str], int, Fraction]]:
    """Channels of each path, how often it converted, and for how much in all."""
    if not PATHS:
        pytest.skip("SCOVILLE_PATHS names no data set")
    with Path(PATHS).open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [
        (row["path"].split(" > "), int(row["total_conversions"]), Fraction(row["total_conversion_value"]))
        for row in rows
    ]


@pytest.fixture(scope="module")
def theirs(paths: list[tuple[list[str], int, Fraction]]) -> dict[str, Any]:
    """Its heuristics by channel."""
    data = pytest.importorskip("pandas").read_csv(PATHS, sep=";")
    found = CHANNELS.heuristic_models(
        data, "path", "total_conversions", var_value="total_conversion_value", flg_pro=False
    )
    return {row["channel_name"]: row for row in found.to_dict("records")}


def credited(paths: list[tuple[list[str], int, Fraction]], model: str) -> tuple[dict[str, Fraction], ...]:
    """Conversions and their value by channel, each path weighed as an order with a touch a day."""
    conversions: dict[str, Fraction] = defaultdict(Fraction)
    values: dict[str, Fraction] = defaultdict(Fraction)
    known: dict[int, Weights] = {}
    for channels, count, value in paths:
        size = len(channels)
        if size not in known:
            known[size] = weigh([START + timedelta(days=day) for day in range(size)])
        for channel, weight in zip(channels, getattr(known[size], model), strict=True):
            conversions[channel] += Fraction(weight * count, WEIGHT_ONE)
            values[channel] += value * weight / WEIGHT_ONE
    return conversions, values


@pytest.mark.parametrize("column", MODELS)
def test_channels_are_credited_as_by_the_package(
    paths: list[tuple[list[str], int, Fraction]], theirs: dict[str, Any], column: str
) -> None:
    conversions, values = credited(paths, MODELS[column])

    assert conversions.keys() == theirs.keys()
    for channel, row in theirs.items():
        found = row[f"{column}_conversions"], row[f"{column}_value"]
        assert float(conversions[channel]) == pytest.approx(found[0], rel=TOLERANCE), channel
        assert float(values[channel]) == pytest.approx(found[1], rel=TOLERANCE), channel
