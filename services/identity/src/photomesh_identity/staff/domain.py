"""Roles of staff, and the log of what staff did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from photomesh_shared.text import normalize_line
from photomesh_shared.tokens.roles import Role

__all__ = [
    "AUDIT_KEPT",
    "REASON_MAX",
    "AccountStatus",
    "AuditEntry",
    "StaffAction",
    "StaffMember",
    "normalize_reason",
    "role_changes",
]

AUDIT_KEPT = timedelta(days=730)
"""The trigger of migration 0022 keeps entries as long."""
REASON_MAX = 500


class StaffAction(StrEnum):
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    ACCOUNT_LOOKED_UP = "account_looked_up"
    SESSIONS_ENDED = "sessions_ended"
    STAFF_LISTED = "staff_listed"
    AUDIT_LOG_READ = "audit_log_read"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_CHANGED = "webhook_changed"


@dataclass(frozen=True)
class AuditEntry:
    """What somebody did: `staff_id` (None: an operator, by a command) to `account_id`, if it was done to anybody."""

    at: datetime
    staff_id: int | None
    action: StaffAction
    account_id: int | None = None
    reason: str = ""
    role: Role | None = None
    webhook_id: int | None = None
    id: int = 0
    """Grows; given by the database."""


@dataclass(frozen=True)
class StaffMember:
    account_id: int
    username: str
    roles: Collection[Role]


@dataclass(frozen=True)
class AccountStatus:
    """What support sees of an account: whether it works, and none of its content."""

    id: int
    username: str
    status: str
    created_at: datetime
    email_verified: bool
    private: bool
    totp: bool
    passkeys: int
    open_sessions: int
    personal_tokens: int
    erasure_due_at: datetime | None
    roles: Collection[Role]


def normalize_reason(text: str) -> str:
    """Returns the text on one line: 1–500 characters. Raises ValueError."""
    reason = normalize_line(text)
    if not 1 <= len(reason) <= REASON_MAX:
        raise ValueError(f"must have 1 to {REASON_MAX} characters")
    return reason


def role_changes(before: Collection[Role], after: Collection[Role]) -> list[tuple[StaffAction, Role]]:
    """What makes the one the other, in the order of `Role`."""
    return [
        (StaffAction.ROLE_GRANTED if role in after else StaffAction.ROLE_REVOKED, role)
        for role in Role
        if (role in before) is not (role in after)
    ]
