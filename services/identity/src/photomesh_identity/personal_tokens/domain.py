"""Personal access tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["ACCESS_LIFETIME", "MAX_DAYS", "MAX_TOKENS", "NAME_MAX", "PersonalToken", "token_hash"]

MAX_TOKENS = 50
"""Of an account."""
MAX_DAYS = 366
NAME_MAX = 50
ACCESS_LIFETIME = timedelta(minutes=2)
"""Of an access token that it is exchanged for; the gateway keeps one for half of that at most."""


@dataclass(frozen=True)
class PersonalToken:
    id: int
    account_id: int
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """To the hour."""


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
