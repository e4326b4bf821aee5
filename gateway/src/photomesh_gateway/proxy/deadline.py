"""Ends a request that exceeds its deadline, or whose client disconnects while the service is still working."""

from __future__ import annotations

import asyncio
from enum import Enum, auto

from starlette.types import Receive

__all__ = ["Deadline", "Ended"]

# Most responses are complete sooner: until then the watch costs one timer.
_QUIET_SECONDS = 0.05


class Ended(Enum):
    TIMED_OUT = auto()
    CLIENT_GONE = auto()
    DRAINED = auto()


class Deadline:
    """Cancels the task that created it, once; `ended` then says why, and `uncancel` takes the cancellation back.

    Starts when the request's body has been read: until then its reader notices a disconnect.
    """

    def __init__(self, receive: Receive) -> None:
        self.ended: Ended | None = None
        self._receive = receive
        self._task = asyncio.current_task()
        self._rest = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._client: asyncio.Task[None] | None = None
        self._client_matters = True
        self._silence = 0.0
        self._heard_at = 0.0

    def start(self, seconds: float) -> None:
        """Sets the deadline, so many seconds from now."""
        quiet = min(seconds, _QUIET_SECONDS)
        self._rest = seconds - quiet
        self._timer = asyncio.get_running_loop().call_later(quiet, self._watch)

    def limit_silence(self, seconds: float) -> None:
        """Replaces the deadline: from now on, the exchange ends when `heard` was not called for so many seconds."""
        self._stop_timer()
        self._silence = seconds
        if self._client is None:
            self._client = asyncio.create_task(self._wait_for_disconnect())
        self.heard()
        self._end_if_silent()

    def heard(self) -> None:
        """The service sent something. Costs less than moving a timer: that finds out by itself."""
        self._heard_at = asyncio.get_running_loop().time()

    def drain(self) -> None:
        """Ends the exchange because this process does."""
        self._end(Ended.DRAINED)

    def ignore_disconnect(self) -> None:
        """Called before the last write: from then on a disconnect is how an exchange ends. The deadline stays."""
        self._client_matters = False
        if self._client is not None:
            self._client.cancel()

    def stop(self) -> None:
        self.ignore_disconnect()
        self._stop_timer()
        self._task = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def uncancel(self) -> None:
        if self._task is not None:
            self._task.uncancel()

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._rest, self._end, Ended.TIMED_OUT)
        if self._client_matters:
            self._client = asyncio.create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._client_matters:
            self._end(Ended.CLIENT_GONE)

    def _end_if_silent(self) -> None:
        loop = asyncio.get_running_loop()
        rest = self._heard_at + self._silence - loop.time()
        if rest > 0:
            self._timer = loop.call_later(rest, self._end_if_silent)
        else:
            self._end(Ended.TIMED_OUT)

    def _end(self, why: Ended) -> None:
        if self.ended is None and self._task is not None:
            self.ended = why
            self._task.cancel()
