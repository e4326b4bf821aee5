"""A consumer as a process: its runner behind health endpoints and metrics."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from photomesh_shared.http import Readiness, ops_app
from photomesh_shared.kafka.runner import ConsumerRunner
from photomesh_shared.settings import ServiceSettings

__all__ = ["create_consumer_app"]

log = logging.getLogger(__name__)


def create_consumer_app(
    title: str,
    settings: ServiceSettings,
    open_runner: Callable[[Readiness], AbstractAsyncContextManager[ConsumerRunner]],
) -> FastAPI:
    """The app for `http.run`. Its lifespan opens the runner and whatever it needs, consumes, and at the end finishes
    what was begun. No I/O happens before."""
    readiness = Readiness()
    running: list[ConsumerRunner] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runner(readiness) as runner:
            running.append(runner)
            readiness.add("kafka", runner.check)
            stop = asyncio.Event()
            consuming = asyncio.create_task(runner.run(stop), name="consumer")
            consuming.add_done_callback(_end_process_on_failure)
            try:
                yield
            finally:
                stop.set()
                await consuming

    return ops_app(
        title,
        settings,
        lifespan=lifespan,
        readiness=readiness,
        alive=lambda: all(runner.alive() for runner in running),
    )


def _end_process_on_failure(consuming: asyncio.Task[None]) -> None:
    """A process that consumes nothing must not look like one that has nothing to do."""
    if not consuming.cancelled() and (error := consuming.exception()):
        log.critical("the consumer failed, the process ends", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)
