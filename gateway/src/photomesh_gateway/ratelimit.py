"""Rate limits by account, by address, and by class of route.

One request is counted against all of its limits in one call to Redis, so that every gateway counts together. While
Redis is away each gateway counts by itself: the limits then hold per gateway, which is looser but neither open to
floods nor closed to everybody (docs/decisions/0011).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Protocol

from photomesh_gateway.addresses import rate_key
from photomesh_gateway.gcra import SCRIPT, Policy, Rate, Reading, take
from photomesh_gateway.observe import LIMITED, LIMITING_ALONE
from photomesh_gateway.redispipe import RedisAway, RedisPipe, ReplyError
from photomesh_gateway.routes import RateClass
from photomesh_shared.errors import TooManyRequests

__all__ = ["LocalBuckets", "RateLimiter", "RedisBuckets", "ResilientBuckets"]

log = logging.getLogger(__name__)

_SECOND = 1_000_000


class Buckets(Protocol):
    """Where the buckets are kept."""

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        """Counts one request against all the buckets, or against none when one refuses."""
        ...


class RedisBuckets:
    """Buckets in Redis, for all gateways together; one call for each request."""

    def __init__(self, redis: RedisPipe) -> None:
        self._redis = redis
        self._sha = hashlib.sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 — the name that Redis gives to a script

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        arguments: list[str | int] = [len(keys), *keys]
        for policy in policies:
            arguments += policy.arguments
        try:
            reply = await self._redis.call("EVALSHA", self._sha, *arguments)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = await self._redis.call("EVAL", SCRIPT, *arguments)  # which also makes it known
        return [Reading(*reply[i : i + 3]) for i in range(0, len(reply), 3)]


class LocalBuckets:
    """Buckets in this process, the most recently used ones."""

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
    """The shared buckets, and this process's own while those do not answer."""

    def __init__(self, shared: Buckets, own: Buckets, *, pause: float) -> None:
        self._shared, self._own, self._pause = shared, own, pause
        self._ask_again_at = 0.0
        self._alone = False

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        if self._alone and time.monotonic() < self._ask_again_at:
            return await self._own.take(policies, keys)
        try:
            readings = await self._shared.take(policies, keys)
        except (RedisAway, ReplyError) as error:
            self._ask_again_at = time.monotonic() + self._pause
            self._set_alone(True, error)
            return await self._own.take(policies, keys)
        if self._alone:
            self._set_alone(False)
        return readings

    def _set_alone(self, alone: bool, error: Exception | None = None) -> None:
        if alone != self._alone:
            self._alone = alone
            LIMITING_ALONE.set(alone)
            if alone:
                log.warning("rate limits count in this process only: Redis is away", extra={"error": repr(error)})
            else:
                log.info("rate limits count in Redis again")


class _Group:
    """The limits that one request counts against."""

    def __init__(self, *policies: Policy) -> None:
        self.policies = policies
        self.header = ", ".join(policy.header for policy in policies).encode()


class RateLimiter:
    """Knows which limits a request counts against, and what to tell the caller."""

    def __init__(self, buckets: Buckets, user: Rate, address: Rate, classes: Mapping[RateClass, Rate]) -> None:
        self._buckets = buckets
        by_user, by_address = Policy("user", user), Policy("address", address)
        by_class = {rate_class: Policy(rate_class.value, rate) for rate_class, rate in classes.items()}
        self._known = {c: _Group(by_user, policy, by_address) for c, policy in by_class.items()}
        self._unknown = {c: _Group(policy, by_address) for c, policy in by_class.items()}

    async def check(self, rate_class: RateClass, account_id: int | None, address: str) -> list[tuple[bytes, bytes]]:
        """Counts the request; the headers to answer with. Raises TooManyRequests with them when a limit is used up."""
        address = rate_key(address)
        if account_id is None:
            group = self._unknown[rate_class]
            keys = [f"rl:{rate_class}:{address}", f"rl:address:{address}"]
        else:
            group = self._known[rate_class]
            keys = [f"rl:user:{account_id}", f"rl:{rate_class}:{account_id}", f"rl:address:{address}"]
        policies = group.policies
        readings = await self._buckets.take(policies, keys)
        states = ", ".join(
            f'"{policy.name}";r={reading.remaining};t={-(-reading.full_in // _SECOND)}'
            for policy, reading in zip(policies, readings, strict=True)
        )
        headers = [(b"ratelimit-policy", group.header), (b"ratelimit", states.encode())]
        if any(reading.wait for reading in readings):
            raise self._refusal(policies, readings, headers)
        return headers

    @staticmethod
    def _refusal(
        policies: Sequence[Policy], readings: Sequence[Reading], headers: list[tuple[bytes, bytes]]
    ) -> TooManyRequests:
        used_up = [policy.name for policy, reading in zip(policies, readings, strict=True) if reading.wait]
        for name in used_up:
            LIMITED.labels(name).inc()
        seconds = ceil(max(reading.wait for reading in readings) / _SECOND)
        return TooManyRequests(
            f"The limit {' and '.join(used_up)} is used up. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)} | {name.decode(): value.decode() for name, value in headers},
            violated_policies=used_up,
        )
