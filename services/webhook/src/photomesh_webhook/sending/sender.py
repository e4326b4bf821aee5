"""Sends what is due: of several processes, one sends to an endpoint at a time."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from photomesh_shared.clock import Clock, happened_within
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_webhook.sending.endpoint_sender import LEASE, EndpointSender
from photomesh_webhook.sending.metrics import OLDEST_DUE
from photomesh_webhook.sending.protocols import CatchUp, Channel, Operators, Store, Viewer

__all__ = ["Sender"]

log = logging.getLogger(__name__)

_IN_ALL = 512
_ENDPOINTS = 256
_POLL_SECONDS = 1.0
_BACKOFF = Backoff(base=0.5, cap=5.0)


class Sender:
    """Looks for endpoints with something due, and works on each in a task of its own."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        viewer: Viewer,
        operators: Operators,
        catch_up: CatchUp,
        clock: Clock,
        *,
        randomness: random.Random | None = None,
        poll_seconds: float = _POLL_SECONDS,
        drain_seconds: float = 20.0,
    ) -> None:
        """`drain_seconds`: how long requests in flight may take when the process stops."""
        self._store = store
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._drain_seconds = drain_seconds
        self._name = secrets.token_hex(8)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._stop = asyncio.Event()
        self._places = asyncio.Semaphore(_IN_ALL)
        self._endpoints = EndpointSender(
            store,
            channel,
            viewer,
            operators,
            catch_up,
            clock,
            worker=self._name,
            places=self._places,
            stop=self._stop,
            randomness=randomness or random.Random(),  # noqa: S311 - jitter, no secret
            poll_seconds=poll_seconds,
        )

    def wake(self) -> None:
        """There may be something to send: look now."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background of the context. On exit, lets requests in flight end; what is left is sent later."""
        try:
            async with in_background("webhooks", self._run, self._clock):
                yield
        finally:
            self._stop.set()
            tasks = list(self._tasks.values())
            if tasks:
                await asyncio.wait(tasks, timeout=self._drain_seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            self._woken.clear()
            try:
                await self.claim()
                failures = 0
            except Unavailable as error:
                failures += 1
                log.warning("webhooks wait", extra={"reason": str(error)})
            pause = _BACKOFF.delay(failures) if failures else self._poll_seconds
            await happened_within(self._woken, pause, self._clock)

    async def claim(self) -> None:
        """Begin to work on what is due and nobody works on. Raises DatabaseUnavailable."""
        now = self._clock.now()
        room = _ENDPOINTS - len(self._tasks)
        if room > 0:
            for endpoint_id in await self._store.claim(self._name, now, now + LEASE, room):
                if endpoint_id not in self._tasks:
                    task = asyncio.create_task(self._endpoints.work(endpoint_id), name=f"endpoint-{endpoint_id}")
                    self._tasks[endpoint_id] = task
                    task.add_done_callback(partial(self._done, endpoint_id))
        oldest = await self._store.oldest_due(now)
        OLDEST_DUE.set(max((now - oldest).total_seconds(), 0.0) if oldest else 0.0)

    def _done(self, endpoint_id: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(endpoint_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("work on an endpoint ended", exc_info=error, extra={"endpoint_id": endpoint_id})
