"""The European Central Bank's euro reference rates, as its CSV files give them. Pure."""

from app.integrations.ecb.reading import Rate, crossed, read_rates

__all__ = ["Rate", "crossed", "read_rates"]
