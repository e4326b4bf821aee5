"""Ends what is under a deleted post or comment: likes, comments, saves.

The fact is the end of the post or comment. What is under it gets no events, which all consumers would have to handle,
but tombstones alone, so that topics do not keep it; and its rows go. All of it happens in steps of a hundred or so, in
the background, and may stop and begin again at any of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.comments.domain import Comment, ThreadRow
from photomesh_post.comments.projection import deleted_rows
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.erasures.domain import Pending
from photomesh_post.posts.domain import Post
from photomesh_post.tables.rows import BUCKETS, RowWrite
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CollectionPostRemoved,
    CommentDeleted,
    CommentUnliked,
    Envelope,
    Event,
    PostCounted,
    PostDeleted,
    PostUnliked,
    PostUnsaved,
    Record,
    ended_with,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Comments", "Counts", "EngagementEnder", "Likes", "Lists", "Posts", "Saves"]

AFTER_TOMBSTONES = declare("ending.after_tombstones", "some likes have tombstones, their rows are there")
AFTER_BUCKET = declare("ending.after_bucket", "a bucket of likes is gone, the rest of the post is not")
AFTER_COMMENT = declare("ending.after_comment", "a comment has ended, the rest of the post has not")


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...


class Likes(Protocol):
    """See `likes.store.CassandraLikes`."""

    async def buckets_of(self, subject_id: int) -> Sequence[PartitionRef]: ...
    async def account_ids(self, ref: PartitionRef, *, after: int) -> Sequence[int]: ...
    async def forget_bucket(self, ref: PartitionRef) -> None: ...
    async def forget_own_likes(self, likes: Sequence[tuple[int, int]]) -> None: ...


class Comments(Protocol):
    """See `comments.store.CassandraComments`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def comment(self, comment_id: int) -> Comment | None: ...
    def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[ThreadRow, None]: ...
    async def forget_tallies(self, post_id: int) -> None: ...


