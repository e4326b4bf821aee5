"""Parts of requests and responses that several nouns share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from photomesh_post.accounts import domain
from photomesh_shared import events
from photomesh_shared.http.schemas import Url
from photomesh_shared.ids import UserId

__all__ = ["CAPTION", "READY_PHOTO", "Author", "Reason", "Text", "variant_urls"]

CAPTION = "Evening by the lake with @grace #sunset"
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


def _is_text(value: str) -> str:
    """JSON can escape half of a surrogate pair, which is not a character and can be neither stored nor sent."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("contains half of a surrogate pair")
    return value


Text = Annotated[str, AfterValidator(_is_text)]


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
