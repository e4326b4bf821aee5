"""Works off pending erasures in the background, so that no partition waits for object storage or the CDN."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from typing import Protocol

from photomesh_post.erasures.domain import SHARDS, Kind, Pending
from photomesh_post.metrics import ERASURES, OLDEST_ERASURE
from photomesh_shared.clock import Clock, happened_within
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable

__all__ = ["ErasureWorker", "NotYetErased", "Store", "Work"]

log = logging.getLogger(__name__)


class NotYetErased(Exception):
    """Other erasures must be done first; this one is tried again. `counts` of what is on its way."""

    def __init__(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.counts = counts or {}


Work = Callable[[Pending], Awaitable[None]]
"""Does one erasure. Idempotent. Raises Unavailable, after which it is tried again."""

_CONCURRENCY = 8
_CHUNK = 32
_POLL_SECONDS = 2.0
_RENEW_SECONDS = 5.0
_BACKOFF = Backoff(base=1.0, cap=10.0)


class Store(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def add(self, pending: Pending) -> None: ...
    async def oldest(
        self, kind: Kind, shard: int, *, after: Pending | None = None, limit: int
    ) -> Sequence[Pending]: ...
    async def remove(self, pending: Pending) -> None: ...
    async def claim(self, kind: Kind, shard: int, worker: str) -> bool: ...
    async def release(self, kind: Kind, shard: int, worker: str) -> None: ...


class ErasureWorker:
    """Each kind has a loop of its own: if the CDN does not answer, objects are removed all the same. Of several
    processes one works on a shard at a time. An erasure that fails stays, and does not stop those behind it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._work: Mapping[Kind, Work] = {}
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._added = {kind: asyncio.Event() for kind in Kind}
        self._places = {kind: asyncio.Semaphore(_CONCURRENCY) for kind in Kind}

    async def add(self, pending: Pending) -> None:
        """Stores an erasure; if this process does its kind, it begins at once. Raises Unavailable."""
        await self._store.add(pending)
        self._added[pending.kind].set()

    @asynccontextmanager
    async def running(self, work: Mapping[Kind, Work]) -> AsyncIterator[None]:
        """Works in the background of the context."""
        self._work = work
        async with AsyncExitStack() as stack:
            for kind in work:
                await stack.enter_async_context(
                    in_background(f"erasure of {kind}", lambda kind=kind: self._run(kind), self._clock)  # type: ignore[misc]
                )
            yield

    async def _run(self, kind: Kind) -> None:
        failures = 0
        while True:
            self._added[kind].clear()
            try:
                done = await self.run_once(kind)
            except Unavailable as error:
                log.warning("erasures wait", extra={"kind": str(kind), "reason": str(error)})
                done = False
            failures = 0 if done else failures + 1
            if done:
                await happened_within(self._added[kind], _POLL_SECONDS, self._clock)
            else:
                await self._clock.sleep(_BACKOFF.delay(failures))

    async def run_once(self, kind: Kind) -> bool:
        """Tries each pending erasure once; returns whether all succeeded. Raises DatabaseUnavailable."""
        shards = random.sample(range(SHARDS), SHARDS)  # processes should meet rarely
        first = await asyncio.gather(*(self._store.oldest(kind, shard, limit=1) for shard in shards))
        self._show_oldest(kind, [pending.since for of_shard in first for pending in of_shard])
        outcomes = [
            await self._run_shard(kind, shard) for shard, of_shard in zip(shards, first, strict=True) if of_shard
        ]
        return all(outcomes)

    def _show_oldest(self, kind: Kind, since: Sequence[datetime]) -> None:
        age = (self._clock.now() - min(since)).total_seconds() if since else 0.0
        OLDEST_ERASURE.labels(str(kind)).set(max(age, 0.0))

    async def _run_shard(self, kind: Kind, shard: int) -> bool:
        if not await self._store.claim(kind, shard, self._name):
            return True
        succeeded, last = True, None
        keeping = asyncio.create_task(self._keep(kind, shard))
        try:
            while chunk := await self._store.oldest(kind, shard, after=last, limit=_CHUNK):
                outcomes = await asyncio.gather(*(self._try(pending) for pending in chunk))
                succeeded = succeeded and all(outcomes)
                last = chunk[-1]
                if not any(outcomes) or not await self._store.claim(kind, shard, self._name):
                    break  # what they need is away, or another process took over
        finally:
            keeping.cancel()
            await self._store.release(kind, shard, self._name)
        return succeeded

    async def _keep(self, kind: Kind, shard: int) -> None:
        """Stays the shard's worker while an erasure takes long."""
        while True:
            await self._clock.sleep(_RENEW_SECONDS)
            with suppress(Unavailable):
                await self._store.claim(kind, shard, self._name)

    async def _try(self, pending: Pending) -> bool:
        async with self._places[pending.kind]:
            try:
                await self._work[pending.kind](pending)
                await self._store.remove(pending)
            except NotYetErased as error:
                log.info("an erasure waits for others", extra={"erasure_id": pending.id, "reason": str(error)})
                ERASURES.labels(str(pending.kind), "waiting").inc()
                return False
            except Exception as error:
                where = {"kind": str(pending.kind), "erasure_id": pending.id, "reason": str(error)}
                log.warning("an erasure failed", extra=where, exc_info=not isinstance(error, Unavailable))
                ERASURES.labels(str(pending.kind), "failed").inc()
                return False
        ERASURES.labels(str(pending.kind), "ok").inc()
        return True
