"""Scripts of Redis that are called at the same time share a round trip, which costs more than they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from photomesh_notification.store.connection import redis_errors
from photomesh_shared.concurrency.batch_loader import BatchLoader

__all__ = ["SharedScripts"]

_AT_ONCE = 100

Words = tuple[str | int, ...]
Call = tuple[AsyncScript, Words, Words]


class SharedScripts:
    """For scripts that are idempotent and reply nothing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._calls = BatchLoader(self._run, max_batch=_AT_ONCE)

    async def call(self, script: AsyncScript, keys: Words, args: Words) -> None:
        """Raises NotificationsUnavailable, also if another script of the round trip failed."""
        await self._calls.load((script, keys, args))

    async def _run(self, calls: Sequence[Call]) -> Mapping[Call, None]:
        with redis_errors():
            try:
                await self._execute(calls)
            except NoScriptError:  # Redis has restarted
                for script in {script for script, _, _ in calls}:
                    await self._redis.script_load(script.script)
                await self._execute(calls)
        return {}

    async def _execute(self, calls: Sequence[Call]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for script, keys, args in calls:
                pipe.evalsha(script.sha, len(keys), *keys, *args)
            await pipe.execute()
