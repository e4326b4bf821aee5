"""Rules of new passwords and of the mails that allow one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from photomesh_identity.credentials.domain import normalize_email, normalize_username

__all__ = ["RESET_LIFETIME", "Reset", "canonical_login"]

RESET_LIFETIME = timedelta(minutes=45)


@dataclass(frozen=True)
class Reset:
    """A mailed token that allows one new password. `email`: where the mail went."""

    token_hash: bytes
    account_id: int
    email: str
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + RESET_LIFETIME


def canonical_login(login: str) -> str:
    """A username or an e-mail address in its normal form; empty if no account can have it."""
    try:
        return normalize_email(login) if "@" in login else normalize_username(login)
    except ValueError:
        return ""
