"""Use cases of the API: write and delete replies."""

from __future__ import annotations

from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, StoryReplyCreated, StoryReplyDeleted
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import encode
from photomesh_story.errors import AlreadyReplied, OwnStory, StoryNotFound
from photomesh_story.replies.domain import Reply
from photomesh_story.replies.protocols import Replies
from photomesh_story.stories.domain import moment_of
from photomesh_story.stories.event_log import StoryEventLog
from photomesh_story.stories.protocols import Tables
from photomesh_story.stories.queries import StoryQueries

__all__ = ["ReplyEnder", "ReplyService"]


class ReplyEnder:
    """Deletes replies: for their writers, for authors of stories, for erasures, and of several by one account all but
    the latest."""

    def __init__(self, replies: Replies, log: StoryEventLog, clock: Clock) -> None:
        self._replies = replies
        self._log = log
        self._clock = clock

    async def end(self, reply: Reply) -> None:
        """Raises Unavailable."""
        now = self._clock.now()
        event = StoryReplyDeleted(
            story_id=reply.story_id,
            author_id=reply.author_id,
            account_id=reply.account_id,
            replied_at=reply.replied_at,
            deleted_at=now,
        )
        # Above the first event's, whatever the clocks say.
        version = version_at(reply.replied_at) + 1
        await self._log.commit(Envelope.of(event, entityversion=version, id=f"{_name(reply)}.deleted", time=now))

    async def keep_latest(self, account_id: int, story_id: int) -> Reply | None:
        """Deletes all replies of the account to the story but the latest, which is returned.

        Two requests at the same moment may both have written one. Each looks again after it has, and so does the
        consumer, so at least one of them sees both. The latest stays: consumers that compare versions of events, as
        notification does, then end with a reply that exists. Idempotent. Raises Unavailable.
        """
        replies = sorted(await self._replies.of_account(account_id, story_id), key=lambda reply: reply.replied_at)
        for reply in replies[:-1]:
            await self.end(reply)
        return replies[-1] if replies else None


class ReplyService:
    """Every method raises Unavailable."""

    def __init__(
        self, tables: Tables, replies: Replies, *, log: StoryEventLog, ender: ReplyEnder, queries: StoryQueries
    ) -> None:
        self._tables = tables
        self._replies = replies
        self._log = log
        self._ender = ender
        self._queries = queries

    async def reply(self, viewer_id: int, story_id: int, text: str) -> Reply:
        """Replies to a story that the viewer may see now.

        Idempotent: the same text again is the reply that exists. Raises StoryNotFound, OwnStory, AlreadyReplied.
        """
        story, standing = await self._queries.visible(viewer_id, story_id)
        if story.author_id == viewer_id:
            raise OwnStory
        if written := await self._ender.keep_latest(viewer_id, story_id):
            return _same(written, text)
        at = moment_of(standing.now_ms)
        reply = Reply(story_id, story.author_id, viewer_id, at, text)
        event = StoryReplyCreated(
            story_id=story_id, author_id=story.author_id, account_id=viewer_id, replied_at=at, text=text
        )
        name = f"{_name(reply)}.created"
        await self._log.commit(Envelope.of(event, entityversion=version_at(at), id=name, time=at))
        # A deletion of the story may have been faster.
        if (stored := await self._tables.story(story_id)) is None or stored.deleted:
            raise StoryNotFound
        return _same(await self._ender.keep_latest(viewer_id, story_id) or reply, text)

    async def withdraw(self, viewer_id: int, story_id: int) -> None:
        """Deletes the viewer's reply, whether or not it sees the story. Idempotent."""
        await self._end_all(viewer_id, story_id)

    async def remove(self, viewer_id: int, story_id: int, account_id: int) -> None:
        """Deletes somebody's reply to a story of the viewer's. Idempotent. Raises StoryNotFound."""
        stored = await self._tables.story(story_id)
        if stored is None or stored.story.author_id != viewer_id:
            raise StoryNotFound
        await self._end_all(account_id, story_id)

    async def _end_all(self, account_id: int, story_id: int) -> None:
        """There may be several for a moment: see `ReplyEnder.keep_latest`."""
        for reply in await self._replies.of_account(account_id, story_id):
            await self._ender.end(reply)


def _same(written: Reply, text: str) -> Reply:
    if written.text != text:
        raise AlreadyReplied
    return written


def _name(reply: Reply) -> str:
    return f"{encode('st', reply.story_id)}.{encode('u', reply.account_id)}.{version_at(reply.replied_at)}"
