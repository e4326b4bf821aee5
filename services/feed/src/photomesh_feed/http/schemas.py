"""Models of requests and responses.

A post has the models of post's own API, so that clients need one: `tests/contract/test_feed_pages.py` compares them.
Responses are not built from these models but spliced (`serialization`); tests compare them, too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from photomesh_feed.domain.pages import Mode
from photomesh_feed.reading.impressions import Impression
from photomesh_shared.events import UtcTime
from photomesh_shared.ids import PhotoId, PostId, UserId

__all__ = ["Impressions", "Post"]

_CDN = "http://127.0.0.1:18080/variants"
_VARIANTS = {str(size): f"{_CDN}/p_8aB3x9Q2/Zk3vQ0m1fR7eT2yU/{size}.jpg" for size in (1080, 640, 320, 150)}
_PHOTO = {
    "id": "p_8aB3x9Q2",
    "status": "ready",
    "reason": None,
    "width": 4032,
    "height": 3024,
    "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "variants": _VARIANTS,
    "alt_text": "A lake at dusk, mountains behind it.",
}


def _example(shown: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [shown]})


class ReasonOut(BaseModel):
    """Why a photo or a post failed."""

    code: str = Field(description="More may be added: treat an unknown code as its message says.")
    message: str = Field(description="What happened, as a sentence for the owner.")
    fix: str = Field(description="What the owner can do, as a sentence.")
    retryable: bool = Field(description="Whether the same photo may succeed when it is uploaded again.")


class LocationOut(BaseModel):
    """Where a post was made, as its author says."""

    name: str
    latitude: float | None
    longitude: float | None


class PostPhotoOut(BaseModel):
    """A photo as its post shows it."""

    id: PhotoId
    status: str
    reason: ReasonOut | None
    width: int | None
    height: int | None
    placeholder: str | None
    variants: dict[str, str] | None
    alt_text: str | None


class AuthorOut(BaseModel):
    """An account as others see it. Names are null for the moment until a new account is known here."""

    id: UserId
    username: str | None
    display_name: str | None
    avatar_url: str | None


class ViewerOut(BaseModel):
    """The viewer's own reactions to a post."""

    liked: bool
    saved: bool


class Post(BaseModel):
    """A post."""

    model_config = _example(
        {
            "id": "o_9xQ4w2Lr",
            "author": {"id": "u_7fK2m1Zt", "username": "ada", "display_name": "Ada Lovelace", "avatar_url": None},
            "status": "published",
            "reason": None,
            "caption": "Evening by the lake with @grace #sunset",
            "hashtags": ["sunset"],
            "mentions": ["grace"],
            "place": {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257},
            "photos": [_PHOTO],
            "like_count": 16,
            "comment_count": 2,
            "viewer": {"liked": True, "saved": False},
            "created_at": "2026-11-21T10:11:00Z",
            "edited_at": None,
            "published_at": "2026-11-21T10:11:02Z",
        }
    )

    id: PostId
    author: AuthorOut
    status: str = Field(
        description="`processing` until all photos are ready, then `published`; or `failed`. More may be added. Only "
        "its author sees a post that is not published."
    )
    reason: ReasonOut | None = Field(description="Why it failed.")
    caption: str
    hashtags: list[str] = Field(description="Lower case, without the sign.")
    mentions: list[str] = Field(description="Usernames, without the sign. Not all need exist.")
    place: LocationOut | None
    photos: list[PostPhotoOut]
    like_count: int = Field(description="Includes your own like at once, other people's within a second or two.")
    comment_count: int = Field(description="With replies.")
    viewer: ViewerOut | None = Field(description="Null without a token.")
    created_at: UtcTime
    edited_at: UtcTime | None
    published_at: UtcTime | None


class _Request(BaseModel):
    """Rejects unknown members, because a misspelt optional one would be ignored silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ImpressionIn(_Request):
    """A post that was seen."""

    post_id: PostId
    position: int = Field(ge=0, le=100_000, description="In the feed, from 0.")
    mode: Mode
    seen_at: UtcTime | None = Field(None, description="Default: now. Clamped to the last 24 hours.")

    def impression(self) -> Impression:
        seen_at: datetime | None = self.seen_at
        return Impression(self.post_id, self.position, self.mode, seen_at)


class Impressions(_Request):
    """Posts that were seen."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "post_id": "o_9xQ4w2Lr",
                            "position": 0,
                            "mode": "ranked",
                            "seen_at": "2026-11-21T10:30:00Z",
                        }
                    ]
                }
            ]
        },
    )

    items: list[ImpressionIn] = Field(min_length=1, max_length=100)
