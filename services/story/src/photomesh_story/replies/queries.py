"""Reads for the API."""

from __future__ import annotations

from photomesh_shared.internal_api.post import SeenAccount
from photomesh_story.errors import StoryNotFound
from photomesh_story.replies.domain import Reply, ReplyPosition
from photomesh_story.replies.protocols import Replies
from photomesh_story.stories.protocols import Accounts, Tables
from photomesh_story.stories.queries import StoryQueries

__all__ = ["ReplyQueries"]


class ReplyQueries:
    def __init__(self, tables: Tables, replies: Replies, accounts: Accounts, queries: StoryQueries) -> None:
        self._tables = tables
        self._replies = replies
        self._accounts = accounts
        self._queries = queries

    async def replies(
        self, viewer_id: int, story_id: int, after: ReplyPosition | None, limit: int
    ) -> tuple[list[tuple[SeenAccount, Reply]], ReplyPosition | None]:
        """The replies to a story that the viewer may read, the latest first, and the last that was looked at unless it
        is the end: all to a story of its own, whether or not it is over, but for accounts that it may not be shown; to
        one that it may see, its own. Raises StoryNotFound, Unavailable."""
        stored = await self._tables.story(story_id)
        if stored is None or stored.deleted:
            raise StoryNotFound
        if stored.story.author_id == viewer_id:
            replies = await self._replies.of_story(story_id, after, limit)
        else:
            await self._queries.visible(viewer_id, story_id)
            replies = await self._replies.of_account(viewer_id, story_id) if after is None else []
        found = await self._accounts.seen(viewer_id, [one.account_id for one in replies]) if replies else {}
        shown = [(found[one.account_id], one) for one in replies if one.account_id in found]
        return shown, replies[-1].position if len(replies) == limit else None
