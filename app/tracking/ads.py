"""Whether an address tells that its visitor came by an advertisement in a search engine. Pure."""

from urllib.parse import parse_qsl, urlsplit

CLICK_PARAMETERS = (
    "gclid",
    "gbraid",
    "wbraid",
    "gclsrc",
    "gad_source",
    "gad_campaignid",
    "msclkid",
    "yclid",
    "s_kwcid",
    "bd_vid",
)
"""What Google, Microsoft, Yandex, Adobe and Baidu add to the address of an advertisement in search results."""

PAID_MEDIA = frozenset({"cpc", "ppc", "sem", "paidsearch", "paid-search", "paid_search", "paid search"})
"""UTM media of paid search, in lower case."""


def ad_click_of(url: str) -> str | None:
    """The name of the first parameter that tells of paid search; None without any.

    Only the name: the values identify people to those who sold the advertisement. Marks that social networks put on
    every link, paid or not (fbclid, ttclid, igshid), tell nothing.
    """
    parts = urlsplit(url)
    # Some shops keep their routes, and so their parameters, behind the hash.
    behind_hash = parts.fragment.partition("?")[2] or parts.fragment
    found = {
        name.casefold(): value
        for query in (behind_hash, parts.query)
        for name, value in parse_qsl(query, keep_blank_values=False)
    }
    for name in CLICK_PARAMETERS:
        if name in found:
            return name
    return "utm_medium" if found.get("utm_medium", "").strip().casefold() in PAID_MEDIA else None
