"""The two kinds of app that deployables are: an API, and a consumer behind its health endpoints."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from fastapi import APIRouter, FastAPI

from photomesh_shared.auth import TokenVerifier
from photomesh_shared.http import Readiness, create_service_app, ops_app
from photomesh_shared.idempotency import IdempotencyMiddleware, IdempotencyStore
from photomesh_shared.kafka.runner import ConsumerRunner
from photomesh_shared.settings import ServiceSettings

__all__ = ["ApiDeps", "create_api_app", "create_consumer_app"]

log = logging.getLogger(__name__)


class ApiDeps(Protocol):
    """What every API needs of what its service opens."""

    @property
    def token_verifier(self) -> TokenVerifier: ...

    @property
    def idempotency(self) -> IdempotencyStore: ...


def create_api_app(
    title: str,
    settings: ServiceSettings,
    open_deps: Callable[[Readiness], AbstractAsyncContextManager[ApiDeps]],
    *,
    router: APIRouter,
    idempotent_paths: Collection[str],
    description: str,
) -> FastAPI:
    """The app for `http.run`. Its lifespan opens what the service needs, as `app.state.deps`. No I/O happens before.

    POSTs to `idempotent_paths` take an `Idempotency-Key`.
    """
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_deps(readiness) as deps:
            app.state.deps = deps
            app.state.token_verifier = deps.token_verifier
            app.state.idempotency = deps.idempotency
            yield

    app = create_service_app(
        title, settings, lifespan=lifespan, routers=[router], readiness=readiness, description=description
    )
    app.add_middleware(IdempotencyMiddleware, paths=idempotent_paths, problem_type_base=settings.problem_type_base)
    return app


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
