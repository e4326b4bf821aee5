"""Endpoints and their rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_LIVE_SECRETS",
    "OLD_SECRET_LIVES",
    "Audience",
    "DisabledReason",
    "Endpoint",
    "Ordering",
    "State",
]

MAX_DESCRIPTION = 200
"""Characters."""
MAX_LIVE_SECRETS = 2
OLD_SECRET_LIVES = timedelta(hours=24)
"""After another has replaced it."""


class Audience(StrEnum):
    """Whose events an endpoint gets."""

    OWN = "own"
    EVERYONE = "everyone"


class Ordering(StrEnum):
    """`SUBJECT`: events of one subject are sent one after the other; `NONE`: as they come."""

    SUBJECT = "subject"
    NONE = "none"


class State(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """`OWNER`: its owner did; `GONE`: it answered 410; `FAILING`: it failed for days; `ACCOUNT`: the account is
    deactivated."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Endpoint:
    """`types`: patterns, see `event_types`. `behind`: not every event that it wants is a row yet. `gap`: a topic no
    longer had some of them. `pending`: rows that wait to be sent."""

    id: int
    account_id: int
    audience: Audience
    url: str
    types: tuple[str, ...]
    ordering: Ordering
    description: str
    state: State
    disabled_reason: DisabledReason | None
    version: int
    created_at: datetime
    updated_at: datetime
    round: int = 0
    behind: bool = False
    gap: bool = False
    failing_since: datetime | None = None
    next_probe_at: datetime | None = None
    pending: int = 0
