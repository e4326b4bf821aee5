"""Response models of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from photomesh_identity.sessions.domain import Session
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import examples
from photomesh_shared.ids import SessionId

__all__ = ["AccountSessions", "OpenSessionView", "SessionId"]

_SESSION: dict[str, Any] = {
    "id": "ss_8aB3x9Q2",
    "created_at": "2026-11-21T10:00:00Z",
    "used_at": "2026-11-27T08:30:00Z",
    "client": "Firefox on Windows",
    "network": "203.0.113.0/24",
    "current": True,
}


class OpenSessionView(BaseModel):
    """A log-in that has not ended."""

    model_config = examples(_SESSION)

    id: SessionId
    created_at: UtcTime
    used_at: UtcTime = Field(description="When tokens were last refreshed; access tokens may have been used since.")
    client: str = Field(description="Program and system, from the user agent; empty if it had none.")
    network: str | None = Field(description="The /24 or /48 of the address at that time; null after 30 days.")
    current: bool = Field(description="Whether it is the session of this request.")


class AccountSessions(BaseModel):
    """All open sessions of an account."""

    model_config = examples({"items": [_SESSION]})

    items: list[OpenSessionView]

    @classmethod
    def of(cls, sessions: Sequence[Session], current: int) -> AccountSessions:
        return cls(
            items=[
                OpenSessionView(
                    id=session.id,
                    created_at=session.created_at,
                    used_at=session.used_at or session.created_at,
                    client=session.client.name,
                    network=session.client.network,
                    current=session.id == current,
                )
                for session in sessions
            ]
        )
