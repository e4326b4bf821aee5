"""Erasure of accounts: everything in Redis that is about one."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from photomesh_feed.domain.timelines import TIMELINE_POSTS, TimelineHead
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope, Kept
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["AccountEraser", "ErasureStore", "PostStore"]

AFTER_SNAPSHOTS = declare("feed.erasure_after_snapshots", "the snapshots are deleted, the lists are not")
AFTER_OWN = declare("feed.erasure_after_own", "the account's own keys are deleted, it is still in those of others")


ERASED = timedelta(days=90)
"""How long the marker of an erased account stays: as long as requests for erasures may be repeated."""


class PostStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def timeline(self, author_id: int, limit: int) -> TimelineHead: ...
    async def delete_post(self, post_id: int, author_id: int) -> None: ...


class ErasureStore(Protocol):
    """See `store.eraser.FeedEraser`."""

    async def mark_erased(self, account_id: int, version: int) -> None: ...
    async def is_erased(self, account_id: int) -> bool: ...
    async def delete_own(self, account_id: int) -> int: ...
    async def delete_from_others(self, account_id: int) -> int: ...


class AccountEraser:
    def __init__(self, posts: PostStore, store: ErasureStore, clock: Clock) -> None:
        self._posts = posts
        self._store = store
        self._clock = clock

    async def is_erased(self, account_id: int) -> bool:
        return await self._store.is_erased(account_id)

    async def erase(self, request: Envelope[AccountErasureRequested]) -> Erased:
        """Idempotent. The marker comes first, so that nothing that arrives late is stored. Older posts than those of
        the timeline go with the events of their deletion."""
        account_id, now = request.data.user_id, self._clock.now()
        await self._store.mark_erased(account_id, request.entityversion)
        _, posts = await self._posts.timeline(account_id, TIMELINE_POSTS)
        for post_id in posts:
            await self._posts.delete_post(post_id, account_id)
        await failpoint(AFTER_SNAPSHOTS)
        own = await self._store.delete_own(account_id)
        await failpoint(AFTER_OWN)
        others = await self._store.delete_from_others(account_id)
        keeps = [
            kept_in_topic("impressions", "posts shown in feeds", now),
            kept_in_topic("served", "posts that the ranked feed showed, and why", now),
            kept_in_topic("feed_tasks", "who followed whom when a post was published", now),
            kept_dead_letters(("accounts", "posts", "follows", "engagement", "saves"), now),
            Kept(
                what="the id of the account, without anything else",
                why="so that nothing that arrives late brings the account back",
                until=now + ERASED,
            ),
        ]
        return Erased({"snapshots": len(posts), "keys": own, "keys_of_others": others}, keeps)
