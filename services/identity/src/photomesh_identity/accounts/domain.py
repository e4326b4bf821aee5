"""Accounts, and the rules of their profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from photomesh_shared.events.versions import next_version
from photomesh_shared.text import normalize_line, normalize_text

__all__ = [
    "BIO_MAX",
    "DISPLAY_NAME_MAX",
    "Account",
    "ProfileEdit",
    "apply_edit",
    "avatar_large_url",
    "avatar_url",
    "normalize_bio",
    "normalize_display_name",
]

DISPLAY_NAME_MAX = 50
BIO_MAX = 300


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
    the new avatar, if there is one."""
    after = replace(
        account,
        display_name=account.display_name if edit.display_name is None else edit.display_name,
        bio=account.bio if edit.bio is None else edit.bio,
        private=account.private if edit.private is None else edit.private,
        avatar=None if edit.remove_avatar else avatar or account.avatar,
    )
    return account if after == account else replace(after, version=next_version(account.version, now), updated_at=now)
