"""What answers look like: posts exactly as ours."""

from __future__ import annotations

from pydantic import BaseModel

from photomesh_shared.events import UtcTime
from photomesh_shared.ids import PhotoId, PostId, UserId

__all__ = ["FeedPage", "Likes", "NewPost", "Photo", "Post", "Relationship"]


class Place(BaseModel):
    name: str
    latitude: float | None = None
    longitude: float | None = None


class Author(BaseModel):
    id: UserId
    username: str
    display_name: str
    avatar_url: str | None


class Photo(BaseModel):
    id: PhotoId
    status: str = "ready"
    reason: None = None
    width: int
    height: int
    placeholder: str
    variants: dict[str, str]
    alt_text: str | None


class ViewerState(BaseModel):
    liked: bool
    saved: bool


class Mention(BaseModel):
    start: int
    end: int
    username: str
    account_id: UserId | None


class Hashtag(BaseModel):
    start: int
    end: int
    tag: str


class Entities(BaseModel):
    mentions: list[Mention]
    hashtags: list[Hashtag]


class Post(BaseModel):
    id: PostId
    author: Author
    status: str = "published"
    reason: None = None
    caption: str
    hashtags: list[str]
    mentions: list[str]
    entities: Entities
    place: Place | None
    photos: list[Photo]
    like_count: int
    comment_count: int
    viewer: ViewerState
    created_at: UtcTime
    edited_at: UtcTime | None
    published_at: UtcTime


class FeedPage(BaseModel):
    items: list[Post]
    next_cursor: str | None


class NewPost(BaseModel):
    photo_ids: list[PhotoId]
    caption: str = ""


class Likes(BaseModel):
    like_count: int
    liked: bool


class Relationship(BaseModel):
    user_id: UserId
    following: bool
