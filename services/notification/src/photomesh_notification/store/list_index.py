"""The order of each account's notifications, in a sorted set per account: group ids by when they changed.

An index may be incomplete: the writer puts what changes into it whether or not it is there, and only the member
`_COMPLETE` says that everything else is in it as well. So a change that arrives while a reader fills the index from
Cassandra is not lost, whichever of the two is first: filling never overwrites.

Within an index, a group only moves up. So a page after a cursor has nothing that an earlier one had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from redis.asyncio import Redis

from photomesh_notification.positions import Position, ms_of
from photomesh_notification.store.connection import redis_errors
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated

__all__ = ["LISTED", "ListIndex"]

LISTED = 500
"""Groups that a list has at most: the newest."""
_SECONDS = 7 * 24 * 3600
_COMPLETE = ""
"""Below it is what was read; its score is above all others, so that trimming keeps it."""


class ListIndex:
    """Every method raises NotificationsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def changed(self, account_id: int, envelope: Envelope[NotificationUpdated | NotificationRemoved]) -> None:
        """Notes what the writer wrote. Idempotent."""
        match envelope.data:
            case NotificationUpdated() as group:
                await self.put(account_id, group.group_id, group.changed_at)
            case NotificationRemoved() as group:
                await self.remove(account_id, group.group_id)

    async def put(self, account_id: int, group_id: str, changed_at: datetime) -> None:
        """Notes that a group of the account is there, and when it changed. Idempotent."""
        with redis_errors():
            async with self._redis.pipeline() as pipe:
                pipe.zadd(_key(account_id), {group_id: ms_of(changed_at)}, gt=True)
                _trim(pipe, account_id)
                await pipe.execute()

    async def remove(self, account_id: int, group_id: str) -> None:
        """Notes that nothing is left of a group. Idempotent. A reader that fills the index at the same time may put it
        back: it takes a place, and is not shown, as its row has nothing to show."""
        with redis_errors():
            await self._redis.zrem(_key(account_id), group_id)

    async def forget(self, account_id: int) -> None:
        """Removes the index of an account."""
        with redis_errors():
            await self._redis.delete(_key(account_id))

    async def newest(self, account_id: int, *, until: int | None = None, since: int = 0) -> list[Position] | None:
        """The groups that changed later than `since` and not after `until` (in milliseconds), newest first; None if the
        index is not complete."""
        key = _key(account_id)
        with redis_errors():
            async with self._redis.pipeline() as pipe:
                pipe.zscore(key, _COMPLETE)
                pipe.zrevrangebyscore(key, "(+inf" if until is None else until, f"({since}", withscores=True)
                pipe.expire(key, _SECONDS)
                complete, found, _ = await pipe.execute()
        if complete is None:
            return None
        return [Position(int(score), member.decode()) for member, score in found]

    async def fill(self, account_id: int, groups: Sequence[Position]) -> None:
        """Completes the index with what the account's rows say. What was put meanwhile is newer, and stays."""
        scores: dict[str, float] = {one.group_id: one.changed_ms for one in sorted(groups)[-LISTED:]}
        with redis_errors():
            async with self._redis.pipeline() as pipe:
                pipe.zadd(_key(account_id), {**scores, _COMPLETE: math.inf}, nx=True)
                _trim(pipe, account_id)
                await pipe.execute()


def _key(account_id: int) -> str:
    return f"n:l:{account_id}"


def _trim(pipe: Redis, account_id: int) -> None:
    pipe.zremrangebyrank(_key(account_id), 0, -(LISTED + 2))
    pipe.expire(_key(account_id), _SECONDS)
