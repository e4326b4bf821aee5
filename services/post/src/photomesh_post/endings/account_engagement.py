"""What the group `post-engagement` erases of an account: its likes, comments, saves and collections.

Likes and comments are under posts of others, who see them and count them: so each ends with an event, as if the account
had undone it. Saves and collections were seen by nobody else, so they have tombstones alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.comments.domain import Comment, OwnComment
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.erasures.domain import Pending
from photomesh_post.likes.domain import OwnLike
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.paging import chunked
from photomesh_post.posts.domain import Post
from photomesh_post.saves.domain import ListPosition
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    AccountErasureRequested,
    CollectionDeleted,
    CollectionPostRemoved,
    CommentDeleted,
    CommentUnliked,
    Envelope,
    Event,
    PostUnliked,
    PostUnsaved,
    ended_with,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import last_id_at
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["AccountEngagement", "Comments", "Likes", "Posts", "Saves"]

AFTER_LIKES = declare("account.erasure.after_likes", "some likes of the account have ended, others have not")

_CHUNK = 100


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, Post]: ...


class Likes(Protocol):
    """See `likes.store.CassandraLikes`."""

    def likes_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnLike, None]: ...
    async def forget_account(self, account_id: int, until: int) -> None: ...


class Comments(Protocol):
    """See `comments.store.CassandraComments`."""

    async def comments(self, comment_ids: Collection[int]) -> Mapping[int, Comment]: ...
    def comments_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnComment, None]: ...
    async def forget_account(self, account_id: int, until: int) -> None: ...


class Saves(Protocol):
    """See `saves.store.CassandraSaves`."""

    async def all_collection_ids(self, account_id: int) -> Sequence[int]: ...
    def positions(self, list_id: int, *, before: ListPosition | None) -> AsyncGenerator[ListPosition, None]: ...
    async def forget_list(self, list_id: int) -> None: ...
    async def forget_collections(self, account_id: int) -> None: ...


class AccountEngagement:
    """Every method is a `Stage`."""

    def __init__(
        self,
        posts: Posts,
        likes: Likes,
        comments: Comments,
        saves: Saves,
        like_handlers: LikeEventHandlers,
        comment_log: CommentEventLog,
        counts: CountPublisher,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self._posts = posts
        self._likes = likes
        self._comments = comments
        self._saves = saves
        self._like_handlers = like_handlers
        self._comment_log = comment_log
        self._counts = counts
        self._publisher = publisher
        self._clock = clock

    async def end_likes(self, pending: Pending) -> Mapping[str, int]:
        ended, until = 0, last_id_at(self._clock.now())
        likes = self._likes.likes_of_account(pending.id, after=0, until=until)
        async with aclosing(chunked(likes, _CHUNK)) as chunks:
            async for chunk in chunks:
                await self._end_likes(pending.id, chunk)
                await failpoint(AFTER_LIKES)
                ended += len(chunk)
        await self._likes.forget_account(pending.id, until)
        return {"likes": ended}

    async def _end_likes(self, account_id: int, likes: Sequence[OwnLike]) -> None:
        comments = await self._comments.comments([one.subject_id for one in likes])
        posts = await self._posts.posts(
            {one.subject_id for one in likes} | {comment.post_id for comment in comments.values()}
        )
        by_post: defaultdict[int, list[Envelope[PostUnliked | CommentUnliked]]] = defaultdict(list)
        now = self._clock.now()
        for one in likes:
            comment = comments.get(one.subject_id)
            if post := posts.get(comment.post_id if comment else one.subject_id):
                event = _unliked(account_id, post, comment, self._clock)
                version = max(version_at(now), one.like.version + 1)
                by_post[post.id].append(Envelope.of(event, entityversion=version, time=now))
        for envelopes in by_post.values():
            await self._publisher.publish_many(envelopes)
            # Their consumer does the same; but then it is not known when.
            await self._like_handlers.likes_changed(envelopes)
        await self._like_handlers.forget([(account_id, one.subject_id) for one in likes])

    async def delete_comments(self, pending: Pending) -> Mapping[str, int]:
        deleted, until = 0, last_id_at(self._clock.now())
        comments = self._comments.comments_of_account(pending.id, after=0, until=until)
        async with aclosing(chunked(comments, _CHUNK)) as chunks:
            async for chunk in chunks:
                posts = await self._posts.posts({comment.post_id for comment in chunk})
                for comment in chunk:
                    post = posts.get(comment.post_id)
                    await self._delete_comment(pending.id, comment, post.author_id if post else pending.id)
                deleted += len(chunk)
        await self._comments.forget_account(pending.id, until)
        return {"comments": deleted}

    async def _delete_comment(self, account_id: int, comment: OwnComment, post_author_id: int) -> None:
        now = self._clock.now()
        event = CommentDeleted(
            post_id=comment.post_id,
            post_author_id=post_author_id,
            account_id=account_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            deleted_by=account_id,
            deleted_at=now,
        )
        version = max(version_at(now), version_at(ids.timestamp_of(comment.id)) + 1)
        name = f"{ids.encode('c', comment.id)}.deleted"
        envelope = Envelope.of(event, entityversion=version, id=name, time=now)
        await self._publisher.publish(envelope)
        await self._comment_log.apply([envelope])
        self._counts.mark_changed(comment.post_id, post_author_id)

    async def end_saves(self, pending: Pending) -> Mapping[str, int]:
        account_id = pending.id
        collection_ids = await self._saves.all_collection_ids(account_id)
        saves = 0
        for list_id in (account_id, *collection_ids):
            async with aclosing(chunked(self._saves.positions(list_id, before=None), _CHUNK)) as chunks:
                async for chunk in chunks:
                    await self._send([self._unsaved(account_id, list_id, position.post_id) for position in chunk])
                    saves += len(chunk) if list_id == account_id else 0
            await self._saves.forget_list(list_id)
        await self._send([self._collection_deleted(account_id, collection_id) for collection_id in collection_ids])
        await self._saves.forget_collections(account_id)
        return {"saves": saves, "collections": len(collection_ids)}

    def _unsaved(self, account_id: int, list_id: int, post_id: int) -> Event:
        now = self._clock.now()
        if list_id == account_id:
            return PostUnsaved(account_id=account_id, post_id=post_id, unsaved_at=now)
        return CollectionPostRemoved(account_id=account_id, collection_id=list_id, post_id=post_id, removed_at=now)

    def _collection_deleted(self, account_id: int, collection_id: int) -> Event:
        return CollectionDeleted(account_id=account_id, collection_id=collection_id, deleted_at=self._clock.now())

    async def _send(self, events: Sequence[Event]) -> None:
        """Publishes the tombstones that these events would have, without them."""
        now = self._clock.now()
        await self._publisher.send(
            [
                ended_with(Envelope.of(event, entityversion=version_at(now), time=now), AccountErasureRequested)
                for event in events
            ]
        )


def _unliked(account_id: int, post: Post, comment: Comment | None, clock: Clock) -> PostUnliked | CommentUnliked:
    now = clock.now()
    if comment is None:
        return PostUnliked(post_id=post.id, post_author_id=post.author_id, account_id=account_id, unliked_at=now)
    return CommentUnliked(
        post_id=post.id,
        post_author_id=post.author_id,
        account_id=account_id,
        comment_id=comment.id,
        comment_author_id=comment.author_id,
        unliked_at=now,
    )
