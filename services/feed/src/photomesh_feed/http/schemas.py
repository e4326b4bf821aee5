"""Models of requests and responses.

A post has the models of post's own API, with one member more: `tests/contract/test_feed_pages.py` compares them.
Responses are not built from these models but spliced (`serialization`); tests compare them, too.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from photomesh_feed.domain.pages import Mode
from photomesh_feed.reading import impressions
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import ExploreReason, RequestBody, Url, examples
from photomesh_shared.ids import PhotoId, PostId, UserId

__all__ = ["FEED_REQUEST_ID", "FeedPost", "Impressions"]

FEED_REQUEST_ID = {
    "Feed-Request-Id": {
        "description": "Names what was served, for `request_id` of impressions. Of pages of a ranked order only.",
        "schema": {"type": "string"},
        "example": "Zk3vQ0m1",
    }
}

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


class Reason(BaseModel):
    """Why a photo or a post failed."""

    code: str = Field(description="More may be added: treat an unknown code as its message says.")
    message: str = Field(description="What happened, as a sentence for the owner.")
    fix: str = Field(description="What the owner can do, as a sentence.")
    retryable: bool = Field(description="Whether the same photo may succeed when it is uploaded again.")


class Place(BaseModel):
    """Where a post was made, as its author says."""

    name: str
    latitude: float | None
    longitude: float | None


class PostPhoto(BaseModel):
    """A photo as its post shows it."""

    id: PhotoId
    status: str
    reason: Reason | None
    width: int | None
    height: int | None
    placeholder: str | None
    variants: dict[str, Url] | None
    alt_text: str | None


class Author(BaseModel):
    """An account as others see it. Names are null for the moment until a new account is known here."""

    id: UserId
    username: str | None
    display_name: str | None
    avatar_url: Url | None = Field(description="150 pixels.")


class Mention(BaseModel):
    """A mention in a text. Its positions count Unicode code points."""

    start: int = Field(ge=0, description="Position of the sign, from 0, in Unicode code points.")
    end: int = Field(ge=0, description="Position after the last code point.")
    username: str = Field(description="As it was written, in lower case, without the sign.")
    account_id: UserId | None = Field(
        description="The account that had the username when the text was written, whatever it is called now. Null if "
        "there was none."
    )


class Hashtag(BaseModel):
    """A hashtag in a text. Its positions count Unicode code points."""

    start: int = Field(ge=0, description="Position of the sign, from 0, in Unicode code points.")
    end: int = Field(ge=0, description="Position after the last code point.")
    tag: str = Field(description="As in `hashtags` of posts: in the one form of all its spellings, without the sign.")


class Entities(BaseModel):
    """Mentions and hashtags of a text in the order of their positions, repeated ones as well."""

    mentions: list[Mention]
    hashtags: list[Hashtag]


class PostViewer(BaseModel):
    """The viewer's own reactions to a post."""

    liked: bool
    saved: bool


class FeedPost(BaseModel):
    """A post in a home feed."""

    model_config = examples(
        {
            "id": "o_9xQ4w2Lr",
            "author": {"id": "u_7fK2m1Zt", "username": "ada", "display_name": "Ada Lovelace", "avatar_url": None},
            "status": "published",
            "reason": None,
            "caption": "Evening by the lake with @grace #sunset",
            "hashtags": ["sunset"],
            "mentions": ["grace"],
            "entities": {
                "mentions": [{"start": 25, "end": 31, "username": "grace", "account_id": "u_8gL3n2Au"}],
                "hashtags": [{"start": 32, "end": 39, "tag": "sunset"}],
            },
            "place": {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257},
            "photos": [_PHOTO],
            "like_count": 16,
            "comment_count": 2,
            "viewer": {"liked": True, "saved": False},
            "created_at": "2026-11-21T10:11:00Z",
            "edited_at": None,
            "published_at": "2026-11-21T10:11:02Z",
            "suggestion": None,
        }
    )

    id: PostId
    author: Author
    status: str = Field(
        description="`processing` until all photos are ready, then `published`; or `failed`. More may be added. Only "
        "its author sees a post that is not published."
    )
    reason: Reason | None = Field(description="Why it failed.")
    caption: str
    hashtags: list[str] = Field(description="Lower case, without the sign.")
    mentions: list[str] = Field(description="Usernames, without the sign. Not all need exist.")
    entities: Entities = Field(description="Mentions and hashtags of the caption with their positions.")
    place: Place | None
    photos: list[PostPhoto]
    like_count: int = Field(description="Includes your own like at once, other people's within a second or two.")
    comment_count: int = Field(description="With replies.")
    viewer: PostViewer | None = Field(description="Null without a token.")
    created_at: UtcTime
    edited_at: UtcTime | None
    published_at: UtcTime | None
    suggestion: ExploreReason | None = Field(
        description="Why you are shown a post of an account that you do not follow; null for all others. Of ranked "
        "feeds only."
    )


class Impression(RequestBody):
    """A post that was seen."""

    post_id: PostId
    position: int = Field(ge=0, le=100_000, description="In the feed, from 0.")
    mode: Mode
    seen_at: UtcTime | None = Field(None, description="Default: now. Clamped to the last 24 hours.")
    request_id: str | None = Field(
        None,
        min_length=8,
        max_length=12,
        pattern="^[A-Za-z0-9_-]+$",
        description="The `Feed-Request-Id` of the page that had the post.",
    )
    dwell_ms: int | None = Field(
        None, ge=0, le=600_000, description="How long the post was on the screen, in milliseconds."
    )

    def impression(self) -> impressions.Impression:
        seen_at: datetime | None = self.seen_at
        return impressions.Impression(self.post_id, self.position, self.mode, seen_at, self.request_id, self.dwell_ms)


class Impressions(RequestBody):
    """Posts that were seen."""

    model_config = examples(
        {
            "items": [
                {
                    "post_id": "o_9xQ4w2Lr",
                    "position": 0,
                    "mode": "ranked",
                    "seen_at": "2026-11-21T10:30:00Z",
                    "request_id": "Zk3vQ0m1",
                    "dwell_ms": 3200,
                }
            ]
        }
    )

    items: list[Impression] = Field(min_length=1, max_length=100)
