"""Use cases of the API: like and unlike posts and comments."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from photomesh_post.counts.domain import Counts, Reactions
from photomesh_post.errors import CommentNotFound, PostNotFound
from photomesh_post.likes.domain import NEVER, Bucket, CommentTarget, Like, LikeEvent, reactions
from photomesh_post.likes.event_log import LikeEventLog
from photomesh_shared.clock import Clock
from photomesh_shared.events import CommentLiked, CommentUnliked, Envelope, PostLiked, PostUnliked
from photomesh_shared.events.versions import version_at

__all__ = ["Comments", "CountStore", "LikeService", "Posts", "Store"]


class Store(Protocol):
    """See `likes.store.CassandraLikes`."""

    async def own_likes(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Like]:
        """What the account's own rows say, of those subjects that have one."""
        ...

    async def own_buckets(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Bucket]:
        """The account's bucket with its row, of those subjects where the account is counted."""
        ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...


class Posts(Protocol):
    """See `posts.visibility.PostVisibility`."""

    async def author_of(self, viewer_id: int | None, post_id: int) -> int: ...
    async def author_in_any_state(self, viewer_id: int | None, post_id: int) -> tuple[int | None, bool]: ...


class Comments(Protocol):
    """See `comments.queries.CommentQueries`."""

    async def target(self, viewer_id: int | None, comment_id: int) -> CommentTarget: ...
    async def target_in_any_state(self, viewer_id: int | None, comment_id: int) -> tuple[CommentTarget, bool]: ...


class _State(NamedTuple):
    """What is known of an account and a subject: the subject's counts, the account's own row, and what of it is
    counted."""

    account_id: int
    counts: Counts
    own: Like
    bucket: Bucket | None

    @property
    def last(self) -> Like:
        """The account's latest like; NEVER if it never liked the subject."""
        return max(self.own, self.bucket.likes.get(self.account_id, NEVER)) if self.bucket else self.own


class LikeService:
    """Every method returns the subject's reactions after the write, and raises EventLogUnavailable and
    DatabaseUnavailable. All are idempotent: an account that likes already, or not, writes no event.

    An account can undo its like whether or not it still sees the subject; then the reactions have no counts. Without
    ever having liked it, it gets the answer for what does not exist."""

    def __init__(
        self, store: Store, counts: CountStore, posts: Posts, comments: Comments, log: LikeEventLog, clock: Clock
    ) -> None:
        self._store = store
        self._counts = counts
        self._posts = posts
        self._comments = comments
        self._log = log
        self._clock = clock

    async def like_post(self, account_id: int, post_id: int) -> Reactions:
        """Raises PostNotFound."""
        author_id, state = await asyncio.gather(
            self._posts.author_of(account_id, post_id), self._state(account_id, post_id, liked=True)
        )
        now = self._clock.now()
        event = PostLiked(post_id=post_id, post_author_id=author_id, account_id=account_id, liked_at=now)
        return await self._write(state, event, post_id, now, liked=True)

    async def unlike_post(self, account_id: int, post_id: int) -> Reactions:
        """Raises PostNotFound."""
        (author_id, visible), state = await asyncio.gather(
            self._posts.author_in_any_state(account_id, post_id), self._state(account_id, post_id, liked=False)
        )
        if author_id is None or not (visible or state.last.version):
            raise PostNotFound
        now = self._clock.now()
        event = PostUnliked(post_id=post_id, post_author_id=author_id, account_id=account_id, unliked_at=now)
        return _shown(await self._write(state, event, post_id, now, liked=False), visible=visible)

    async def like_comment(self, account_id: int, comment_id: int) -> Reactions:
        """Raises CommentNotFound."""
        target = await self._comments.target(account_id, comment_id)
        state = await self._state(account_id, comment_id, liked=True)
        now = self._clock.now()
        event = CommentLiked(**target._asdict(), account_id=account_id, liked_at=now)
        return await self._write(state, event, comment_id, now, liked=True)

    async def unlike_comment(self, account_id: int, comment_id: int) -> Reactions:
        """Raises CommentNotFound."""
        target, visible = await self._comments.target_in_any_state(account_id, comment_id)
        state = await self._state(account_id, comment_id, liked=False)
        if not (visible or state.last.version):
            raise CommentNotFound
        now = self._clock.now()
        event = CommentUnliked(**target._asdict(), account_id=account_id, unliked_at=now)
        return _shown(await self._write(state, event, comment_id, now, liked=False), visible=visible)

    async def _state(self, account_id: int, subject_id: int, *, liked: bool) -> _State:
        """Does not look up the bucket for a like of an account without an own row. Should a crash have left its like
        counted without an own row, another event of it does no harm."""
        own = await self._store.own_likes(account_id, [subject_id])
        counts = await self._counts.counts([subject_id])
        bucket = None
        if own or not liked:
            bucket = (await self._store.own_buckets(account_id, [subject_id])).get(subject_id)
        return _State(account_id, counts.get(subject_id, Counts()), own.get(subject_id, NEVER), bucket)

    async def _write(
        self, state: _State, event: LikeEvent, subject_id: int, now: datetime, *, liked: bool
    ) -> Reactions:
        last = state.last
        if last.liked is not liked:
            last = Like(max(version_at(now), last.version + 1), liked)
            await self._log.commit(Envelope.of(event, entityversion=last.version, time=now), subject_id, last)
        return reactions(state.counts, state.account_id, last, state.bucket)


def _shown(own: Reactions, *, visible: bool) -> Reactions:
    """The reactions to a subject that the account may not see: its own alone."""
    return own if visible else Reactions(liked=own.liked)
