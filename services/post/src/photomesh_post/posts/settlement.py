"""Decides posts: published once all photos are ready, failed once one cannot be."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from photomesh_post.metrics import PUBLISHED_AFTER
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.claims import PhotoClaims
from photomesh_post.posts.domain import Claim, Failure, Post, PostStatus, next_version, outcome
from photomesh_post.posts.event_log import PostEventLog, Turn
from photomesh_post.posts.projection import PostEvent
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, PostFailed, PostPhoto, PostPublished
from photomesh_shared.events.versions import version_at

__all__ = ["Photos", "PostSettlement", "Store"]


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...
    async def claim_of(self, photo_id: int) -> Claim | None: ...
    def lock(self, post_id: int) -> AbstractAsyncContextManager[Turn]: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def photo(self, photo_id: int) -> Photo | None: ...


class PostSettlement:
    def __init__(self, store: Store, photos: Photos, claims: PhotoClaims, log: PostEventLog, clock: Clock) -> None:
        self._store = store
        self._photos = photos
        self._claims = claims
        self._log = log
        self._clock = clock

    async def settle_post_of(self, photo_id: int) -> None:
        """Settles the post that a photo belongs to, if any. Raises Unavailable."""
        if claim := await self._store.claim_of(photo_id):
            await self.settle(claim.post_id)

    async def settle(self, post_id: int) -> None:
        """Publishes a post whose photos are all ready, fails one with a photo that never will be, and leaves every
        other as it is. Raises Unavailable.

        To be called after each change that may decide a post: its creation, and the end of each photo. The last of
        these sees all the others, since all are written and read by quorum. Concurrent calls take turns.
        """
        if await self._outcome(await self._store.post(post_id)) is None:
            return
        async with self._store.lock(post_id) as turn:
            post = await self._store.post(post_id)
            decided = await self._outcome(post)
            if post is None or decided is None:
                return
            event = self._event(post, decided)
            await self._log.commit(event, turn)
            if isinstance(event.data, PostPublished):
                PUBLISHED_AFTER.observe((event.time - post.created_at).total_seconds())

    async def _outcome(self, post: Post | None) -> tuple[PostPhoto, ...] | Failure | None:
        if post is None or post.deleted or post.status is not PostStatus.PROCESSING:
            return None
        photos, claims = await asyncio.gather(
            asyncio.gather(*(self._photos.photo(photo_id) for photo_id in post.photo_ids)),
            asyncio.gather(*(self._claims.claim_for(post, photo_id) for photo_id in post.photo_ids)),
        )
        return outcome(post, photos, claims)

    def _event(self, post: Post, decided: tuple[PostPhoto, ...] | Failure) -> Envelope[PostEvent]:
        now = self._clock.now()
        event: PostFailed | PostPublished
        if isinstance(decided, Failure):
            event = PostFailed(
                post_id=post.id,
                author_id=post.author_id,
                photo_id=decided.photo_id,
                reason=decided.reason,
                failed_at=now,
                caption=post.caption,
                hashtags=post.hashtags,
                mentions=post.mentions,
                place=post.place,
                entities=post.entities,
                photo_ids=post.photo_ids,
                alt_texts=tuple(post.alt_texts.get(photo_id) for photo_id in post.photo_ids),
                created_at=post.created_at,
                edited_at=post.edited_at,
            )
        else:
            event = PostPublished(
                post_id=post.id,
                author_id=post.author_id,
                photos=decided,
                caption=post.caption,
                hashtags=post.hashtags,
                mentions=post.mentions,
                place=post.place,
                entities=post.entities,
                created_at=post.created_at,
                published_at=now,
                edited_at=post.edited_at,
            )
        # After a crash between log and tables the post is decided once more: the same id lets subscribers deduplicate.
        name = f"{ids.encode('o', post.id)}.{'failed' if isinstance(decided, Failure) else 'published'}"
        return Envelope.of(event, entityversion=next_version(post, version_at(now)), id=name, time=now)
