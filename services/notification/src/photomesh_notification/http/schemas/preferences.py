"""Models of requests and responses: preferences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import time
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from photomesh_notification.preferences import domain
from photomesh_notification.preferences.domain import KINDS, Audience
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import PostId

__all__ = ["KindPreferences", "NewKindPreferences", "NewPreferences", "NotificationPreferences"]

_QUIET = {"start": "22:00", "end": "07:00", "time_zone": "Europe/London"}
_LIKES = {"listed": True, "pushed": False, "audience": "following"}
_ANY = {"listed": True, "pushed": True, "audience": "everyone"}
_ZONES = frozenset(available_timezones())


def _is_zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("is not the name of a time zone")
    return name


TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
TimeZone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_is_zone)]


class KindPreference(BaseModel):
    """What you want to hear of one kind."""

    listed: bool = Field(description="Whether it is in your list, and counts as unread.")
    pushed: bool = Field(description="Whether it is sent to your devices, be it in your list or not.")
    audience: Audience = Field(description="Of everyone, or only of accounts that you follow.")


class KindPreferences(BaseModel):
    """What you want to hear of each kind."""

    like: KindPreference
    comment_like: KindPreference
    comment: KindPreference
    reply: KindPreference
    mention: KindPreference
    follow: KindPreference
    follow_request: KindPreference
    follow_accepted: KindPreference
    photo_rejected: KindPreference
    photo_failed: KindPreference
    post_published: KindPreference
    post_failed: KindPreference
    webhook_failing: KindPreference
    story_reply: KindPreference

    @classmethod
    def of(cls, preferences: domain.Preferences) -> KindPreferences:
        return cls(**{kind: KindPreference(**asdict(preferences.of(kind))) for kind in KINDS})


class QuietHours(BaseModel):
    """When nothing is sent to your devices: each day from `start` to `end`, across midnight if it ends before it
    starts."""

    start: str = Field(description="Hours and minutes.")
    end: str
    time_zone: str = Field(description="A name of the IANA time zone database.")


class NewKindPreference(RequestBody):
    """What you want to hear of one kind."""

    listed: bool = Field(True, description="Whether it is in your list, and counts as unread.")
    pushed: bool = Field(True, description="Whether it is sent to your devices, be it in your list or not.")
    audience: Audience = Field(Audience.EVERYONE, description="Of everyone, or only of accounts that you follow.")


_DEFAULT = NewKindPreference()


class NewKindPreferences(RequestBody):
    """What you want to hear of each kind. A kind that is left out has the defaults."""

    like: NewKindPreference = _DEFAULT
    comment_like: NewKindPreference = _DEFAULT
    comment: NewKindPreference = _DEFAULT
    reply: NewKindPreference = _DEFAULT
    mention: NewKindPreference = _DEFAULT
    follow: NewKindPreference = _DEFAULT
    follow_request: NewKindPreference = _DEFAULT
    follow_accepted: NewKindPreference = _DEFAULT
    photo_rejected: NewKindPreference = _DEFAULT
    photo_failed: NewKindPreference = _DEFAULT
    post_published: NewKindPreference = _DEFAULT
    post_failed: NewKindPreference = _DEFAULT
    webhook_failing: NewKindPreference = _DEFAULT
    story_reply: NewKindPreference = _DEFAULT

    def preferences(self) -> dict[str, domain.KindPreference]:
        every = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: domain.KindPreference(one.listed, one.pushed, one.audience) for kind, one in every.items()}


class NewQuietHours(RequestBody):
    """When nothing is sent to your devices: each day from `start` to `end`, across midnight if it ends before it
    starts."""

    start: TimeOfDay = Field(description="Hours and minutes.")
    end: TimeOfDay
    time_zone: TimeZone = Field(description="A name of the IANA time zone database.")


class NewPreferences(RequestBody):
    """Replaces all preferences."""

    model_config = examples({"kinds": {"like": _LIKES}, "quiet_hours": _QUIET})

    kinds: NewKindPreferences = NewKindPreferences()
    quiet_hours: NewQuietHours | None = None

    def preferences(self) -> domain.Preferences:
        hours = self.quiet_hours
        return domain.Preferences(
            self.kinds.preferences(),
            domain.QuietHours(time.fromisoformat(hours.start), time.fromisoformat(hours.end), hours.time_zone)
            if hours
            else None,
        )


class NotificationPreferences(BaseModel):
    """What you want to hear of."""

    model_config = examples(
        {
            "kinds": {kind: _LIKES if kind == "like" else _ANY for kind in KINDS},
            "quiet_hours": _QUIET,
            "muted_post_ids": ["o_9xQ4w2Lr"],
        }
    )

    kinds: KindPreferences
    quiet_hours: QuietHours | None
    muted_post_ids: list[PostId] = Field(description="Your posts of whose likes you do not hear.")

    @classmethod
    def of(cls, preferences: domain.Preferences, muted_post_ids: Sequence[int]) -> NotificationPreferences:
        hours = preferences.quiet_hours
        return cls(
            kinds=KindPreferences.of(preferences),
            quiet_hours=QuietHours(
                start=hours.start.isoformat("minutes"), end=hours.end.isoformat("minutes"), time_zone=hours.time_zone
            )
            if hours
            else None,
            muted_post_ids=list(muted_post_ids),
        )
