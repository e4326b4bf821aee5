"""Models of requests and responses: stories, the tray, viewers and replies."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints

from photomesh_shared.events import StoryPublished, UtcTime
from photomesh_shared.http import Page
from photomesh_shared.http.schemas import RequestBody, ShownAccount, Url, examples
from photomesh_shared.ids import PhotoId, StoryId, UserId
from photomesh_shared.internal_api.post import SeenAccount
from photomesh_shared.text import RAW_FACTOR, normalize_text
from photomesh_story.replies.domain import MAX_REPLY, Reply, checked_reply
from photomesh_story.stories.domain import Audience, ShownRing, View, moment_of

__all__ = [
    "STORY",
    "AccountStories",
    "Story",
    "StoryCreate",
    "StoryReply",
    "StoryReplyText",
    "StoryTray",
    "StoryViewer",
    "StoryViewerPage",
]

MAX_ALT_TEXT = 1_000

_CDN = "http://127.0.0.1:18080/variants/s/1795342800/Zk3vQ0m1fR7eT2yUZk3vQ0"
STORY = {
    "id": "st_8aB3x9Q2",
    "author_id": "u_7fK2m1Zt",
    "photo_id": "p_8aB3x9Q2",
    "audience": "followers",
    "alt_text": "A lake at dusk, mountains behind it.",
    "width": 4032,
    "height": 3024,
    "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "variants": {str(size): f"{_CDN}/{size}.jpg" for size in (1080, 640, 320, 150)},
    "published_at": "2026-11-21T10:20:00Z",
    "expires_at": "2026-11-22T10:20:00Z",
    "unseen": True,
    "view_count": None,
}
_ACCOUNT = {
    "id": "u_8gL3n2Au",
    "username": "grace",
    "display_name": "Grace Hopper",
    "avatar_url": None,
    "followed": True,
}


def _alt_text(text: str) -> str:
    if len(text := normalize_text(text)) > MAX_ALT_TEXT:
        raise ValueError(f"must have 0 to {MAX_ALT_TEXT} characters")
    return text


_LENGTH: dict[str, JsonValue] = {"maxLength": MAX_ALT_TEXT}
_ALT_TEXT: tuple[Any, ...] = (
    StringConstraints(max_length=RAW_FACTOR * MAX_ALT_TEXT),
    AfterValidator(_alt_text),
    Field(json_schema_extra=_LENGTH),
)


class StoryCreate(RequestBody):
    """A photo that becomes a story."""

    model_config = examples(
        {"photo_id": "p_8aB3x9Q2", "audience": "followers", "alt_text": "A lake at dusk, mountains behind it."}
    )

    photo_id: PhotoId = Field(description='Of an upload of yours with `"purpose": "story"`, that is `ready`.')
    audience: Audience = Field(Audience.FOLLOWERS, description="Who sees it: your followers, or your close friends.")
    alt_text: Annotated[str, *_ALT_TEXT] | None = Field(None, description="What can be seen, for those who cannot.")


class Story(BaseModel):
    """A photo that can be seen for 24 hours."""

    model_config = examples(STORY)

    id: StoryId
    author_id: UserId
    photo_id: PhotoId
    audience: Audience
    alt_text: str | None
    width: int = Field(description="Of the original, in pixels.")
    height: int
    placeholder: str = Field(description="A ThumbHash, in base64.")
    variants: dict[str, Url] = Field(description="URLs by size. They answer 410 once the story is over.")
    published_at: UtcTime
    expires_at: UtcTime
    unseen: bool = Field(description="Whether you have not seen it yet; never of your own.")
    view_count: int | None = Field(description="How many accounts saw it; null unless it is yours.")

    @classmethod
    def of(cls, story: StoryPublished, cdn_url: str, *, unseen: bool, view_count: int | None) -> Story:
        return cls(
            id=story.story_id,
            author_id=story.author_id,
            photo_id=story.photo_id,
            audience=Audience(story.audience),
            alt_text=story.alt_text,
            width=story.width,
            height=story.height,
            placeholder=story.placeholder,
            variants={str(variant.size): f"{cdn_url}/{variant.key}" for variant in story.variants},
            published_at=story.published_at,
            expires_at=story.expires_at,
            unseen=unseen,
            view_count=view_count,
        )


class AccountStories(BaseModel):
    """The stories of an account that you may see."""

    model_config = examples({"items": [STORY]})

    items: list[Story]


class StoryTrayEntry(BaseModel):
    """An account with stories that you may see."""

    account: ShownAccount
    own: bool = Field(description="Whether it is you.")
    unseen: bool = Field(description="Whether there is one that you have not seen.")
    close_friends: bool = Field(description="Whether the newest is for close friends only.")
    latest_story_id: StoryId
    expires_at: UtcTime = Field(description="When the newest is over, and with it the entry.")

    @classmethod
    def of(cls, shown: ShownRing) -> StoryTrayEntry:
        return cls(
            account=ShownAccount.of(shown.account),
            own=shown.own,
            unseen=shown.ring.unseen,
            close_friends=shown.ring.close,
            latest_story_id=shown.ring.story_id,
            expires_at=moment_of(shown.ring.expires_ms),
        )


class StoryTray(BaseModel):
    """Who has stories that you may see."""

    model_config = examples(
        {
            "items": [
                {
                    "account": _ACCOUNT,
                    "own": False,
                    "unseen": True,
                    "close_friends": False,
                    "latest_story_id": "st_8aB3x9Q2",
                    "expires_at": "2026-11-22T10:20:00Z",
                }
            ]
        }
    )

    items: list[StoryTrayEntry]


class StoryViewer(BaseModel):
    """An account that saw your story."""

    account: ShownAccount
    viewed_at: UtcTime = Field(description="When it saw it first.")

    @classmethod
    def of(cls, account: SeenAccount, view: View) -> StoryViewer:
        return cls(account=ShownAccount.of(account), viewed_at=moment_of(view.at_ms))


class StoryViewerPage(Page[StoryViewer]):
    """One page of those who saw your story; `next_cursor` is null on the last."""

    model_config = examples(
        {
            "items": [{"account": _ACCOUNT, "viewed_at": "2026-11-21T11:05:00Z"}],
            "next_cursor": None,
            "view_count": 1,
        }
    )

    view_count: int = Field(description="How many accounts saw it, with those that are not listed any more.")


_REPLY_LENGTH: dict[str, JsonValue] = {"minLength": 1, "maxLength": MAX_REPLY}
_REPLY: tuple[Any, ...] = (
    StringConstraints(max_length=RAW_FACTOR * MAX_REPLY),
    AfterValidator(checked_reply),
    Field(json_schema_extra=_REPLY_LENGTH),
)


class StoryReplyText(RequestBody):
    """What you reply."""

    model_config = examples({"text": "What a light!"})

    text: Annotated[str, *_REPLY]


class StoryReply(BaseModel):
    """A reply to a story. The story's author and `account` alone read it."""

    model_config = examples(
        {
            "story_id": "st_8aB3x9Q2",
            "account": _ACCOUNT,
            "text": "What a light!",
            "replied_at": "2026-11-21T11:05:00Z",
        }
    )

    story_id: StoryId
    account: ShownAccount = Field(description="Who replied.")
    text: str
    replied_at: UtcTime

    @classmethod
    def of(cls, account: SeenAccount, reply: Reply) -> StoryReply:
        return cls(
            story_id=reply.story_id, account=ShownAccount.of(account), text=reply.text, replied_at=reply.replied_at
        )
