"""The posts in formats that other platforms import: ActivityStreams as Mastodon exports it, and Instagram's
`posts_1.json`."""

from __future__ import annotations

import html
import json
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from photomesh_export.documents.document import Document, Item, SectionReader, array, encoded

__all__ = ["documents"]

_BATCH = 200
_CONTEXT = "https://www.w3.org/ns/activitystreams"
_PUBLIC = f"{_CONTEXT}#Public"

Names = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]


async def documents(reader: SectionReader, profile: Item, names: Names, *, public_url: str) -> AsyncIterator[Document]:
    actor = f"{public_url}/v1/users/{profile.get('username', '')}"
    yield Document("actor.json", _once(encoded(_actor(actor, profile))))
    posts = reader.sections.get("posts")
    head = {
        "@context": _CONTEXT,
        "id": "outbox.json",
        "type": "OrderedCollection",
        "totalItems": posts.items if posts else 0,
    }
    before = json.dumps(head).encode()[:-1] + b', "orderedItems": ['
    activities = _mapped(reader, names, lambda item, files: _activity(item, files, actor, public_url))
    yield Document("outbox.json", array(activities, before, b"]}\n"))
    yield Document("your_instagram_activity/content/posts_1.json", array(_mapped(reader, names, _instagram_post)))


async def _mapped(
    reader: SectionReader, names: Names, made: Callable[[Item, Sequence[tuple[str, str]]], Item | None]
) -> AsyncIterator[list[bytes]]:
    """Yield what is made of each post and of its photos: id and path."""
    async for items in reader.batches("posts", _BATCH):
        found = await names({photo_id for item in items for photo_id in item.get("photo_ids") or ()})
        lines = []
        for item in items:
            files = [(photo_id, found[photo_id]) for photo_id in item.get("photo_ids") or () if photo_id in found]
            if one := made(item, files):
                lines.append(json.dumps(one, ensure_ascii=False).encode())
        yield lines


def _actor(actor: str, profile: Item) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "id": actor,
        "type": "Person",
        "preferredUsername": profile.get("username"),
        "name": profile.get("display_name"),
        "summary": html.escape(profile.get("bio") or ""),  # HTML, by the standard
        "published": profile.get("created_at"),
        "outbox": "outbox.json",
    }


def _activity(item: Item, files: Sequence[tuple[str, str]], actor: str, public_url: str) -> Item:
    """A post that is not published has no public address."""
    post_id, published = f"{public_url}/v1/posts/{item.get('post_id')}", item.get("published_at")
    to = [_PUBLIC] if published else []
    time = published or item.get("created_at")
    note = {
        "id": post_id,
        "type": "Note",
        "attributedTo": actor,
        "published": time,
        "updated": item.get("edited_at"),
        "to": to,
        "content": html.escape(item.get("caption") or "").replace("\n", "<br>"),
        "attachment": [
            {
                "type": "Document",
                "mediaType": mimetypes.guess_type(path)[0] or "application/octet-stream",
                "url": path,
                "name": (item.get("alt_texts") or {}).get(photo_id),
            }
            for photo_id, path in files
        ],
    }
    return {"id": f"{post_id}#create", "type": "Create", "actor": actor, "published": time, "to": to, "object": note}


def _instagram_post(item: Item, files: Sequence[tuple[str, str]]) -> Item | None:
    if not files or not item.get("published_at"):
        return None
    created = int(datetime.fromisoformat(item["published_at"]).timestamp())
    media = [{"uri": path, "creation_timestamp": created, "title": ""} for _, path in files]
    if len(media) == 1:
        media[0]["title"] = item.get("caption") or ""
        return {"media": media}
    return {"media": media, "title": item.get("caption") or "", "creation_timestamp": created}


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
