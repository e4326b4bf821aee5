"""What a personal access token may do: read or write one kind of thing. Tokens of sessions may do everything."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Scope", "scope_of"]


class Scope(StrEnum):
    """Named for the tags of the API's operations."""

    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    UPLOADS_READ = "uploads:read"
    UPLOADS_WRITE = "uploads:write"
    PHOTOS_READ = "photos:read"
    POSTS_READ = "posts:read"
    POSTS_WRITE = "posts:write"
    COMMENTS_READ = "comments:read"
    COMMENTS_WRITE = "comments:write"
    LIKES_READ = "likes:read"
    LIKES_WRITE = "likes:write"
    SAVES_READ = "saves:read"
    SAVES_WRITE = "saves:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    FEED_READ = "feed:read"
    FEED_WRITE = "feed:write"
    STORIES_READ = "stories:read"
    STORIES_WRITE = "stories:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


_NEVER_DERIVED = Scope.ACCOUNTS_WRITE
"""Changes of an account are its owner's, unless a route says otherwise."""


def scope_of(tag: str, *, reads: bool) -> Scope | None:
    """The scope of an operation by its tag; None for one that needs a session."""
    try:
        scope = Scope(f"{tag}:{'read' if reads else 'write'}")
    except ValueError:
        return None
    return None if scope is _NEVER_DERIVED else scope
