"""``python -m photomesh_export.worker``: runs exports, deletes those that are over, and erases accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette

from photomesh_export.settings import WorkerSettings
from photomesh_export.wiring import open_worker_deps
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import AccountErasureRequested
from photomesh_shared.http import Readiness

__all__ = ["GROUP", "create_app"]

GROUP = "export"


@asynccontextmanager
async def open_subscription(
    settings: WorkerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with AsyncExitStack() as stack:
        deps = await stack.enter_async_context(open_worker_deps(settings, readiness, clock))
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        await stack.enter_async_context(in_background("sweeper", deps.sweeper.run))
        await stack.enter_async_context(in_background("notices", deps.notices.run))
        for number in range(settings.concurrency):
            await stack.enter_async_context(in_background(f"exports-{number}", deps.worker.run))
        yield Subscription(
            group=GROUP,
            handlers={AccountErasureRequested: erasure.erasure_requested},
            publisher=deps.publisher,
        )


def create_app(settings: WorkerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("export-worker", WorkerSettings(), open_subscription)
