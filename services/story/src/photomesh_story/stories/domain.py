"""Stories and their rules. Pure: no clock, no I/O.

A story has the id of its photo: a photo is in one story at most, so a repeated request finds the story that exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from photomesh_shared.events import StoryPublished
from photomesh_shared.internal_api.post import SeenAccount

__all__ = [
    "LIFETIME",
    "MAX_A_DAY",
    "Audience",
    "Claim",
    "ListedStory",
    "Ring",
    "SeenStory",
    "ShownRing",
    "Standing",
    "StoredStory",
    "View",
    "in_viewing_order",
    "moment_of",
    "ms_of",
]

LIFETIME = timedelta(hours=24)
MAX_A_DAY = 100
"""Stories that an account may publish within a lifetime, those that it deleted among them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Audience(StrEnum):
    FOLLOWERS = "followers"
    CLOSE_FRIENDS = "close_friends"


@dataclass(frozen=True)
class Claim:
    """What the first request for a photo's story decided: when the story began, and the secret part of its keys."""

    token: str
    published_at: datetime


@dataclass(frozen=True)
class StoredStory:
    """`swept`: its public objects are gone."""

    story: StoryPublished
    deleted: bool = False
    swept: bool = False


class Standing(NamedTuple):
    """How a story stands to a viewer, at a moment of the one clock. `close`: its author lists the viewer as a close
    friend."""

    now_ms: int
    alive: bool
    close: bool
    viewed: bool


class Ring(NamedTuple):
    """An author in a viewer's tray, with the newest story that the viewer may see."""

    author_id: int
    story_id: int
    expires_ms: int
    close: bool
    unseen: bool


class ListedStory(NamedTuple):
    """A story of an author, as a viewer may see it."""

    story_id: int
    expires_ms: int
    unseen: bool


class View(NamedTuple):
    viewer_id: int
    at_ms: int


@dataclass(frozen=True)
class ShownRing:
    account: SeenAccount
    ring: Ring
    own: bool


@dataclass(frozen=True)
class SeenStory:
    story: StoryPublished
    unseen: bool


def moment_of(ms: int) -> datetime:
    """The moment so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=ms)


def ms_of(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)


def in_viewing_order(listed: Sequence[ListedStory]) -> list[ListedStory]:
    """What the viewer has not seen first; each part from the oldest."""
    return sorted(listed, key=lambda one: (not one.unseen, one.expires_ms, one.story_id))
