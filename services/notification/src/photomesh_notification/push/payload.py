"""What a push says, in the form of Declarative Web Push, which browsers show without a service worker. Pure.

A push names what happened and who did it, and nothing that somebody wrote: no comment, no caption, no picture, and
never a token. It is encrypted for the device, but then it lies on a lock screen and in the device's history, where
neither a deletion nor a block reaches it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from photomesh_shared import ids

__all__ = ["Shown", "payload_of"]

_WEB_PUSH = 8030
_NAMED = 2
_MAX_NAME = 60
_TITLES = {
    "like": "New likes",
    "comment_like": "New likes",
    "follow": "New followers",
    "comment": "New comments",
    "reply": "New replies",
    "mention": "You were mentioned",
    "follow_request": "Follow requests",
    "follow_accepted": "Follow request accepted",
    "photo_rejected": "A photo could not be used",
    "photo_failed": "A photo could not be processed",
    "post_published": "Your post is published",
    "post_failed": "Your post could not be published",
    "webhook_failing": "Your webhook does not work",
    "story_reply": "New replies",
}
_DEEDS = {
    "like": "liked your post",
    "comment_like": "liked your comment",
    "follow": "followed you",
    "comment": "commented on your post",
    "reply": "replied to your comment",
    "mention": "mentioned you",
    "follow_request": "asked to follow you",
    "follow_accepted": "accepted your follow request",
    "story_reply": "replied to your story",
}


@dataclass(frozen=True)
class Shown:
    """A group as its account may see it now. `names` of some of its accounts, those that matter most first; `count` of
    all of them."""

    kind: str
    names: tuple[str, ...]
    count: int
    capped: bool = False
    post_id: int | None = None


def payload_of(groups: Sequence[Shown], *, tag: str, app_url: str, bare: bool = False) -> bytes:
    """The message about a stack: its groups are of one kind and, if they are about a post, of one post. `bare`: without
    names."""
    kind = groups[0].kind
    notification: dict[str, object] = {
        "title": _TITLES.get(kind, "Photomesh"),
        "navigate": _target(groups[0], app_url),
        "tag": tag,
    }
    if not bare and (body := _body(kind, groups)):
        notification["body"] = body
    message = {"web_push": _WEB_PUSH, "notification": notification}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _target(group: Shown, app_url: str) -> str:
    if group.post_id is not None:
        return f"{app_url}/posts/{ids.encode('o', group.post_id)}"
    return f"{app_url}/notifications"


def _body(kind: str, groups: Sequence[Shown]) -> str | None:
    deed = _DEEDS.get(kind)
    names = list(dict.fromkeys(_shortened(name) for group in groups for name in group.names))
    if deed is None or not names:
        return None
    count = len(names) + sum(max(group.count - len(group.names), 0) for group in groups)
    capped = any(group.capped for group in groups)
    others = count - min(len(names), _NAMED)
    if len(names) > 1 and others > 0:
        names, others = names[:1], count - 1  # "Ada and 15 others", not "Ada, Grace and 14 others"
    who = " and ".join(names[:_NAMED])
    if others > 0:
        number = f"{others:,}{'+' if capped else ''}"
        who += f" and {number} {'other' if others == 1 and not capped else 'others'}"
    return f"{who} {deed}"


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"
