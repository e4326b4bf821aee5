"""Load shedding: serves a bounded number of requests well rather than all of them too late.

The number to one service adapts: each time-out halves it, down to a few that try whether the service answers again,
and each response adds one. So a service that hangs keeps few places and few clients waiting, and one that hung for a
moment has its share back after as many responses as it has places. Besides, some places are reserved for each service,
so that several hanging ones do not take them all before their first time-outs.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn

from photomesh_gateway.addresses import rate_key
from photomesh_gateway.errors import Overloaded
from photomesh_gateway.metrics import CONCURRENCY_LIMIT, IN_FLIGHT, SHED, WAITING
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.errors import TooManyRequests

__all__ = ["Admission", "AdmissionLimits"]


@dataclass(frozen=True)
class AdmissionLimits:
    total: int  # requests in flight
    per_upstream: int  # below `total`, so that a service that hangs leaves places to the others
    per_client: int  # below `per_upstream`; a client is an address, an IPv6 /64 being one
    queue: int  # requests that wait for one upstream; more are refused
    patience: float  # seconds that they wait
    reserved: int = 0  # of `total`, for each upstream
    trials: int = 1  # requests in flight to one upstream that only times out


@dataclass(eq=False)
class _Waiter:
    ticket: int
    place: asyncio.Future[None]


@dataclass
class _Pool:
    """The requests to one upstream."""

    limit: int
    in_flight: int = 0
    waiting: deque[_Waiter] = field(default_factory=deque)


def _observe(upstream: Upstream, pool: _Pool) -> None:
    IN_FLIGHT.labels(upstream).set_function(lambda: pool.in_flight)
    WAITING.labels(upstream).set_function(lambda: len(pool.waiting))
    CONCURRENCY_LIMIT.labels(upstream).set_function(lambda: pool.limit)
    SHED.labels(upstream)  # from 0, or the first refusal would show no increase


class Admission:
    """Gives places to requests. A place belongs to an upstream and to a client."""

    def __init__(self, limits: AdmissionLimits, upstreams: Iterable[Upstream] = Upstream) -> None:
        self._limits = limits
        self._pools = {upstream: _Pool(limits.per_upstream) for upstream in upstreams}
        self._shared = limits.total - limits.reserved * len(self._pools)
        self._clients: Counter[str] = Counter()
        self._tickets = count()
        self.in_flight = 0
        for upstream, pool in self._pools.items():
            _observe(upstream, pool)

    def refuse_if_full(self, upstream: Upstream) -> None:
        """Raises Overloaded if even the queue is full: cheaply, before anything is done for the request."""
        if len(self._pools[upstream].waiting) >= self._limits.queue and not self._has_room(self._pools[upstream]):
            self._refuse(upstream)

    async def enter(self, upstream: Upstream, client: str) -> None:
        """Takes a place, perhaps after a wait. Raises Overloaded if none becomes free in time, and TooManyRequests if
        the client has its share."""
        key = rate_key(client)
        if self._clients[key] >= self._limits.per_client:
            raise TooManyRequests(
                "Your address has too many requests in flight.",
                headers={"Retry-After": "1"},
                violated_policies=["in-flight"],
            )
        pool = self._pools[upstream]
        self._clients[key] += 1
        try:
            if self._has_room(pool):
                self._take(pool)
            else:
                await self._wait(upstream, pool)
        except BaseException:
            self._forget_client(key)
            raise

    def leave(self, upstream: Upstream, client: str, *, timed_out: bool | None = None) -> None:
        """Frees the place, and hands it to the request that waits longest among those with room for them. `timed_out`:
        whether the service did, rather than respond; None if neither."""
        self._forget_client(rate_key(client))
        pool = self._pools[upstream]
        if timed_out:
            pool.limit = max(self._limits.trials, pool.limit // 2)
        elif timed_out is False:
            pool.limit = min(self._limits.per_upstream, pool.limit + 1)
        self._free(pool)

    def _has_room(self, pool: _Pool) -> bool:
        if pool.in_flight >= pool.limit or self.in_flight >= self._limits.total:
            return False
        return pool.in_flight < self._limits.reserved or self._shared_in_flight() < self._shared

    def _shared_in_flight(self) -> int:
        """Places taken beyond those that are reserved."""
        return sum(max(0, pool.in_flight - self._limits.reserved) for pool in self._pools.values())

    def _take(self, pool: _Pool) -> None:
        self.in_flight += 1
        pool.in_flight += 1

    def _free(self, pool: _Pool) -> None:
        self.in_flight -= 1
        pool.in_flight -= 1
        while ready := [other for other in self._pools.values() if other.waiting and self._has_room(other)]:
            next_pool = min(ready, key=lambda other: other.waiting[0].ticket)
            self._take(next_pool)
            next_pool.waiting.popleft().place.set_result(None)

    async def _wait(self, upstream: Upstream, pool: _Pool) -> None:
        if len(pool.waiting) >= self._limits.queue:
            self._refuse(upstream)
        waiter = _Waiter(next(self._tickets), asyncio.get_running_loop().create_future())
        pool.waiting.append(waiter)
        try:
            async with asyncio.timeout(self._limits.patience):
                await asyncio.shield(waiter.place)
        except BaseException as error:
            if waiter.place.done():
                self._free(pool)  # granted while giving up: pass it on
            else:
                pool.waiting.remove(waiter)
            if isinstance(error, TimeoutError):
                self._refuse(upstream)
            raise

    @staticmethod
    def _refuse(upstream: Upstream) -> NoReturn:
        SHED.labels(upstream).inc()
        raise Overloaded from None

    def _forget_client(self, key: str) -> None:
        self._clients[key] -= 1
        if not self._clients[key]:
            del self._clients[key]
