"""Load shedding: serves a bounded number of requests well rather than all of them too late."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import NoReturn

from photomesh_gateway.errors import Overloaded
from photomesh_gateway.metrics import IN_FLIGHT, SHED, WAITING

__all__ = ["Admission"]


class Admission:
    """Admits up to `limit` requests at a time; up to `queue` more wait for `patience` seconds, the rest are refused."""

    def __init__(self, limit: int, queue: int, patience: float) -> None:
        self._limit, self._queue, self._patience = limit, queue, patience
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0
        IN_FLIGHT.set_function(lambda: self.in_flight)
        WAITING.set_function(lambda: len(self._waiting))

    def try_enter(self) -> bool:
        """Takes a place if one is free: the usual case, without an await."""
        if self.in_flight >= self._limit:
            return False
        self.in_flight += 1
        return True

    async def wait(self) -> None:
        """Waits for a place. Raises Overloaded if none becomes free in time."""
        if len(self._waiting) >= self._queue:
            self._refuse()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._patience):
                await place
        except TimeoutError:
            self._give_up(place)
            self._refuse()
        except asyncio.CancelledError:
            self._give_up(place)
            raise

    @staticmethod
    def _refuse() -> NoReturn:
        SHED.inc()
        raise Overloaded from None

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if place.done() and not place.cancelled():
            self.leave()  # granted while giving up: pass it on
        else:
            with suppress(ValueError):  # `leave` may have dropped it already
                self._waiting.remove(place)

    def leave(self) -> None:
        """Hands the place to the request that waits longest, or frees it."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.in_flight -= 1
