"""Sessions, and the rules of refresh tokens.

Rotation: a refresh token is valid for one use, which yields its successor; the chain of tokens is a session. A token
used twice means that two parties hold it, so the session is revoked. One case is innocent: the response with the
successor was lost, or two tabs refreshed at once. Therefore, within a short grace period and while the successor is
unused, a repeat returns **the same successor**. The chain never forks: a thief and the owner always end up with the
same token, and the second of them to use it is detected.

The successor is derived from the token and a random salt, which the server deletes once the successor is used: neither
the token nor a copy of the database is enough to compute it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

__all__ = [
    "RefreshToken",
    "Session",
    "SessionLimits",
    "TokenUse",
    "classify_use",
    "new_refresh_token",
    "successor_of",
    "token_hash",
]

_TOKEN_BYTES = 32


@dataclass(frozen=True)
class SessionLimits:
    """`idle` and `total` bound a session's lifetime without use and altogether; `grace` is how long after a refresh it
    may be repeated."""

    idle: timedelta
    total: timedelta
    grace: timedelta


@dataclass(frozen=True)
class Session:
    """A log-in and the family of its refresh tokens."""

    id: int
    account_id: int
    created_at: datetime
    expires_at: datetime
    """Unless it is used before."""
    ends_at: datetime
    """In any case."""
    revoked_at: datetime | None = None

    @classmethod
    def start(cls, session_id: int, account_id: int, limits: SessionLimits, now: datetime) -> Session:
        ends_at = now + limits.total
        return cls(session_id, account_id, now, min(now + limits.idle, ends_at), ends_at)

    def extended(self, limits: SessionLimits, now: datetime) -> Session:
        """The session after a use."""
        return replace(self, expires_at=min(now + limits.idle, self.ends_at))

    def has_ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or now >= self.expires_at


@dataclass(frozen=True)
class RefreshToken:
    """A token as it is stored. It has a salt from its rotation until its successor is used."""

    hash: bytes
    session_id: int
    rotated_at: datetime | None = None
    successor_salt: bytes | None = None


class TokenUse(Enum):
    """How a use of a refresh token is treated."""

    ROTATE = auto()
    REPEAT = auto()
    REUSED = auto()
    OVER = auto()


def classify_use(session: Session, token: RefreshToken, limits: SessionLimits, now: datetime) -> TokenUse:
    if session.has_ended(now):
        return TokenUse.OVER
    if token.rotated_at is None:
        return TokenUse.ROTATE
    if token.successor_salt is not None and now < token.rotated_at + limits.grace:
        return TokenUse.REPEAT
    return TokenUse.REUSED


def new_refresh_token() -> str:
    """256 random bits."""
    return _text(secrets.token_bytes(_TOKEN_BYTES))


def successor_of(token: str, salt: bytes) -> str:
    """The next token of the chain: 256 bits that require both the token and the salt."""
    return _text(hmac.digest(salt, token.encode(), hashlib.sha256))


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


def _text(raw: bytes) -> str:
    return "rt_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
