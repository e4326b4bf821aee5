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


class Deadline:
    """Cancels the task that created it, once; `ended` then says why, and `uncancel` takes the cancellation back.

    Only the reader of the request's body may call ASGI's `receive` until the body has arrived, so until then that
    reader notices a disconnect.
    """

    def __init__(self, receive: Receive) -> None:
        self.ended: Ended | None = None
        self.body_arrived = False
        self._receive = receive
        self._task = asyncio.current_task()
        self._rest = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._client: asyncio.Task[None] | None = None
        self._quiet = True
        self._stopped = False

    def start(self, seconds: float) -> None:
        """Sets the deadline, so many seconds from now."""
        quiet = min(seconds, _QUIET_SECONDS)
        self._rest = seconds - quiet
        self._timer = asyncio.get_running_loop().call_later(quiet, self._watch)

    def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._client is not None:
            self._client.cancel()

    def mark_body_arrived(self) -> None:
        self.body_arrived = True
        if not self._quiet and not self._stopped:
            self._watch_client()

    def uncancel(self) -> None:
        if self._task is not None:
            self._task.uncancel()

    def _watch(self) -> None:
        self._quiet = False
        self._timer = asyncio.get_running_loop().call_later(self._rest, self._end, Ended.TIMED_OUT)
        if self.body_arrived:
            self._watch_client()

    def _watch_client(self) -> None:
        self._client = asyncio.create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end(Ended.CLIENT_GONE)

    def _end(self, why: Ended) -> None:
        if self.ended is None and not self._stopped and self._task is not None:
            self.ended = why
            self._task.cancel()
