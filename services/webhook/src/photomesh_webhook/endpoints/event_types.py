"""Which types of events an endpoint may ask for. Pure.

A pattern is a type, `photomesh.post.liked.v1`, or the beginning of some, `photomesh.post.*`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from photomesh_shared.events import (
    AccountDeleted,
    AccountRegistered,
    AccountUpdated,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Event,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PostCounted,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostUnliked,
)
from photomesh_webhook.endpoints.audience import WHOSE
from photomesh_webhook.endpoints.domain import Audience

__all__ = ["OFFERED", "PATTERNS", "TEST_TYPE", "event_types_of", "topics_of", "unknown_patterns"]

TEST_TYPE = "photomesh.webhook.test.v1"
"""Of the event that an owner sends to try an endpoint. It is in no topic."""

_EVERYONE: tuple[type[Event], ...] = (
    AccountRegistered,
    AccountUpdated,
    AccountDeleted,
    PhotoReady,
    PhotoRejected,
    PhotoFailed,
    PostCreated,
    PostPublished,
    PostFailed,
    PostEdited,
    PostDeleted,
    PostLiked,
    PostUnliked,
    PostCounted,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
)
"""What operators may hear of all accounts. Never blocks, mutes, follows, requests, saves or impressions, which are
private, nor work within the platform."""

OFFERED: Final[dict[Audience, dict[str, type[Event]]]] = {
    Audience.OWN: {kind.type_: kind for kind in WHOSE},
    Audience.EVERYONE: {kind.type_: kind for kind in _EVERYONE},
}


def _patterns(types: Iterable[str]) -> list[str]:
    prefixes = sorted({f"photomesh.{kind.split('.')[1]}.*" for kind in types})
    return [*prefixes, *sorted(types)]


PATTERNS: Final[dict[Audience, list[str]]] = {audience: _patterns(types) for audience, types in OFFERED.items()}


def unknown_patterns(patterns: Iterable[str], audience: Audience) -> list[str]:
    """Return those that an endpoint of this audience cannot ask for."""
    return [pattern for pattern in patterns if pattern not in PATTERNS[audience]]


def event_types_of(patterns: Collection[str], audience: Audience) -> frozenset[str]:
    """Return the types that the patterns mean. A prefix means those that are offered now: with a type that is added
    later, it means more."""
    beginnings = tuple(pattern.removesuffix("*") for pattern in patterns if pattern.endswith(".*"))
    return frozenset(
        kind for kind in OFFERED[audience] if kind in patterns or (beginnings and kind.startswith(beginnings))
    )


def topics_of(patterns: Collection[str], audience: Audience) -> frozenset[str]:
    """Return the topics in which events of these types are."""
    return frozenset(OFFERED[audience][kind].topic for kind in event_types_of(patterns, audience))
