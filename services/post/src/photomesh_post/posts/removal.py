"""Deletes a post: the last event of its life, and its rows. What follows from that is done by the consumers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from photomesh_post.posts.domain import Claim, Post, next_version
from photomesh_post.posts.event_log import PostEventLog, Turn
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, PostDeleted
from photomesh_shared.events.versions import version_at

__all__ = ["PostRemoval", "Store"]


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...
    async def claim_of(self, photo_id: int) -> Claim | None: ...
    def lock(self, post_id: int) -> AbstractAsyncContextManager[Turn]: ...


class PostRemoval:
    def __init__(self, store: Store, log: PostEventLog, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._clock = clock

    async def delete(self, post_id: int, check: Callable[[Post], Awaitable[None]] | None = None) -> None:
        """Deletes a post that exists, with the photos that it has. Idempotent. `check` may raise to leave it as it is.
        Raises Unavailable."""
        async with self._store.lock(post_id) as turn:
            post = await self._store.post(post_id)
            if post is None or post.deleted:
                return
            if check is not None:
                await check(post)
            claims = await asyncio.gather(*(self._store.claim_of(photo_id) for photo_id in post.photo_ids))
            held = (
                key for key, claim in zip(post.photo_ids, claims, strict=True) if claim and claim.post_id == post_id
            )
            now = self._clock.now()
            event = PostDeleted(post_id=post_id, author_id=post.author_id, photo_ids=tuple(held), deleted_at=now)
            name = f"{ids.encode('o', post_id)}.deleted"
            version = next_version(post, version_at(now))
            await self._log.commit(Envelope.of(event, entityversion=version, id=name, time=now), turn)
