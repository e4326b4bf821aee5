"""The lease on a Snowflake worker number, in Redis.

Two processes with the same number could generate the same id, so a number is leased: a key with an expiry that the
holder renews. A holder that cannot renew stops generating ids well before the key expires.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import MAX_WORKER, IdGenerator

__all__ = ["LeasedIds", "WorkerLease", "lease_ids"]

log = logging.getLogger(__name__)

LEASE_SECONDS = 60
_RENEW_SECONDS = 10
_RETRY_SECONDS = 1
_FIRST_SECONDS = 5.0
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass
class WorkerLease:
    """A worker number leased until `valid_until` (monotonic seconds)."""

    number: int
    key: str
    token: str
    valid_until: float


class LeasedIds:
    """An id source that refuses to generate ids once its lease may have expired."""

    def __init__(self, redis: Redis, region: int, clock: Clock) -> None:
        self._redis = redis
        self._region = region
        self._clock = clock
        self._lease: WorkerLease | None = None
        self._ids: IdGenerator | None = None

    def next(self) -> int:
        """Return a new id. Raises Unavailable if no worker number is held."""
        if self._ids is None or self._lease is None or self._clock.monotonic() >= self._lease.valid_until:
            raise Unavailable("Ids cannot be made at the moment.")
        return self._ids.next()

    @property
    def held(self) -> bool:
        return self._lease is not None and self._clock.monotonic() < self._lease.valid_until

    async def check(self) -> None:
        """Check readiness: raises Unavailable if no worker number is held."""
        if not self.held:
            raise Unavailable("no worker number is held")

    async def acquire(self) -> None:
        """Lease a random free number; random, so that a restart rarely collides with its previous lease."""
        token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        numbers = list(range(MAX_WORKER + 1))
        random.shuffle(numbers)
        for number in numbers:
            key = f"snowflake:{self._region}:{number}"
            asked_at = self._clock.monotonic()
            if await self._redis.set(key, token, nx=True, px=LEASE_SECONDS * 1000):
                self._lease = WorkerLease(number, key, token, asked_at + LEASE_SECONDS - _RENEW_SECONDS)
                self._ids = IdGenerator(self._region, number, self._clock)
                return
        raise Unavailable("All worker numbers of the region are taken.")

    async def keep(self) -> None:
        """Renew the lease until cancelled; acquire a new number while none is held."""
        while True:
            await self._clock.sleep(_RENEW_SECONDS if self.held else _RETRY_SECONDS)
            try:
                await self._renew()
            except (RedisError, OSError, Unavailable) as error:
                log.warning("worker lease not renewed", extra={"error": str(error), "held": self.held})

    async def _renew(self) -> None:
        lease = self._lease
        asked_at = self._clock.monotonic()
        if lease is not None and await self._redis.eval(_RENEW, 1, lease.key, lease.token, LEASE_SECONDS * 1000):
            lease.valid_until = asked_at + LEASE_SECONDS - _RENEW_SECONDS
        else:
            self._lease = None
            await self.acquire()

    async def release(self) -> None:
        if self._lease is not None:
            with suppress(RedisError, OSError):  # the key expires by itself
                await self._redis.eval(_RELEASE, 1, self._lease.key, self._lease.token)
            self._lease = None


@asynccontextmanager
async def lease_ids(redis: Redis, region: int, clock: Clock) -> AsyncIterator[LeasedIds]:
    """Lease a worker number for the duration of the context, as an id source.

    Without Redis it opens all the same, so that a service serves what needs no new id; ids are made once it answers.
    """
    ids = LeasedIds(redis, region, clock)
    try:
        async with asyncio.timeout(_FIRST_SECONDS):
            await ids.acquire()
    except (RedisError, OSError, TimeoutError, Unavailable) as error:
        log.warning("no worker number yet", extra={"error": str(error)})
    try:
        async with in_background("worker-lease", ids.keep, clock):
            yield ids
    finally:
        await ids.release()
