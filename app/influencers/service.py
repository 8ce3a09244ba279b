"""Influencers and their social profiles: what they may be, and how they are written. Rules are pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.hashing import email_hash
from app.core.ids import new_id, new_ids
from app.core.texts import checked_country, checked_email, checked_external_id, checked_text, checked_url
from app.core.unset import given
from app.core.words import InfluencerStatus, Platform, ProgramKind
from app.db.entities import EntityKind
from app.db.rows import Change, RowTable
from app.db.session import ReadSession, WriteSession
from app.db.statuses import keep_statuses
from app.errors import DomainError
from app.influencers.inputs import InfluencerChange, InfluencerInput, ProfileInput
from app.tables import Influencer

HANDLE_LENGTH_MAX = 100
PROFILES_MAX = 50
"""Profiles of one influencer: several accounts on every platform."""

FOLLOWERS_MAX = 10**12


@dataclass(frozen=True, slots=True)
class Profile:
    """An influencer's account on a platform. handle: without @."""

    platform: Platform
    handle: str
    url: str | None
    followers: int | None


@dataclass(frozen=True, slots=True)
class InfluencerRow:
    """An influencer. profiles: in order of platform and handle. email_hash, customer: who they are as buyers."""

    id: UUID
    external_id: str | None
    name: str
    status: InfluencerStatus
    country: str | None
    email_hash: str | None
    customer: str | None
    created_at: datetime
    updated_at: datetime
    profiles: tuple[Profile, ...] = ()


def drafted(ctx: Ctx, item: InfluencerInput) -> InfluencerRow:
    """The new influencer. Raises DomainError."""
    return _checked(
        InfluencerRow(
            id=new_id(),
            external_id=item.external_id,
            name=item.name,
            status=item.status,
            country=item.country,
            email_hash=_hashed(ctx, item.email),
            customer=item.customer,
            created_at=ctx.now,
            updated_at=ctx.now,
            profiles=_checked_profiles(item.profiles),
        )
    )


def changed(ctx: Ctx, row: InfluencerRow, change: InfluencerChange) -> InfluencerRow:
    """The influencer after the change. Raises DomainError."""
    values = given(change, "id", required=("name", "status", "profiles"))
    if "email" in values:
        values["email_hash"] = _hashed(ctx, values.pop("email"))
    if "profiles" in values:
        values["profiles"] = _checked_profiles(values["profiles"])
    return _checked(replace(row, **values, updated_at=ctx.now))


def _checked(row: InfluencerRow) -> InfluencerRow:
    if row.external_id is not None:
        checked_external_id(row.external_id, "externalId")
    if row.customer is not None:
        checked_external_id(row.customer, "customer")
    return replace(row, name=checked_text(row.name, "name"), country=checked_country(row.country))


def _hashed(ctx: Ctx, email: str | None) -> str | None:
    return None if email is None else email_hash(ctx.tenant_id, checked_email(email, "email"))


def _checked_profiles(profiles: Sequence[ProfileInput]) -> tuple[Profile, ...]:
    if len(profiles) > PROFILES_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"`profiles` holds {len(profiles)}; at most {PROFILES_MAX} fit.", path=("profiles",)
        )
    checked: dict[tuple[Platform, str], Profile] = {}
    for index, item in enumerate(profiles):
        try:
            profile = _checked_profile(item)
        except DomainError as error:
            raise DomainError(error.code, error.message, path=("profiles", index, *error.path)) from None
        if (profile.platform, profile.handle) in checked:
            raise DomainError(
                "BAD_USER_INPUT",
                f"{profile.handle!r} on {profile.platform} is given twice.",
                path=("profiles", index, "handle"),
            )
        checked[profile.platform, profile.handle] = profile
    return tuple(profile for _, profile in sorted(checked.items()))


def _checked_profile(item: ProfileInput) -> Profile:
    handle = checked_text(item.handle.strip().removeprefix("@"), "handle", length_max=HANDLE_LENGTH_MAX)
    if item.followers is not None and not 0 <= item.followers <= FOLLOWERS_MAX:
        raise DomainError("BAD_USER_INPUT", f"`followers` must be 0 to {FOLLOWERS_MAX}.", path=("followers",))
    url = None if item.url is None else checked_url(item.url, "url")
    return Profile(item.platform, handle, url, item.followers)


async def _with_profiles(ctx: Ctx, session: ReadSession, rows: Sequence[InfluencerRow]) -> Sequence[InfluencerRow]:
    records = await session.fetch(
        """/* social_profiles.of_influencers */
        SELECT influencer_id, platform, handle, url, followers
        FROM social_profiles
        WHERE tenant_id = $1 AND influencer_id = ANY($2::uuid[])""",
        ctx.tenant_id,
        [row.id for row in rows],
    )
    found: dict[UUID, list[Profile]] = {row.id: [] for row in rows}
    for record in records:
        found[record["influencer_id"]].append(
            Profile(Platform(record["platform"]), record["handle"], record["url"], record["followers"])
        )
    return [
        replace(row, profiles=tuple(sorted(found[row.id], key=lambda profile: (profile.platform, profile.handle))))
        for row in rows
    ]


async def _save_profiles(ctx: Ctx, session: WriteSession, changes: Sequence[Change[InfluencerRow]]) -> None:
    # A profile that stays keeps its id: only those gone are deleted, the others are inserted or brought up to date.
    changes = [
        change for change in changes if (change.before is None and change.after.profiles) or "profiles" in change.fields
    ]
    if not changes:
        return
    profiles = [(change.after.id, profile) for change in changes for profile in change.after.profiles]
    await session.execute(
        """/* social_profiles.forget */
        DELETE FROM social_profiles
        WHERE tenant_id = $1
          AND influencer_id = ANY($2::uuid[])
          AND (influencer_id, platform, handle) NOT IN (
            SELECT kept.influencer_id, kept.platform, kept.handle
            FROM unnest($3::uuid[], $4::text[], $5::text[]) AS kept (influencer_id, platform, handle)
          )""",
        ctx.tenant_id,
        [change.after.id for change in changes if change.before is not None],
        [influencer_id for influencer_id, _ in profiles],
        [profile.platform for _, profile in profiles],
        [profile.handle for _, profile in profiles],
    )
    await session.execute(
        """/* social_profiles.keep */
        INSERT INTO social_profiles
          (tenant_id, id, influencer_id, platform, handle, url, followers, created_at, updated_at)
        SELECT $1, kept.*, $2, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[])
          AS kept (id, influencer_id, platform, handle, url, followers)
        ON CONFLICT (tenant_id, influencer_id, platform, handle) DO UPDATE
        SET url = excluded.url, followers = excluded.followers, updated_at = excluded.updated_at""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(profiles)),
        [influencer_id for influencer_id, _ in profiles],
        [profile.platform for _, profile in profiles],
        [profile.handle for _, profile in profiles],
        [profile.url for _, profile in profiles],
        [profile.followers for _, profile in profiles],
    )


async def _save(ctx: Ctx, session: WriteSession, changes: Sequence[Change[InfluencerRow]]) -> None:
    await _save_profiles(ctx, session, changes)
    await keep_statuses(ProgramKind.INFLUENCER, ctx, session, changes)


INFLUENCER_KIND = EntityKind(
    noun="influencer",
    plural="influencers",
    table=RowTable(
        Influencer,
        InfluencerRow,
        key=("external_id",),
        changeable=("name", "status", "country", "email_hash", "customer"),
    ),
    shown_as="name",
    complete=_with_profiles,
    save=_save,
)
