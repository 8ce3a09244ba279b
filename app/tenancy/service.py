"""Tenants and keys are made and revoked here, by the owner's role alone: no request can make either."""

import hashlib
import re
import secrets
import string
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.core import money, timegrain
from app.core.context import Role, TenantInfo
from app.core.ids import new_id
from app.db.owner import OwnerSession
from app.errors import DomainError

KEY_ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH = 32
"""Random characters of a key: 190 bits, so that a plain hash of it cannot be searched."""

LIVE_PREFIX = "sk_live_"
TEST_PREFIX = "sk_test_"

_KEY = re.compile(rf"({LIVE_PREFIX}|{TEST_PREFIX})[{KEY_ALPHABET}]{{{KEY_LENGTH}}}")
NAME_LENGTH_MAX = 200

UNFIT_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Of characters that no name has: controls, halves of pairs, and ends of lines and paragraphs."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only time that it is known. Kept out of `repr`, and so out of logs."""

    id: UUID
    role: Role
    key: str = field(repr=False)


def hash_key(key: str) -> str:
    """SHA-256 of a key, as 64 hex digits: all that is stored of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_key(text: str) -> bool:
    """Whether the text has the form of a key: prefix and 32 letters or digits."""
    return _KEY.fullmatch(text) is not None


async def create_tenant(
    session: OwnerSession, *, name: str, reporting_zone: str, currency: str, now: datetime
) -> tuple[TenantInfo, TenantInfo]:
    """The new live tenant and its TEST twin.

    Raises BAD_USER_INPUT, INVALID_TIME_ZONE, INVALID_CURRENCY, or NAME_TAKEN.
    """
    _check_name(name)
    timegrain.zone(reporting_zone)
    money.exponent(currency)
    live, test = (
        TenantInfo(id=new_id(), name=name, reporting_zone=reporting_zone, currency=currency, is_test=is_test)
        for is_test in (False, True)
    )
    made = await session.fetch(
        """/* tenancy.create_tenant */
        INSERT INTO tenants (id, name, kind, twin_of, reporting_zone, currency, created_at)
        VALUES ($1, $3, 'LIVE', NULL, $4, $5, $6),
               ($2, $3, 'TEST', $1, $4, $5, $6)
        ON CONFLICT (name, kind) DO NOTHING
        RETURNING id""",
        live.id,
        test.id,
        name,
        reporting_zone,
        currency,
        now,
    )
    if not made:
        raise DomainError("NAME_TAKEN", f"There is a tenant named {name!r} already. Choose another name.")
    assert len(made) == 2, "a tenant and its twin share their name: both are new, or neither"
    return live, test


async def create_key(
    session: OwnerSession,
    *,
    tenant: TenantInfo,
    role: Role,
    name: str,
    now: datetime,
    influencer_id: UUID | None = None,
) -> NewKey:
    """A new key of the tenant; the caller shows it once. influencer_id: whose rows an influencer's key may see.

    The caller has checked that the influencer is one of the tenant's.
    """
    _check_name(name)
    if (role is Role.INFLUENCER) != (influencer_id is not None):
        raise DomainError("BAD_USER_INPUT", "A key of role influencer names an influencer, and no other key does.")
    prefix = TEST_PREFIX if tenant.is_test else LIVE_PREFIX
    key = prefix + "".join(secrets.choice(KEY_ALPHABET) for _ in range(KEY_LENGTH))
    assert is_key(key)
    made = NewKey(id=new_id(), role=role, key=key)
    await session.execute(
        """/* tenancy.create_key */
        INSERT INTO api_keys (key_hash, id, tenant_id, role, influencer_id, name, hint, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        hash_key(key),
        made.id,
        tenant.id,
        role.value,
        influencer_id,
        name,
        f"{prefix}…{key[-4:]}",
        now,
    )
    return made


async def revoke_key(session: OwnerSession, *, key_id: UUID, now: datetime) -> datetime:
    """When the key was revoked: now, or earlier if it had been. It opens nothing any more once this is committed.

    Raises NOT_FOUND.
    """
    revoked_at: datetime | None = await session.fetchval(
        """/* tenancy.revoke_key */
        UPDATE api_keys
        SET revoked_at = coalesce(revoked_at, $2)
        WHERE id = $1
        RETURNING revoked_at""",
        key_id,
        now,
    )
    if revoked_at is None:
        raise DomainError("NOT_FOUND", f"There is no key with the id {key_id}. `scoville keys list` shows them.")
    return revoked_at


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_LENGTH_MAX:
        raise DomainError("BAD_USER_INPUT", f"The name must have 1 to {NAME_LENGTH_MAX} characters.", path=("name",))
    if name != name.strip():
        raise DomainError("BAD_USER_INPUT", f"The name {name!r} begins or ends with a blank.", path=("name",))
    if any(unicodedata.category(character) in UNFIT_CATEGORIES for character in name):
        raise DomainError("BAD_USER_INPUT", "The name must have no control characters or line ends.", path=("name",))