class Counts(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def forget(self, subject_id: int) -> None: ...


class Lists(Protocol):
    """See `saves.store.CassandraSaves`."""

    async def lists_with(self, post_id: int, bucket: int, *, after: int) -> Sequence[tuple[int, int]]: ...
    async def forget_lists_with(self, post_id: int, bucket: int) -> None: ...


class Saves(Protocol):
    """See `saves.event_log.SaveEventLog`."""

    async def forget(self, account_id: int, list_id: int, post_id: int) -> None: ...


class EngagementEnder:
    """Every method is idempotent, and raises Unavailable."""

    def __init__(
        self,
        posts: Posts,
        likes: Likes,
        comments: Comments,
        counts: Counts,
        lists: Lists,
        saves: Saves,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self._posts = posts
        self._likes = likes
        self._comments = comments
        self._counts = counts
        self._lists = lists
        self._saves = saves
        self._publisher = publisher
        self._clock = clock

    async def end_post(self, pending: Pending) -> None:
        """Ends what is under a deleted post."""
        post = await self._posts.post(pending.id)
        # Of whom the tombstones' keys say nothing: only the deletion may be known here.
        author_id = post.author_id if post else pending.id
        place = Comment(pending.id, pending.id, author_id)
        await self._end_likes(place, author_id, PostDeleted)
        async with aclosing(self._comments.oldest_of(pending.id, after=0)) as roots:
            async for root in roots:
                await self._end_thread(Comment(root.id, pending.id, _author(root)), author_id, PostDeleted)
                await self._end_comment(root, Comment(root.id, pending.id, _author(root)), author_id, PostDeleted)
                await failpoint(AFTER_COMMENT)
        for bucket in range(BUCKETS):
            await self._end_saves(pending.id, bucket)
        counted = PostCounted(
            post_id=pending.id, post_author_id=author_id, likes=0, comments=0, counted_at=self._clock.now()
        )
        await self._send([self._end(counted, PostDeleted)])
        await self._comments.forget_tallies(pending.id)

    async def end_comment(self, pending: Pending) -> None:
        """Ends what is under a deleted comment."""
        comment = await self._comments.comment(pending.id)
        if comment is None:  # only its deletion is known, so there is nothing under it
            return
        post = await self._posts.post(comment.post_id)
        author_id = post.author_id if post else comment.author_id
        await self._end_thread(comment, author_id, CommentDeleted)
        await self._end_likes(comment, author_id, CommentDeleted)

    async def _end_thread(self, comment: Comment, post_author_id: int, fact: type[Event]) -> None:
        async with aclosing(self._comments.oldest_of(comment.id, after=0)) as replies:
            async for row in replies:
                reply = Comment(row.id, comment.post_id, _author(row), comment.id)
                await self._end_comment(row, reply, post_author_id, fact)

    async def _end_comment(self, row: ThreadRow, comment: Comment, post_author_id: int, fact: type[Event]) -> None:
        """Also a comment that is deleted: of a reply that was deleted with its parent, the topic has not heard."""
        await self._end_likes(comment, post_author_id, fact)
        ended = CommentDeleted(
            post_id=comment.post_id,
            post_author_id=post_author_id,
            account_id=comment.author_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            deleted_by=post_author_id,
            deleted_at=self._clock.now(),
        )
        await self._send([self._end(ended, fact)])
        if row.entry:
            await self._comments.write(deleted_rows(comment))

    async def _end_likes(self, subject: Comment, post_author_id: int, fact: type[Event]) -> None:
        """Of a comment, or of the post whose id the subject has."""
        for ref in await self._likes.buckets_of(subject.id):
            last = -1
            while account_ids := await self._likes.account_ids(ref, after=last):
                await self._send([self._end_like(subject, post_author_id, account, fact) for account in account_ids])
                await failpoint(AFTER_TOMBSTONES)
                await self._likes.forget_own_likes([(account, subject.id) for account in account_ids])
                last = account_ids[-1]
            await self._likes.forget_bucket(ref)
            await failpoint(AFTER_BUCKET)
        await self._counts.forget(subject.id)

    def _end_like(self, subject: Comment, post_author_id: int, account_id: int, fact: type[Event]) -> Record:
        now = self._clock.now()
        if subject.id == subject.post_id:
            return self._end(
                PostUnliked(post_id=subject.id, post_author_id=post_author_id, account_id=account_id, unliked_at=now),
                fact,
            )
        return self._end(
            CommentUnliked(
                post_id=subject.post_id,
                post_author_id=post_author_id,
                account_id=account_id,
                comment_id=subject.id,
                comment_author_id=subject.author_id,
                unliked_at=now,
            ),
            fact,
        )

    async def _end_saves(self, post_id: int, bucket: int) -> None:
        last = -1
        while lists := await self._lists.lists_with(post_id, bucket, after=last):
            await self._send([self._end_save(account, list_id, post_id) for list_id, account in lists])
            for list_id, account_id in lists:
                await self._saves.forget(account_id, list_id, post_id)
            last = lists[-1][0]
        if last >= 0:
            await self._lists.forget_lists_with(post_id, bucket)

    def _end_save(self, account_id: int, list_id: int, post_id: int) -> Record:
        now = self._clock.now()
        if list_id == account_id:
            return self._end(PostUnsaved(account_id=account_id, post_id=post_id, unsaved_at=now), PostDeleted)
        removed = CollectionPostRemoved(account_id=account_id, collection_id=list_id, post_id=post_id, removed_at=now)
        return self._end(removed, PostDeleted)

    def _end(self, event: Event, fact: type[Event]) -> Record:
        now = self._clock.now()
        return ended_with(Envelope.of(event, entityversion=version_at(now), time=now), fact)

    async def _send(self, records: Sequence[Record]) -> None:
        await self._publisher.send(records)


def _author(row: ThreadRow) -> int:
    """The author of a comment; of a deleted one the id is no longer known here, nor needed."""
    return row.entry.author_id if row.entry else row.id
