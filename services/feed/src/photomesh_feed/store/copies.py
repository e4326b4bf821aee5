"""Copies of accounts and relations, for their comparison with the owners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from photomesh_feed.domain.accounts import KnownRelation
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors
from photomesh_feed.store.scripts import load_script
from photomesh_shared.events import ACTIVE
from photomesh_shared.internal_api.states import OwnedAccount

__all__ = ["FeedCopies", "RedisCopyProgress"]

_SWAP = """
if redis.call('GET', KEYS[1]) ~= (ARGV[1] ~= '' and ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class FeedCopies:
    """Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._compare_user = load_script(redis, "write/compare_user")
        self._relations = load_script(redis, "read/relations")

    async def compare_accounts(self, accounts: Sequence[OwnedAccount]) -> int:
        """Sets what is known of these accounts, and is older. Returns in how many it was wrong who is hidden."""
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for account in accounts:
                    names = ["username", account.username, "display_name", account.display_name]
                    names += ["avatar_url", account.avatar_url or ""]
                    flags = [int(account.status != ACTIVE), int(account.private)]
                    await self._compare_user(
                        keys=[keys.user(account.account_id)], args=[account.version, *flags, *names], client=pipe
                    )
                return sum(map(int, await pipe.execute()))

    async def known_relations(self, account_id: int, other_ids: Sequence[int]) -> list[KnownRelation]:
        """What is known of an account's relations to these others; empty if its follows are not kept."""
        with redis_errors():
            flat: list[Any] = await self._relations(args=[account_id, *other_ids])
        return [
            KnownRelation(int(follow_version or -1), int(mute_version or -1), bool(follows), bool(mutes))
            for follow_version, mute_version, follows, mutes in zip(*[iter(flat)] * 4, strict=True)
        ]


class RedisCopyProgress:
    """Implements `photomesh_shared.consumer.copies.Progress`. Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._swap = redis.register_script(_SWAP)

    async def load(self, copy: str) -> str | None:
        with redis_errors():
            state: Any = await self._redis.get(keys.copy_pass(copy))
        return state.decode() if state else None

    async def swap(self, copy: str, before: str | None, after: str) -> bool:
        with redis_errors():
            return bool(await self._swap(keys=[keys.copy_pass(copy)], args=[before or "", after]))
