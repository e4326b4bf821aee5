"""Of what an account wants to hear, and when not to be disturbed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

__all__ = ["DEFAULT", "KINDS", "MAX_MUTED_POSTS", "Audience", "KindPreference", "Preferences", "QuietHours"]

KINDS = (
    "like",
    "comment_like",
    "comment",
    "reply",
    "mention",
    "follow",
    "follow_request",
    "follow_accepted",
    "photo_rejected",
    "photo_failed",
    "post_published",
    "post_failed",
    "webhook_failing",
    "story_reply",
)
MAX_MUTED_POSTS = 200


class Audience(StrEnum):
    """Of whose doings an account hears."""

    EVERYONE = "everyone"
    FOLLOWING = "following"


@dataclass(frozen=True)
class KindPreference:
    """`listed`: whether it is in the list, and counts as unread; `pushed`: whether it is sent to devices."""

    listed: bool = True
    pushed: bool = True
    audience: Audience = Audience.EVERYONE


@dataclass(frozen=True)
class QuietHours:
    """From `start` to `end` of each day in a time zone, across midnight if it ends before it starts. Nothing is sent to
    devices then."""

    start: time
    end: time
    time_zone: str

    def cover(self, moment: datetime) -> bool:
        now = moment.astimezone(ZoneInfo(self.time_zone)).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


DEFAULT = KindPreference()


@dataclass(frozen=True)
class Preferences:
    """`kinds` has those that differ from the default."""

    kinds: Mapping[str, KindPreference] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None

    def of(self, kind: str) -> KindPreference:
        return self.kinds.get(kind, DEFAULT)

    def all_listed(self) -> Preferences:
        """As if every kind were in the list: what is sent to devices need not be."""
        return replace(self, kinds={kind: replace(one, listed=True) for kind, one in self.kinds.items()})
