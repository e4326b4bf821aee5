"""The worker's HTTP side, which is for operators alone; its lifespan runs the consumer."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_media_worker.settings import Settings
from photomesh_media_worker.wiring import open_runner
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import Readiness, ops_app
from photomesh_shared.kafka.runner import ConsumerRunner

__all__ = ["create_app"]

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; nothing is opened before its lifespan begins."""
    settings = settings or Settings()
    readiness = Readiness()
    running: list[ConsumerRunner] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runner(settings, readiness, clock or SystemClock()) as runner:
            running.append(runner)
            stop = asyncio.Event()
            consuming = asyncio.create_task(runner.run(stop), name="consumer")
            consuming.add_done_callback(_end_process_on_failure)
            try:
                yield
            finally:
                stop.set()
                await consuming

    return ops_app(
        "Photomesh media worker",
        settings,
        lifespan=lifespan,
        readiness=readiness,
        alive=lambda: all(runner.alive() for runner in running),
    )


def _end_process_on_failure(consuming: asyncio.Task[None]) -> None:
    """A worker that consumes nothing must not look like one that has nothing to do."""
    if not consuming.cancelled() and (error := consuming.exception()):
        log.critical("the consumer failed, the process ends", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)
