"""Snapshots of posts: what a feed shows of a post that is the same for everybody and seldom changes, as JSON.

A snapshot is the `Post` of post's API without `author`, `like_count`, `comment_count` and `viewer`, which change on
their own. It is made once, when the post is published or edited, and a page of a feed splices it in as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from photomesh_shared.events import PostEdited, PostPublished
from photomesh_shared.ids import decode

__all__ = ["Snapshot", "edited", "from_post", "id_of", "published"]


@dataclass(frozen=True)
class Snapshot:
    """What is kept of a post."""

    post_id: int
    author_id: int
    version: int
    """The `entityversion` of the last event that is in it; a lower one must not overwrite it."""
    static: str
    """A JSON object."""
    hashtags: tuple[str, ...]
    """What ranking looks at, so that it need not parse the JSON."""

    def fields(self) -> dict[str, str | int]:
        """As ``p:{post}`` has it: `s` static JSON, `v` version, `a` author, `h` hashtags with spaces between."""
        return {"s": self.static, "v": self.version, "a": self.author_id, "h": " ".join(self.hashtags)}


def published(event: PostPublished, version: int, cdn_url: str) -> Snapshot:
    """Of a post as its publication tells of it."""
    fact = event.model_dump(mode="json")
    static = {
        "id": fact["post_id"],
        "status": "published",
        "reason": None,
        "caption": fact["caption"],
        "hashtags": fact["hashtags"],
        "mentions": fact["mentions"],
        "place": fact["place"],
        "photos": [_photo(photo, cdn_url) for photo in fact["photos"]],
        "created_at": fact["created_at"],
        "edited_at": None,
        "published_at": fact["published_at"],
    }
    return Snapshot(event.post_id, event.author_id, version, _dumped(static), event.hashtags)


def edited(static: str | bytes, event: PostEdited, version: int) -> Snapshot:
    """The snapshot that has `static`, after an edit."""
    post = json.loads(static)
    fact = event.model_dump(mode="json")
    post.update({name: fact[name] for name in ("caption", "hashtags", "mentions", "place", "edited_at")})
    alt_texts = dict(zip(fact["photo_ids"], fact["alt_texts"], strict=True))
    for photo in post["photos"]:
        photo["alt_text"] = alt_texts.get(photo["id"])
    return Snapshot(event.post_id, event.author_id, version, _dumped(post), event.hashtags)


def from_post(data: Mapping[str, Any], cdn_url: str) -> Snapshot:
    """Of what post's ``GET /internal/posts`` says of one post: the data of its publication, and its `version`."""
    snapshot = published(PostPublished.model_validate(data, extra="ignore"), int(data["version"]), cdn_url)
    if not data.get("edited_at"):
        return snapshot
    return replace(snapshot, static=_dumped(json.loads(snapshot.static) | {"edited_at": data["edited_at"]}))


def id_of(data: Mapping[str, Any]) -> int:
    """The post's id in what post says."""
    return decode("o", data["post_id"])


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
