"""Asks identity whether the person behind a request is the account's owner: before what a thief of a token must not
begin. The owner gets a mail about it."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from photomesh_shared.errors import FieldError, Forbidden, Problem, TooManyRequests, Unauthorized
from photomesh_shared.ids import SessionId
from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = [
    "CONFIRM_OWNER",
    "NOTIFY_OF_EXPORT",
    "REFUSALS",
    "CodeRequired",
    "ExportNotice",
    "ExportNoticeKind",
    "NoticeQueued",
    "OwnerConfirmation",
    "OwnerProof",
    "SessionEnded",
    "TooManyAttempts",
    "TooManyTries",
    "WrongCode",
    "WrongPassword",
]


class WrongPassword(Forbidden):
    """This change needs your current password, and the one that you sent is wrong."""

    code, title = "wrong-password", "The password is wrong"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/password", "is not your password")], **rest)


class TooManyTries(TooManyRequests):
    """Your account, or this e-mail address, has had too many of these within a short time. Try again after
    `Retry-After` seconds."""

    code, title = "too-many-tries", "Too many tries"

    def __init__(self, retry_after: float = 60, **rest: Any) -> None:
        super().__init__(headers={"Retry-After": str(max(1, math.ceil(retry_after)))}, **rest)


class CodeRequired(Forbidden):
    """Your account has a second factor, so this change needs a code (`code`) besides your password."""

    code, title = "code-required", "A code is needed"


class WrongCode(Forbidden):
    """The code is wrong, or was used before: each is good for one use. Wait for the next one of your app, or send a
    recovery code."""

    code, title = "wrong-code", "The code is wrong"


class TooManyAttempts(TooManyRequests):
    """Too many log-ins or codes have failed, with this account or from this network: `counted_by` says which. Wait
    `Retry-After` seconds; successful ones do not count."""

    code, title = "too-many-attempts", "Too many attempts have failed"


class SessionEnded(Unauthorized):
    """The session of this refresh token has ended: by a log-out, by a long time without use, or by reaching its maximum
    lifetime. Log in again."""

    code, title = "session-ended", "The session has ended"


REFUSALS: tuple[type[Problem], ...] = (
    SessionEnded,
    WrongPassword,
    CodeRequired,
    WrongCode,
    TooManyTries,
    TooManyAttempts,
)
"""Why an owner is not confirmed."""


class OwnerProof(InternalModel):
    """What the person sent, and the session of their token."""

    session_id: SessionId
    password: str = Field(max_length=1_000)
    code: str | None = Field(None, max_length=40)


class OwnerConfirmation(InternalModel):
    refused: str | None = Field(None, description="The code of one of REFUSALS; null: it is the owner.")
    retry_after: int | None = None
    counted_by: str | None = None

    @classmethod
    def of(cls, refusal: Problem) -> OwnerConfirmation:
        seconds = refusal.headers.get("Retry-After")
        return cls(
            refused=refusal.code,
            retry_after=int(seconds) if seconds else None,
            counted_by=refusal.extensions.get("counted_by"),
        )

    def require(self) -> None:
        """Raises the refusal, if it is one."""
        if self.refused is None:
            return
        kind = {kind.code: kind for kind in REFUSALS}.get(self.refused, WrongPassword)
        if issubclass(kind, TooManyTries):
            raise kind(self.retry_after or 60)
        if self.retry_after is None:
            raise kind
        extensions: dict[str, Any] = {"counted_by": self.counted_by} if self.counted_by else {}
        raise kind(headers={"Retry-After": str(self.retry_after)}, **extensions)


CONFIRM_OWNER = Operation(
    "PUT",
    "/internal/accounts/{account_id}/confirmation",
    OwnerConfirmation,
    body=OwnerProof,
    callers=frozenset({"export"}),
)
"""Checks password and code as identity's own sensitive routes do. Call it once: a repeated code is a wrong one."""


class ExportNoticeKind(StrEnum):
    REQUESTED = "requested"
    READY = "ready"


class ExportNotice(InternalModel):
    kind: ExportNoticeKind
    at: datetime


class NoticeQueued(InternalModel):
    """Also if the account has no proved address, or does not exist any more."""


NOTIFY_OF_EXPORT = Operation(
    "PUT",
    "/internal/accounts/{account_id}/export-notice",
    NoticeQueued,
    body=ExportNotice,
    callers=frozenset({"export-worker"}),
)
"""Mails the account that its data is being exported, or is ready. A repeated call is a second mail."""
