"""What an author submits: a new post, or an edit of one. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from photomesh_post.errors import TooManyPhotos
from photomesh_post.posts.captions import Caption
from photomesh_post.posts.domain import Post
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import Place

__all__ = ["MAX_PHOTOS", "Draft", "Edit"]

MAX_PHOTOS = 10


@dataclass(frozen=True)
class Draft:
    """A new post within the limits."""

    photo_ids: tuple[int, ...]
    caption: Caption
    place: Place | None = None
    alt_texts: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def checked(
        cls, photo_ids: Sequence[int], caption: str, place: Place | None, alt_texts: Sequence[tuple[int, str]]
    ) -> Draft:
        """`alt_texts` are pairs of photo and text. Raises TooManyPhotos, InvalidRequest, or as `Caption.checked`."""
        if len(photo_ids) > MAX_PHOTOS:
            detail = f"has {len(photo_ids)} photos, and {MAX_PHOTOS} are allowed"
            raise TooManyPhotos(errors=[FieldError("/photo_ids", detail)], limit=MAX_PHOTOS)
        repeated = [index for index, photo_id in enumerate(photo_ids) if photo_id in photo_ids[:index]]
        if repeated:
            raise InvalidRequest(errors=[FieldError(f"/photo_ids/{index}", "is listed before") for index in repeated])
        _check_alt_texts(alt_texts, photo_ids)
        texts = {photo_id: text for photo_id, text in alt_texts if text}
        return cls(tuple(photo_ids), Caption.checked(caption), place, texts)

    def fingerprint(self, author_id: int) -> str:
        """Equal for equal requests of one author."""
        place = self.place.model_dump() if self.place else None
        content = [author_id, self.photo_ids, self.caption.text, place, sorted(self.alt_texts.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Edit:
    """Changes to a post's texts; None leaves a text as it is. `place` counts if `sets_place`. `alt_texts`
    are pairs of photo and text, of which None removes the photo's."""

    caption: str | None = None
    place: Place | None = None
    sets_place: bool = False
    alt_texts: Sequence[tuple[int, str | None]] = ()

    def applied_to(self, post: Post) -> Post:
        """Raises InvalidRequest, or as `Caption.checked`."""
        _check_alt_texts(self.alt_texts, post.photo_ids)
        texts = {**post.alt_texts, **dict(self.alt_texts)}
        edited = replace(
            post,
            place=self.place if self.sets_place else post.place,
            alt_texts={key: text for key, text in texts.items() if text},
        )
        if self.caption is None or (caption := Caption.checked(self.caption)).text == post.caption:
            return edited
        return edited.captioned(caption.text, caption.entities)


def _check_alt_texts(alt_texts: Sequence[tuple[int, str | None]], photo_ids: Sequence[int]) -> None:
    described = [photo_id for photo_id, _ in alt_texts]
    faults = {
        index: "is listed before" if photo_id in described[:index] else "is not a photo of this post"
        for index, photo_id in enumerate(described)
        if photo_id in described[:index] or photo_id not in photo_ids
    }
    if faults:
        raise InvalidRequest(
            errors=[FieldError(f"/alt_texts/{index}/photo_id", fault) for index, fault in faults.items()]
        )
