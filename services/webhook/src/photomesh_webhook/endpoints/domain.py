"""Endpoints and their rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from photomesh_shared.events.versions import next_version

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_LIVE_SECRETS",
    "OLD_SECRET_LIVES",
    "Audience",
    "DisabledReason",
    "Edit",
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
    deactivated; `ROLE`: it gets everybody's events, and its owner is no administrator any more."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"
    ACCOUNT = "account"
    ROLE = "role"


@dataclass(frozen=True)
class Endpoint:
    """`types`: patterns, see `event_types`. `behind`: not every event that it wants is a row yet. `gap`: a topic may no
    longer have had some of them. `pending`: rows that wait to be sent."""

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

    def disable(self, reason: DisabledReason, now: datetime) -> Endpoint:
        """Return it disabled. From then on the topics are its backlog. One that is disabled already keeps its
        reason."""
        if self.state is State.DISABLED:
            return self
        return self._changed(now, state=State.DISABLED, disabled_reason=reason, behind=True)

    def enable(self, now: datetime) -> Endpoint:
        """Return it enabled, and due at once whatever it failed at before: it continues from its cursors."""
        if self.state is State.ENABLED:
            return self
        return self._changed(
            now, state=State.ENABLED, disabled_reason=None, behind=True, failing_since=None, next_probe_at=None
        )

    def edited(self, edit: Edit, now: datetime) -> Endpoint:
        """Return it as its owner wants it. Another URL is tried at once."""
        changed = self
        if edit.enabled is not None:
            changed = changed.enable(now) if edit.enabled else changed.disable(DisabledReason.OWNER, now)
        wanted = {
            name: value
            for name, value in (
                ("url", edit.url),
                ("types", edit.types),
                ("ordering", edit.ordering),
                ("description", edit.description),
            )
            if value is not None and value != getattr(changed, name)
        }
        if not wanted:
            return changed
        if "url" in wanted:
            changed = replace(changed, failing_since=None, next_probe_at=None)
        return changed._changed(now, **wanted)

    def replayed(self, now: datetime, *, gap: bool) -> Endpoint:
        """Return it in another round: events are delivered again, from the cursors that are set with this. `gap`: the
        topics no longer have all of them."""
        return self._changed(now, round=self.round + 1, behind=True, gap=gap)

    def touched(self, now: datetime) -> Endpoint:
        """Return it with a new version: something that belongs to it changed."""
        return self._changed(now)

    def _changed(self, now: datetime, **changes: object) -> Endpoint:
        version = next_version(self.version, now)
        return replace(self, version=version, updated_at=now, **changes)  # type: ignore[arg-type] # names are ours


@dataclass(frozen=True)
class Edit:
    """What an owner changes; None stays as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    ordering: Ordering | None = None
    description: str | None = None
    enabled: bool | None = None
