"""Use cases of those who like: to like posts and comments, to see how many do, and who."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Protocol

from photomesh_post.comments.domain import Comment
from photomesh_post.likes.domain import NEVER, Bucket, Counts, Like, LikeEvent, reactions
from photomesh_post.metrics import LIKES
from photomesh_post.posts.domain import Author, Reactions
from photomesh_post.posts.event_log import microseconds
from photomesh_post.posts.visibility import Visibility
from photomesh_shared.clock import Clock
from photomesh_shared.events import CommentLiked, CommentUnliked, Envelope, PostLiked, PostUnliked
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Liking", "LikingStore"]

AFTER_PRODUCE = declare("like.after_produce", "the like is in the log, its account's own row does not have it")
AFTER_OWN = declare("like.after_own", "the like is in the log and in its account's own row, nobody was told")

Place = tuple[int, int]
_START: Place = (-1, 0)


class LikingStore(Protocol):
    """What is asked of the store; see `likes_store.CassandraLikes`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...

    async def said(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Like]:
        """What an account said of these, as far as it did."""
        ...

    async def counted(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Bucket]:
        """The account's bucket with its row, of those subjects where there is a row."""
        ...

    async def say(self, account_id: int, subject_id: int, like: Like) -> None: ...

    def likers(self, subject_id: int, *, after: Place) -> AsyncGenerator[Place, None]:
        """The buckets and ids of the accounts that like a subject, in this order, as long as the caller takes them."""
        ...

    async def authors(self, account_ids: Collection[int]) -> Mapping[int, Author]: ...


class Liking:
    """A like is written to the log, then to its account's own row. The consumer counts it: `counting.Counting`."""

    def __init__(self, store: LikingStore, visibility: Visibility, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._visibility = visibility
        self._publisher = publisher
        self._clock = clock

    async def post(self, viewer_id: int, post_id: int, liked: bool) -> Reactions:
        """Likes a post, or no longer; what the post then has. Raises PostNotFound, EventLogUnavailable."""
        (post, _), now = await asyncio.gather(
            self._visibility.post(viewer_id, post_id), self._stands(viewer_id, post_id, liked)
        )

        def event(at: datetime) -> LikeEvent:
            who = {"post_id": post_id, "post_author_id": post.author_id, "account_id": viewer_id}
            return PostLiked(**who, liked_at=at) if liked else PostUnliked(**who, unliked_at=at)

        return await self._say(viewer_id, post_id, liked, now, event)

    async def comment(self, viewer_id: int, comment: Comment, post_author_id: int, liked: bool) -> Reactions:
        """Likes a comment that the viewer sees, or no longer; what it then has. Raises EventLogUnavailable."""

        def event(at: datetime) -> LikeEvent:
            who = {
                "post_id": comment.post_id,
                "post_author_id": post_author_id,
                "account_id": viewer_id,
                "comment_id": comment.id,
                "comment_author_id": comment.author_id,
            }
            return CommentLiked(**who, liked_at=at) if liked else CommentUnliked(**who, unliked_at=at)

        return await self._say(viewer_id, comment.id, liked, await self._stands(viewer_id, comment.id, liked), event)

    async def _stands(self, viewer_id: int, subject_id: int, liked: bool) -> tuple[Counts, Like, Bucket | None]:
        """What is counted, what the viewer said, and what of that is counted.

        The last is not looked up for somebody who likes what they never said anything of. Should a crash have left
        their like counted and unsaid, saying it once more does no harm.
        """
        said = await self._store.said(viewer_id, [subject_id])
        counts = await self._store.counts([subject_id])
        bucket = None
        if said or not liked:
            bucket = (await self._store.counted(viewer_id, [subject_id])).get(subject_id)
        return counts.get(subject_id, Counts()), said.get(subject_id, NEVER), bucket

    async def _say(
        self,
        viewer_id: int,
        subject_id: int,
        liked: bool,
        stands: tuple[Counts, Like, Bucket | None],
        event: Callable[[datetime], LikeEvent],
    ) -> Reactions:
        counts, said, bucket = stands
        last = max(said, bucket.likes.get(viewer_id, NEVER)) if bucket else said
        if last.liked is not liked:
            now = self._clock.now()
            last = Like(max(microseconds(now), last.version + 1), liked)
            envelope = Envelope.of(event(now), entityversion=last.version, time=now)
            await self._publisher.publish(envelope)
            LIKES.labels(envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1")).inc()
            await failpoint(AFTER_PRODUCE)
            await self._store.say(viewer_id, subject_id, last)
            await failpoint(AFTER_OWN)
        return reactions(counts, viewer_id, last, bucket)

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]:
        """What the viewer is shown of posts or comments that they see, by id; a few reads, however many they are."""
        if not subject_ids:
            return {}
        counts = await self._store.counts(subject_ids)
        if viewer_id is None:
            found = ((subject_id, counts.get(subject_id, Counts())) for subject_id in subject_ids)
            return {subject_id: Reactions(c.likes, c.comments) for subject_id, c in found}
        said, counted = await asyncio.gather(
            self._store.said(viewer_id, subject_ids), self._store.counted(viewer_id, subject_ids)
        )
        return {
            subject_id: reactions(
                counts.get(subject_id, Counts()), viewer_id, said.get(subject_id, NEVER), counted.get(subject_id)
            )
            for subject_id in subject_ids
        }

    async def of_post(
        self, viewer_id: int | None, post_id: int, *, after: Place | None, limit: int
    ) -> tuple[list[Author], Place | None]:
        """A page of the accounts that like a post, and the `after` of the next page if there is one.

        The viewer comes first, counted already or not. Accounts that have a block with the viewer are left out.
        Raises PostNotFound.
        """
        await self._visibility.post(viewer_id, post_id)
        found: list[int] = []
        last: Place | None = after or _START
        if viewer_id is not None and after is None and (await self.reactions(viewer_id, [post_id]))[post_id].liked:
            found.append(viewer_id)
        async with aclosing(self._store.likers(post_id, after=after or _START)) as likers:
            async for place in likers:
                if len(found) >= limit:
                    break
                if place[1] != viewer_id:
                    found.append(place[1])
                last = place
            else:
                last = None
        hidden, authors = await asyncio.gather(
            self._visibility.blocked_among(viewer_id, found), self._store.authors(found)
        )
        shown = [authors.get(account_id, Author(account_id)) for account_id in found if account_id not in hidden]
        return shown, last
