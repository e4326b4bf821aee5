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
from photomesh_notification.store.shared_scripts import SharedScripts
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated

__all__ = ["LISTED", "ListIndex"]

LISTED = 500
"""Groups that a list has at most: the newest."""
_SECONDS = 7 * 24 * 3600
_COMPLETE = ""
"""Below it is what was read; its score is above all others, so that trimming keeps it."""

# KEYS: the index. ARGV: the highest score, the lowest. Replies nil if the index is not complete. A script costs
# clients half of what a transaction does.
_NEWEST = f"""
if not redis.call('ZSCORE', KEYS[1], '{_COMPLETE}') then return nil end
redis.call('EXPIRE', KEYS[1], {_SECONDS})
return redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
"""

# KEYS: the index. ARGV: when the group changed, the group.
_PUT = f"""
redis.call('ZADD', KEYS[1], 'GT', ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -{LISTED + 2})
redis.call('EXPIRE', KEYS[1], {_SECONDS})
"""


class ListIndex:
    """Every method raises NotificationsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._newest, self._put = redis.register_script(_NEWEST), redis.register_script(_PUT)
        self._shared = SharedScripts(redis)

    async def changed(self, account_id: int, envelope: Envelope[NotificationUpdated | NotificationRemoved]) -> None:
        """Notes what the writer wrote. Idempotent."""
        match envelope.data:
            case NotificationUpdated() as group:
                await self.put(account_id, group.group_id, group.changed_at)
            case NotificationRemoved() as group:
                await self.remove(account_id, group.group_id)

    async def put(self, account_id: int, group_id: str, changed_at: datetime) -> None:
        """Notes that a group of the account is there, and when it changed. Idempotent."""
        await self._shared.call(self._put, (_key(account_id),), (ms_of(changed_at), group_id))

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
        highest = "(+inf" if until is None else until
        with redis_errors():
            found: list[bytes] | None = await self._newest(keys=[_key(account_id)], args=[highest, f"({since}"])
        if found is None:
            return None
        return [Position(int(score), member.decode()) for member, score in zip(found[::2], found[1::2], strict=True)]

    async def fill(self, account_id: int, groups: Sequence[Position]) -> None:
        """Completes the index with what the account's rows say. What was put meanwhile is newer, and stays."""
        scores: dict[str, float] = {one.group_id: one.changed_ms for one in sorted(groups)[-LISTED:]}
        with redis_errors():
            async with self._redis.pipeline() as pipe:
                pipe.zadd(_key(account_id), {**scores, _COMPLETE: math.inf}, nx=True)
                pipe.zremrangebyrank(_key(account_id), 0, -(LISTED + 2))
                pipe.expire(_key(account_id), _SECONDS)
                await pipe.execute()


def _key(account_id: int) -> str:
    return f"n:l:{account_id}"
