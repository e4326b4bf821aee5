"""The e-mail address of an account, and the one that it asks to have proved.

An address belongs to the account that has proved it by a mail, and to one account only. Until somebody has, any number
of accounts may state it: nobody can keep the owner of a mailbox from using it by being there first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["CLAIM_LIFETIME", "Claim", "Emails"]

CLAIM_LIFETIME = timedelta(days=1)


@dataclass(frozen=True)
class Claim:
    """An address that an account asks to have proved by the token that is mailed there."""

    account_id: int
    email: str
    token_hash: bytes
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + CLAIM_LIFETIME


@dataclass(frozen=True)
class Emails:
    """An account's address, and the one that takes its place when it is proved (None if there is none)."""

    email: str
    verified: bool
    pending: str | None
