"""The Online Retail files: the slice in the package, the whole one where it is, and small ones made by a test."""

import csv
import os
from pathlib import Path

import pytest

from app.integrations.online_retail import COLUMNS

ROOT = Path(__file__).parents[2]

SLICE = ROOT / "app" / "seeding" / "data" / "online-retail-slice.csv.gz"

FULL = Path(os.environ.get("ONLINE_RETAIL_CSV", "ONLINE_RETAIL_CSV"))
"""All 541,909 lines, 45 MB unpacked: not shipped. The environment names the place."""

needs_full = pytest.mark.skipif(not FULL.is_file(), reason="ONLINE_RETAIL_CSV names no file")


def row(
    invoice: str = "536365",
    sku: str = "85123A",
    quantity: int | str = 6,
    price: str = "2.55",
    *,
    at: str = "2010-12-01 08:26:00",
    customer: str = "17850.0",
    country: str = "United Kingdom",
    title: str = "WHITE HANGING HEART",
) -> list[str]:
    """One row of a file."""
    return [invoice, sku, title, str(quantity), at, price, customer, country]


def write(path: Path, *rows: list[str], header: tuple[str, ...] = COLUMNS) -> Path:
    """A file of these rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path
