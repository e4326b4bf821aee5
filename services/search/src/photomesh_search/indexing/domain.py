"""Documents: what the index holds of an account and of a post. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from photomesh_search.texts.domain import fold, indexed
from photomesh_shared.events import (
    ACTIVE,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from photomesh_shared.events.posts import Place

__all__ = [
    "AccountDocument",
    "PostDocument",
    "Standing",
    "account_document",
    "erased_account",
    "place_key",
    "post_document",
    "published_post",
]


@dataclass(frozen=True)
class AccountDocument:
    """The profile of an account at a version. `public`: its posts may be indexed."""

    account_id: int
    version: int
    public: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """What the index knows of an author. `version`: that of the profile; 0 without one. `filled`: whether it has the
    author's posts; None if nobody looked yet."""

    version: int
    public: bool
    filled: bool | None


@dataclass(frozen=True)
class PostDocument:
    """A post at a version. Without fields it is a post that must not be found."""

    post_id: int
    author_id: int
    version: int
    fields: Mapping[str, Any] = field(default_factory=dict)

    def emptied(self) -> PostDocument:
        return PostDocument(self.post_id, self.author_id, self.version)


def account_document(event: AccountRegistered | AccountUpdated, version: int) -> AccountDocument:
    if event.status != ACTIVE or not event.searchable:
        return erased_account(event.user_id, version)
    username = fold(event.username)
    names = dict.fromkeys([username, *indexed(event.username), *indexed(event.display_name)])
    fields = {
        "id": event.user_id,
        "username": username,
        "names": " ".join(names),
        "shown": True,
        "public": not event.private,
    }
    return AccountDocument(event.user_id, version, not event.private, fields)


def erased_account(account_id: int, version: int) -> AccountDocument:
    """What is left of an account that must not be found, or does not want to be: its version, so that nothing older
    brings it back."""
    fields = {"username": None, "names": None, "shown": False, "public": False}
    return AccountDocument(account_id, version, public=False, fields=fields)


def post_document(envelope: Envelope[PostPublished | PostEdited | PostDeleted]) -> PostDocument | None:
    """Return None for an edit of a post that is not published."""
    event, version = envelope.data, envelope.entityversion
    if isinstance(event, PostDeleted):
        return PostDocument(event.post_id, event.author_id, version)
    if isinstance(event, PostPublished):
        alt_texts = [photo.alt_text for photo in event.photos]
    elif event.published_at is None:
        return None
    else:
        alt_texts = list(event.alt_texts)
    return published_post(
        event.post_id,
        event.author_id,
        version,
        caption=event.caption,
        hashtags=event.hashtags,
        alt_texts=alt_texts,
        place=event.place,
        created_at=event.created_at,
    )


def published_post(
    post_id: int,
    author_id: int,
    version: int,
    *,
    caption: str,
    hashtags: tuple[str, ...],
    alt_texts: list[str | None],
    place: Place | None,
    created_at: datetime | None,
) -> PostDocument:
    described = [text for text in alt_texts if text]
    has = {
        "place": place is not None,
        "alt": bool(described),
        "hashtags": bool(hashtags),
        "several": len(alt_texts) > 1,
    }
    fields: dict[str, Any] = {
        "id": post_id,
        "author": author_id,
        "created": int(created_at.timestamp() * 1000) if created_at else None,
        "words": " ".join(word for text in (caption, *described) for word in indexed(text)),
        "tags": sorted({fold(tag) for tag in hashtags}),
        "has": [name for name, present in has.items() if present],
        "shown": True,
    }
    if place:
        fields["place"] = place_key(place.name, place.latitude, place.longitude)
        fields["place_words"] = " ".join(indexed(place.name))
        fields["words"] += " " + fields["place_words"]
        if place.latitude is not None and place.longitude is not None:
            fields["at"] = {"lat": place.latitude, "lon": place.longitude}
    return PostDocument(post_id, author_id, version, fields)


def place_key(name: str, latitude: float | None, longitude: float | None) -> str:
    """Return what makes two places of posts one: the name, and roughly (1 km) where it is. Begins with its words."""
    where = f"{latitude:.2f},{longitude:.2f}" if latitude is not None and longitude is not None else ""
    return f"{name.strip()[:200]}\n{where}"
