"""Request and response models of staff."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from photomesh_identity.credentials.domain import USERNAME_MAX
from photomesh_identity.http.credential_schemas import PasswordConfirmation
from photomesh_identity.staff import domain
from photomesh_identity.staff.domain import REASON_MAX, normalize_reason
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import UserId, WebhookId
from photomesh_shared.text import RAW_FACTOR
from photomesh_shared.tokens.roles import Role

__all__ = ["AccountLookup", "AccountStatus", "AuditEntry", "RolesUpdate", "SessionsEnd", "StaffMember"]

_ENTRY: dict[str, Any] = {
    "at": "2026-11-21T10:00:00Z",
    "staff_id": "u_8aB3x9Q2",
    "action": "sessions_ended",
    "user_id": "u_6w1q6uB23Bg",
    "role": None,
    "reason": "Ticket 4711: the phone was stolen",
    "webhook_id": None,
}

Reason = Annotated[
    str,
    StringConstraints(max_length=RAW_FACTOR * REASON_MAX),
    AfterValidator(normalize_reason),
    Field(
        json_schema_extra={"minLength": 1, "maxLength": REASON_MAX},
        description="For the audit log, which the person may read in an export. One line.",
    ),
]


class AccountLookup(RequestBody):
    """An account by id or by username, and why you look."""

    model_config = examples({"username": "ada", "reason": "Ticket 4711: cannot log in"})

    user_id: UserId | None = None
    username: str | None = Field(None, max_length=RAW_FACTOR * USERNAME_MAX)
    reason: Reason

    @model_validator(mode="after")
    def _one_name(self) -> AccountLookup:
        if (self.user_id is None) is (self.username is None):
            raise ValueError("must have either user_id or username")
        return self


class SessionsEnd(RequestBody):
    """Why the sessions are ended."""

    model_config = examples({"reason": "Ticket 4711: the phone was stolen"})

    reason: Reason


class RolesUpdate(PasswordConfirmation):
    """All roles that the account shall have, and the proof that an administrator asks for it."""

    model_config = examples(
        {"roles": ["support"], "reason": "Joins support", "password": "correct horse battery", "code": "492039"}
    )

    roles: list[Role] = Field(max_length=len(Role))
    reason: Reason


class StaffMember(BaseModel):
    """An account with roles."""

    model_config = examples({"id": "u_8aB3x9Q2", "username": "ada", "roles": ["administrator"]})

    id: UserId
    username: str
    roles: list[str]

    @classmethod
    def of(cls, member: domain.StaffMember) -> StaffMember:
        return cls(id=member.account_id, username=member.username, roles=sorted(member.roles))


class AccountStatus(BaseModel):
    """Whether an account works, and none of its content."""

    model_config = examples(
        {
            "id": "u_8aB3x9Q2",
            "username": "ada",
            "status": "active",
            "created_at": "2026-11-21T10:00:00Z",
            "email_verified": True,
            "private": False,
            "totp": True,
            "passkeys": 1,
            "open_sessions": 2,
            "personal_tokens": 0,
            "erasure_due_at": None,
            "roles": [],
        }
    )

    id: UserId
    username: str
    status: str = Field(description="`active`, `deactivated` or `leaving`.")
    created_at: UtcTime
    email_verified: bool
    private: bool
    totp: bool = Field(description="Whether log-ins by password need a code.")
    passkeys: int
    open_sessions: int
    personal_tokens: int
    erasure_due_at: UtcTime | None = Field(description="When it is erased, if it leaves.")
    roles: list[str]

    @classmethod
    def of(cls, found: domain.AccountStatus) -> AccountStatus:
        return cls(**vars(found) | {"roles": sorted(found.roles)})


class AuditEntry(BaseModel):
    """What staff did."""

    model_config = examples(_ENTRY)

    at: UtcTime
    staff_id: UserId | None = Field(description="Who did it; null: an operator, by a command.")
    action: str
    user_id: UserId | None = Field(description="Whom it was done to; the account may be erased by now.")
    role: str | None = Field(description="That was granted or revoked.")
    reason: str = Field(description="Empty where none is asked for.")
    webhook_id: WebhookId | None = Field(description="The webhook of everybody's events that was made or changed.")

    @classmethod
    def of(cls, entry: domain.AuditEntry) -> AuditEntry:
        return cls(
            at=entry.at,
            staff_id=entry.staff_id,
            action=entry.action,
            user_id=entry.account_id,
            role=entry.role,
            reason=entry.reason,
            webhook_id=entry.webhook_id,
        )
