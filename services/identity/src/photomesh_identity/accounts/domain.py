"""Accounts, and the rules of their profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from photomesh_identity.errors import AgeKnown, PrivateUntil16, TooYoung
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import ACTIVE, EVERYBODY, FOLLOWEES
from photomesh_shared.events.versions import next_version
from photomesh_shared.text import normalize_line, normalize_text

__all__ = [
    "BIO_MAX",
    "DISPLAY_NAME_MAX",
    "Account",
    "Age",
    "ProfileEdit",
    "age_of",
    "apply_edit",
    "avatar_large_url",
    "avatar_url",
    "normalize_bio",
    "normalize_display_name",
    "with_age",
]

_MINIMUM_AGE, _MAXIMUM_AGE = 13, 120
_AGE_LASTS = timedelta(days=365)  # then a minor may be in the next range, and may say so
DISPLAY_NAME_MAX = 50
BIO_MAX = 300


class Age(StrEnum):
    """All that is kept of a birth date."""

    UNDER_16 = "13-15"
    UNDER_18 = "16-17"
    ADULT = "adult"


@dataclass(frozen=True)
class Account:
    """An account as its owner sees it. `avatar` maps a size in pixels to a key in the variants bucket."""

    id: int
    username: str
    email: str
    display_name: str
    bio: str
    private: bool
    avatar: Mapping[int, str] | None
    version: int
    created_at: datetime
    updated_at: datetime
    email_verified: bool = False
    age: Age | None = None
    """None if no birth date was stated."""
    age_stated_at: datetime | None = None
    status: str = ACTIVE
    wants_to_be_found: bool = True

    @property
    def searchable(self) -> bool:
        """Whether searches find the account and its posts: of a minor, never."""
        return self.wants_to_be_found and self.age in (None, Age.ADULT)

    @property
    def hidden(self) -> bool:
        """Whether the account does not exist for anybody but its owner: it is deactivated, or leaves."""
        return self.status != ACTIVE

    @property
    def mentionable_by(self) -> str:
        """By whom it can be mentioned. It says nothing about an age but that somebody is, or may be, a minor."""
        return EVERYBODY if self.age in (None, Age.ADULT) else FOLLOWEES


def avatar_url(account: Account, cdn_url: str) -> str | None:
    """The URL of the smallest size, which events and lists have; None without an avatar."""
    return f"{cdn_url}/{account.avatar[min(account.avatar)]}" if account.avatar else None


def avatar_large_url(account: Account, cdn_url: str) -> str | None:
    """The URL of the largest size, which profiles have as well; None without an avatar."""
    return f"{cdn_url}/{account.avatar[max(account.avatar)]}" if account.avatar else None


@dataclass(frozen=True)
class ProfileEdit:
    """Changes of a profile; None leaves a field unchanged."""

    display_name: str | None = None
    bio: str | None = None
    private: bool | None = None
    searchable: bool | None = None
    avatar_photo_id: int | None = None
    remove_avatar: bool = False


def normalize_display_name(text: str) -> str:
    """Returns the name without surrounding space: 1–50 characters on one line, of which some can be seen. Raises
    ValueError."""
    name = normalize_line(text)
    if not 1 <= len(name) <= DISPLAY_NAME_MAX:
        raise ValueError(f"must have 1 to {DISPLAY_NAME_MAX} characters")
    return name


def normalize_bio(text: str) -> str:
    """Returns the text without surrounding space: up to 300 characters. Raises ValueError."""
    words = normalize_text(text).strip()
    if len(words) > BIO_MAX:
        raise ValueError(f"must have at most {BIO_MAX} characters")
    return words


def apply_edit(account: Account, edit: ProfileEdit, avatar: Mapping[int, str] | None, now: datetime) -> Account:
    """Returns the account's next version, or `account` itself if the edit changes nothing. `avatar` are the sizes of
    the new avatar, if there is one. Raises PrivateUntil16."""
    if edit.private is False and account.age is Age.UNDER_16:
        raise PrivateUntil16
    after = replace(
        account,
        display_name=account.display_name if edit.display_name is None else edit.display_name,
        bio=account.bio if edit.bio is None else edit.bio,
        private=account.private if edit.private is None else edit.private,
        wants_to_be_found=account.wants_to_be_found if edit.searchable is None else edit.searchable,
        avatar=None if edit.remove_avatar else avatar or account.avatar,
    )
    return account if after == account else replace(after, version=next_version(account.version, now), updated_at=now)


def age_of(birth_date: date, today: date) -> Age:
    """Raises TooYoung, and InvalidRequest for a date that is nobody's birth."""
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    years = today.year - birth_date.year - (not had_birthday)
    if not 0 <= years <= _MAXIMUM_AGE:
        raise InvalidRequest(errors=[FieldError("/birth_date", "is not the birth date of anybody alive")])
    if years < _MINIMUM_AGE:
        raise TooYoung
    return Age.UNDER_16 if years < 16 else Age.UNDER_18 if years < 18 else Age.ADULT


def with_age(account: Account, age: Age, now: datetime) -> Account:
    """Returns the account of somebody of this age: a minor's is private. Raises AgeKnown: it is stated once, and by
    minors again after a year."""
    if account.age is not None and (
        account.age is Age.ADULT or account.age_stated_at is None or now < account.age_stated_at + _AGE_LASTS
    ):
        raise AgeKnown
    private = account.private or age is not Age.ADULT
    return replace(
        account,
        age=age,
        age_stated_at=now,
        private=private,
        version=next_version(account.version, now),
        updated_at=now,
    )
