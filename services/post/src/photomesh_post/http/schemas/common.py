"""Parts of requests and responses that several nouns share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints

from photomesh_post.accounts import domain
from photomesh_shared import events
from photomesh_shared.http.schemas import Url
from photomesh_shared.ids import UserId
from photomesh_shared.text import RAW_FACTOR

__all__ = ["CAPTION", "ENTITIES", "READY_PHOTO", "Author", "Entities", "Reason", "bounded", "variant_urls"]

CAPTION = "Evening by the lake with @grace #sunset"
ENTITIES = {
    "mentions": [{"start": 25, "end": 31, "username": "grace", "account_id": "u_8gL3n2Au"}],
    "hashtags": [{"start": 32, "end": 39, "tag": "sunset"}],
}
"""In examples."""
_CDN = "http://127.0.0.1:18080/variants"
READY_PHOTO = {
    "width": 4032,
    "height": 3024,
    "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "variants": {str(size): f"{_CDN}/p_8aB3x9Q2/Zk3vQ0m1fR7eT2yU/{size}.jpg" for size in (1080, 640, 320, 150)},
    "alt_text": "A lake at dusk, mountains behind it.",
}
"""In examples: the members of a photo that is ready."""


def bounded(limit: int, rule: Callable[[str], str], *, empty: bool) -> tuple[Any, ...]:
    """Annotations of a string that `rule` normalizes, and that then has at most `limit` characters; and at least
    one, unless it may be `empty`."""
    minimum = 0 if empty else 1

    def check(text: str) -> str:
        if not minimum <= len(text := rule(text)) <= limit:
            raise ValueError(f"must have {minimum} to {limit} characters")
        return text

    # Bounds a text before its rule, which is costly for a long one.
    raw = StringConstraints(max_length=RAW_FACTOR * limit)
    lengths: dict[str, JsonValue] = {"maxLength": limit} if empty else {"minLength": 1, "maxLength": limit}
    return (raw, AfterValidator(check), Field(json_schema_extra=lengths))


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

    @classmethod
    def of(cls, entities: events.TextEntities) -> Entities:
        return cls(
            mentions=[Mention(**dict(mention)) for mention in entities.mentions],
            hashtags=[Hashtag(**dict(hashtag)) for hashtag in entities.hashtags],
        )


class Reason(BaseModel):
    """Why a photo or a post failed."""

    code: str = Field(description="More may be added: treat an unknown code as its message says.")
    message: str = Field(description="What happened, as a sentence for the owner.")
    fix: str = Field(description="What the owner can do, as a sentence.")
    retryable: bool = Field(description="Whether the same photo may succeed when it is uploaded again.")

    @classmethod
    def of(cls, reason: events.Reason | None) -> Reason | None:
        return cls(**reason.model_dump()) if reason else None


class Author(BaseModel):
    """An account as others see it. Names are null for the moment until a new account is known here."""

    id: UserId
    username: str | None
    display_name: str | None
    avatar_url: Url | None = Field(description="150 pixels.")

    @classmethod
    def of(cls, author: domain.Author) -> Author:
        return cls(
            id=author.id, username=author.username, display_name=author.display_name, avatar_url=author.avatar_url
        )


def variant_urls(variants: Sequence[events.Variant], cdn_url: str) -> dict[str, Url]:
    """The URLs of a photo's public sizes, by size."""
    return {str(variant.size): f"{cdn_url}/{variant.key}" for variant in variants}
