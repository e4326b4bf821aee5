"""Accounts, sessions and the rules of refresh tokens. Pure.

Rotation. A refresh token is good for one use, which gives its successor; the chain of them is a session. A token that
comes a second time means that two people hold it, so the session is ended. One case is innocent: the answer with the
successor was lost, or two tabs refreshed at once. Therefore, within a short grace and while nobody has used the
successor, a repeat gives **the same successor** again. The chain never forks, so a thief and the owner always end
up holding the same token, and the second of them to use it is noticed.

The successor is derived from the token and a random salt that the server keeps only until the successor is used:
neither the token nor a dump of the database is enough to compute it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from photomesh_shared.ids import UserId

__all__ = [
    "Account",
    "Counts",
    "ProfileEdit",
    "RefreshToken",
    "Relationship",
    "Session",
    "SessionLimits",
    "Use",
    "avatar_urls",
    "bio",
    "display_name",
    "edited",
    "judge",
    "new_refresh_token",
    "successor_of",
    "token_hash",
]

DISPLAY_NAME_MAX = 50
BIO_MAX = 300
_TURNS_TEXT_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TOKEN_BYTES = 32


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


def avatar_urls(account: Account, cdn_url: str) -> dict[int, str]:
    """Size in pixels → URL; empty without an avatar."""
    return {size: f"{cdn_url}/{key}" for size, key in (account.avatar or {}).items()}


@dataclass(frozen=True)
class Counts:
    """What a profile counts."""

    posts: int
    followers: int
    following: int


@dataclass(frozen=True)
class Relationship:
    """How a viewer stands to an account, in social-graph's words."""

    user_id: UserId
    following: bool
    requested: bool
    followed_by: bool
    requested_by: bool
    blocking: bool
    muting: bool


@dataclass(frozen=True)
class ProfileEdit:
    """What the owner wants to change; None leaves a field as it is."""

    display_name: str | None = None
    bio: str | None = None
    private: bool | None = None
    avatar_photo_id: int | None = None
    remove_avatar: bool = False


def display_name(text: str) -> str:
    """The name to show: 1–50 characters on one line. Raises ValueError."""
    name = _clean(text, line_breaks=False)
    if not 1 <= len(name) <= DISPLAY_NAME_MAX:
        raise ValueError(f"must have 1 to {DISPLAY_NAME_MAX} characters")
    return name


def bio(text: str) -> str:
    """The text about oneself: up to 300 characters. Raises ValueError."""
    words = _clean(text, line_breaks=True)
    if len(words) > BIO_MAX:
        raise ValueError(f"must have at most {BIO_MAX} characters")
    return words


def _clean(text: str, *, line_breaks: bool) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    for character in text:
        if character == "\n" and line_breaks:
            continue
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNS_TEXT_AROUND:
            raise ValueError("must not contain control characters")
    return text


def edited(account: Account, edit: ProfileEdit, avatar: Mapping[int, str] | None, now: datetime) -> Account:
    """The account after the edit; `avatar` are the sizes of the new one. The very same account if nothing differs,
    otherwise its next version."""
    after = replace(
        account,
        display_name=account.display_name if edit.display_name is None else edit.display_name,
        bio=account.bio if edit.bio is None else edit.bio,
        private=account.private if edit.private is None else edit.private,
        avatar=None if edit.remove_avatar else avatar or account.avatar,
    )
    return account if after == account else replace(after, version=account.version + 1, updated_at=now)


@dataclass(frozen=True)
class SessionLimits:
    """How long sessions last: without use, at most, and how long a refresh may be repeated."""

    idle: timedelta
    total: timedelta
    grace: timedelta


@dataclass(frozen=True)
class Session:
    """One log-in and the family of its refresh tokens."""

    id: int
    account_id: int
    created_at: datetime
    expires_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None

    @classmethod
    def begin(cls, session_id: int, account_id: int, limits: SessionLimits, now: datetime) -> Session:
        ends_at = now + limits.total
        return cls(session_id, account_id, now, min(now + limits.idle, ends_at), ends_at)

    def used(self, limits: SessionLimits, now: datetime) -> Session:
        """Lives on from this use, but never past its end."""
        return replace(self, expires_at=min(now + limits.idle, self.ends_at))

    def over(self, now: datetime) -> bool:
        return self.revoked_at is not None or now >= self.expires_at


@dataclass(frozen=True)
class RefreshToken:
    """What is kept of a token. The salt is there from its rotation until its successor is used."""

    hash: bytes
    session_id: int
    rotated_at: datetime | None = None
    successor_salt: bytes | None = None


class Use(Enum):
    """What a token that somebody sends is good for."""

    ROTATE = auto()
    REPEAT = auto()
    REUSED = auto()
    OVER = auto()


def judge(session: Session, token: RefreshToken, limits: SessionLimits, now: datetime) -> Use:
    if session.over(now):
        return Use.OVER
    if token.rotated_at is None:
        return Use.ROTATE
    if token.successor_salt is not None and now < token.rotated_at + limits.grace:
        return Use.REPEAT
    return Use.REUSED


def new_refresh_token() -> str:
    """256 random bits."""
    return _text(secrets.token_bytes(_TOKEN_BYTES))


def successor_of(token: str, salt: bytes) -> str:
    """The token that follows; 256 bits that only who has both the token and the salt can compute."""
    return _text(hmac.digest(salt, token.encode(), hashlib.sha256))


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash will do: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def _text(raw: bytes) -> str:
    return "rt_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
