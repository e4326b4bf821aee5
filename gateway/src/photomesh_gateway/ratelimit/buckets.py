"""Where the buckets of rate limits are kept: in Redis, so that all gateways count together, or in this process.

While Redis is unreachable each gateway counts alone: the limits then hold per gateway, which is looser, but
neither open to floods nor closed to everybody (docs/decisions/0011).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from photomesh_gateway.metrics import LIMITING_ALONE
from photomesh_gateway.ratelimit.redis_pipe import RedisPipe, RedisUnreachable, ReplyError
from photomesh_shared.concurrency.gcra import SCRIPT, Policy, Reading, take

__all__ = ["Buckets", "LocalBuckets", "RedisBuckets", "ResilientBuckets"]

log = logging.getLogger(__name__)


class Buckets(Protocol):
    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        """Counts one request against all the buckets, or against none if one refuses."""
        ...


class RedisBuckets:
    """Buckets in Redis, shared by all gateways; one call per request."""

    def __init__(self, redis: RedisPipe) -> None:
        self._redis = redis
        self._sha = hashlib.sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 — Redis names scripts by it

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        arguments: list[str | int] = [len(keys), *keys]
        for policy in policies:
            arguments += policy.arguments
        try:
            reply = await self._redis.call("EVALSHA", self._sha, *arguments)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = await self._redis.call("EVAL", SCRIPT, *arguments)  # which also loads it
        return [Reading(*reply[i : i + 3]) for i in range(0, len(reply), 3)]


class LocalBuckets:
    """Buckets in this process; the least recently used are evicted."""

    def __init__(self, *, size: int = 50_000, now: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self._tats: OrderedDict[str, int] = OrderedDict()
        self._size, self._now = size, now

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        tats, readings = take([self._tats.pop(key, 0) for key in keys], list(policies), self._now())
        self._tats.update(zip(keys, tats, strict=True))
        while len(self._tats) > self._size:
            self._tats.popitem(last=False)
        return readings


class ResilientBuckets:
    """The shared buckets, or this process's own for `pause` seconds after those failed."""

    def __init__(self, shared: Buckets, local: Buckets, *, pause: float) -> None:
        self._shared, self._local, self._pause = shared, local, pause
        self._retry_at = 0.0
        self._alone = False

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        if self._alone and time.monotonic() < self._retry_at:
            return await self._local.take(policies, keys)
        try:
            readings = await self._shared.take(policies, keys)
        except (RedisUnreachable, ReplyError) as error:
            self._retry_at = time.monotonic() + self._pause
            self._set_alone(True, error)
            return await self._local.take(policies, keys)
        if self._alone:
            self._set_alone(False)
        return readings

    def _set_alone(self, alone: bool, error: Exception | None = None) -> None:
        if alone != self._alone:
            self._alone = alone
            LIMITING_ALONE.set(alone)
            if alone:
                log.warning("Redis is unreachable, rate limits are per process", extra={"error": repr(error)})
            else:
                log.info("Redis is reachable again, rate limits are shared")
