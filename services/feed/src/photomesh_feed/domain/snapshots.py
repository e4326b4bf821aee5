"""Snapshots of posts: JSON of everything that a feed shows of a post and that seldom changes.

A snapshot is the `Post` of post's API without `author`, `like_count`, `comment_count` and `viewer`, which change on
their own. It is made once, when the post is published or edited; pages splice it in unparsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from photomesh_shared.events import PostEdited, PostPublished
from photomesh_shared.internal_api.post import PostSnapshot

__all__ = ["CountedSnapshot", "Snapshot", "StoredPost"]

_NO_ENTITIES: dict[str, Any] = {"mentions": [], "hashtags": []}
"""Of an event from before they were kept."""


class StoredPost(NamedTuple):
    """What Redis knows of a post; version 0: there is no snapshot."""

    version: int
    static: bytes | None
    edit_version: int
    edit: bytes | None
    """An edit, as JSON of the event, that may have come before the publication."""
    deleted: bool


@dataclass(frozen=True)
class Snapshot:
    post_id: int
    author_id: int
    version: int
    """`entityversion` of the last event in it; a lower one must not overwrite it."""
    static: str
    """A JSON object."""
    hashtags: tuple[str, ...]
    """For ranking, which does not parse the JSON."""

    @classmethod
    def of_publication(cls, event: PostPublished, version: int, cdn_url: str) -> Snapshot:
        fact = event.model_dump(mode="json")
        return _snapshot(event, fact, fact["edited_at"], version, cdn_url)

    @classmethod
    def of_edited_post(cls, event: PostEdited, version: int, cdn_url: str) -> Snapshot | None:
        """The snapshot from an edit alone; None if the post was not published then, or the event is from before edits
        had all of the post."""
        if event.published_at is None or event.created_at is None:
            return None
        publication = PostPublished(
            **{name: getattr(event, name) for name in PostPublished.model_fields if name in PostEdited.model_fields}
        )
        return cls.of_publication(publication, version, cdn_url)

    @classmethod
    def of_edit(cls, static: str | bytes, event: PostEdited, version: int) -> Snapshot:
        """Applies an edit to the JSON of a snapshot."""
        post = json.loads(static)
        fact = event.model_dump(mode="json")
        post.update({name: fact[name] for name in ("caption", "hashtags", "mentions", "place", "edited_at")})
        post["entities"] = fact["entities"] or _NO_ENTITIES
        alt_texts = dict(zip(fact["photo_ids"], fact["alt_texts"], strict=True))
        for photo in post["photos"]:
            photo["alt_text"] = alt_texts.get(photo["id"])
        return cls(event.post_id, event.author_id, version, _dumped(post), event.hashtags)


class CountedSnapshot(NamedTuple):
    """A post from post's internal API: snapshot and counts."""

    snapshot: Snapshot
    likes: int
    comments: int
    counts_version: int
    """`entityversion` of the latest event in the counts; 0: none."""

    @classmethod
    def of_post(cls, post: PostSnapshot, cdn_url: str) -> CountedSnapshot:
        fact = post.model_dump(mode="json")
        snapshot = _snapshot(post, fact, fact["edited_at"], post.version, cdn_url)
        return cls(snapshot, post.like_count, post.comment_count, post.counts_version)


def _snapshot(
    post: PostPublished, fact: Mapping[str, Any], edited_at: str | None, version: int, cdn_url: str
) -> Snapshot:
    """`fact` is the JSON of `post`."""
    static = {
        "id": fact["post_id"],
        "status": "published",
        "reason": None,
        "caption": fact["caption"],
        "hashtags": fact["hashtags"],
        "mentions": fact["mentions"],
        "entities": fact["entities"] or _NO_ENTITIES,
        "place": fact["place"],
        "photos": [_photo(photo, cdn_url) for photo in fact["photos"]],
        "created_at": fact["created_at"],
        "edited_at": edited_at,
        "published_at": fact["published_at"],
    }
    return Snapshot(post.post_id, post.author_id, version, _dumped(static), post.hashtags)


def _photo(photo: Mapping[str, Any], cdn_url: str) -> dict[str, Any]:
    return {
        "id": photo["photo_id"],
        "status": "ready",
        "reason": None,
        "width": photo["width"],
        "height": photo["height"],
        "placeholder": photo["placeholder"],
        "variants": _urls(photo["variants"], cdn_url),
        "alt_text": photo["alt_text"],
    }


def _urls(variants: Sequence[Mapping[str, Any]], cdn_url: str) -> dict[str, str]:
    return {str(variant["size"]): f"{cdn_url}/{variant['key']}" for variant in variants}


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
