"""Whether an address tells of an advertisement in a search engine."""

import pytest

from app.tracking.ads import ad_click_of

SHOP = "https://shop.example/sauces"


@pytest.mark.parametrize(
    ("url", "mark"),
    [
        (SHOP, None),
        (f"{SHOP}?gclid=Cj0KCQ", "gclid"),
        (f"{SHOP}?a=1&GCLID=Cj0KCQ&gad_source=1", "gclid"),
        (f"{SHOP}?wbraid=1", "wbraid"),
        (f"{SHOP}?gbraid=1", "gbraid"),
        (f"{SHOP}?msclkid=1", "msclkid"),
        (f"{SHOP}?yclid=1", "yclid"),
        (f"{SHOP}#/sale?gclid=1", "gclid"),
        (f"{SHOP}#gclid=1", "gclid"),
        (f"{SHOP}?gclid=", None),
        (f"{SHOP}?utm_medium=CPC&utm_source=google", "utm_medium"),
        (f"{SHOP}?utm_medium=paid%20search", "utm_medium"),
        (f"{SHOP}?utm_medium=social&utm_source=instagram", None),
        (f"{SHOP}?fbclid=1&ttclid=2&igshid=3", None),
        (f"{SHOP}?q=gclid", None),
    ],
)
def test_only_marks_of_paid_search_count(url: str, mark: str | None) -> None:
    assert ad_click_of(url) == mark
