"""Responses."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_search.searching.domain import FoundPlace, FoundTag
from photomesh_search.searching.service import FoundAccount
from photomesh_shared.http.schemas import ShownAccount, Url, examples
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.internal_api.post import SeenPost

__all__ = ["AccountHit", "AccountHits", "HashtagHit", "HashtagHits", "PlaceHit", "PlaceHits", "PostHit"]

_ACCOUNT = {
    "id": "u_SLsTtd9Xoe",
    "username": "ada",
    "display_name": "Ada Lovelace",
    "avatar_url": "https://cdn.example/variants/Zk3vQ0/150.jpg",
    "followed": True,
    "blocked_by_you": False,
}
_HASHTAG = {"tag": "sunset", "accounts": 1204}
_PLACE = {"name": "Lake Como", "latitude": 46.02, "longitude": 9.26, "accounts": 17}


class AccountHit(ShownAccount):
    """An account that was found."""

    model_config = examples(_ACCOUNT)

    blocked_by_you: bool = Field(description="You block it. It is found by its exact username only.")

    @classmethod
    def found(cls, one: FoundAccount) -> AccountHit:
        return cls(**ShownAccount.of(one.account).model_dump(), blocked_by_you=one.blocked_by_you)


class AccountHits(BaseModel):
    """Accounts that were found, the best first."""

    model_config = examples({"items": [_ACCOUNT]})

    items: list[AccountHit]


class PostHit(BaseModel):
    """A post that was found."""

    model_config = examples(
        {
            "id": "o_SLsTuTVKaG",
            "author_id": "u_SLsTtd9Xoe",
            "photo_url": "https://cdn.example/variants/Zk3vQ0/150.jpg",
        }
    )

    id: PostId
    author_id: UserId
    photo_url: Url | None = Field(description="The smallest size of its first photo.")

    @classmethod
    def of(cls, post: SeenPost) -> PostHit:
        return cls(id=post.id, author_id=post.author_id, photo_url=post.photo_url)


class HashtagHit(BaseModel):
    """A hashtag that was found, as it is searched for: lower case, without # and accents."""

    model_config = examples(_HASHTAG)

    tag: str
    accounts: int = Field(description="How many public accounts have used it, roughly.")

    @classmethod
    def of(cls, found: FoundTag) -> HashtagHit:
        return cls(tag=found.tag, accounts=found.accounts)


class HashtagHits(BaseModel):
    """Hashtags that were found, the best first."""

    model_config = examples({"items": [_HASHTAG]})

    items: list[HashtagHit]


class PlaceHit(BaseModel):
    """A place that was found."""

    model_config = examples(_PLACE)

    name: str
    latitude: float | None = Field(description="In degrees, to about a kilometre; null if its posts have no position.")
    longitude: float | None
    accounts: int = Field(description="How many public accounts have posts there, roughly.")

    @classmethod
    def of(cls, found: FoundPlace) -> PlaceHit:
        return cls(name=found.name, latitude=found.latitude, longitude=found.longitude, accounts=found.accounts)


class PlaceHits(BaseModel):
    """Places that were found, the best first."""

    model_config = examples({"items": [_PLACE]})

    items: list[PlaceHit]
