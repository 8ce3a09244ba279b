"""Texts from outside: bounded, storable, and refused with a message that names the field. Pure.

Postgres takes neither NUL nor lone surrogates; one of them would spoil a whole batch instead of its item.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from app.errors import DomainError

EXTERNAL_ID_LENGTH_MAX = 200
"""Characters of an id that the caller chose."""

TEXT_LENGTH_MAX = 500
"""Characters of a title, reason or name."""

EMAIL_LENGTH_MAX = 320
URL_LENGTH_MAX = 2_000
"""Characters of an address: what every browser takes."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No store's books reach further back; earlier times are mistakes of conversion."""


def is_storable(value: str) -> bool:
    """Whether the database can keep the text."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return "\0" not in value


def is_blank(value: str) -> bool:
    """Whether nothing of the text can be seen: it is empty, or all blanks and control characters."""
    # Nearly every text begins with a visible character of ASCII.
    if value and "!" <= value[0] <= "~":
        return False
    return all(character.isspace() or not character.isprintable() for character in value)


def checked_text(value: str, name: str, *, length_max: int = TEXT_LENGTH_MAX, is_blank_fine: bool = False) -> str:
    """The text as it is. Raises BAD_USER_INPUT when it is blank, too long, or not storable.

    name: of the field, in the API's spelling; it becomes the error's path. is_blank_fine: for what only describes a
    fact, which is not to be refused for it; even an empty text is then kept as it was sent.
    """
    if (not value and not is_blank_fine) or len(value) > length_max:
        raise DomainError(
            "BAD_USER_INPUT",
            f"`{name}` has {len(value)} characters; it must have 1 to {length_max}.",
            path=(name,),
        )
    if not is_blank_fine and is_blank(value):
        raise DomainError("BAD_USER_INPUT", f"`{name}` has no character that can be seen.", path=(name,))
    if is_storable(value):
        return value
    raise DomainError(
        "BAD_USER_INPUT", f"`{name}` holds a character that is none (NUL or half of a pair).", path=(name,)
    )


def checked_external_id(value: str, name: str) -> str:
    """A caller's own id. Raises BAD_USER_INPUT when it is blank, too long, or not storable."""
    return checked_text(value, name, length_max=EXTERNAL_ID_LENGTH_MAX)


def checked_optional(value: str | None, name: str, *, length_max: int = TEXT_LENGTH_MAX) -> str | None:
    """The text, or None when there is none."""
    return None if value is None else checked_text(value, name, length_max=length_max)


def checked_email(value: str, name: str) -> str:
    """An e-mail address. Raises BAD_USER_INPUT for what cannot be one."""
    text = checked_text(value, name, length_max=EMAIL_LENGTH_MAX)
    if not 0 < text.find("@") < len(text) - 1:
        # The value itself stays out of the message: it may be personal data.
        raise DomainError("BAD_USER_INPUT", f"`{name}` is not an address such as ana@example.com.", path=(name,))
    return text


def checked_country(value: str | None, name: str = "country") -> str | None:
    """An ISO 3166-1 alpha-2 code in upper case, or None. Raises BAD_USER_INPUT for other shapes."""
    if value is None:
        return None
    if len(value) != 2 or not value.isascii() or not value.isalpha():
        raise DomainError("BAD_USER_INPUT", f"`{name}` must be a two-letter country code such as DE.", path=(name,))
    return value.upper()


def checked_url(value: str, name: str) -> str:
    """An absolute http or https address. Raises BAD_USER_INPUT for anything else: these are followed by browsers."""
    text = checked_text(value, name, length_max=URL_LENGTH_MAX)
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or not text.isprintable() or " " in text:
        raise DomainError("BAD_USER_INPUT", f"`{name}` must be an address such as https://example.com/a.", path=(name,))
    return text


def checked_code(value: str, name: str) -> str:
    """A coupon code as it is compared: without surrounding blanks, in upper case. Raises BAD_USER_INPUT."""
    code = checked_text(value.strip().upper(), name, length_max=EXTERNAL_ID_LENGTH_MAX)
    if not code.isprintable():
        raise DomainError("BAD_USER_INPUT", f"`{name}` holds a character that cannot be printed.", path=(name,))
    return code


def checked_instant(value: datetime, name: str, *, latest: datetime) -> datetime:
    """The instant in UTC. Raises OCCURRED_IN_FUTURE after `latest`, BAD_USER_INPUT before EARLIEST."""
    assert value.tzinfo is not None, f"{name} is not aware"
    instant = value if value.tzinfo is UTC else value.astimezone(UTC)
    if instant > latest:
        raise DomainError(
            "OCCURRED_IN_FUTURE",
            f"`{name}` is {instant.isoformat()}, which lies in the future. Check the clock and the offset.",
            path=(name,),
        )
    if instant < EARLIEST:
        raise DomainError("BAD_USER_INPUT", f"`{name}` lies before {EARLIEST.date()}.", path=(name,))
    return instant
