"""The HTTP server: uvicorn until SIGTERM, then drain."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from photomesh_shared.http.serving.protocol import bounded_protocol
from photomesh_shared.settings import ServiceSettings

__all__ = ["run"]


_GC_THRESHOLD = 20_000  # new objects; a request creates some hundreds


class _Server(uvicorn.Server):
    """Keeps serving after the signal for the seconds that `on_exit` returns."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], float]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        leave = partial(super().handle_exit, sig, frame)
        if self.should_exit or not self.started or (delay := self._on_exit()) <= 0:
            leave()
            return
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, delay, leave)


def run(
    app: ASGIApp,
    settings: ServiceSettings,
    *,
    headers: Mapping[str, str] | None = None,
    protocol: type[asyncio.Protocol] | None = None,
    on_exit: Callable[[], float] = lambda: 0.0,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish open requests and close the lifespan.

    `protocol`: a `bounded_protocol`; the default one if None.
    `on_exit` is called on the signal and returns for how many seconds to keep accepting connections, so that load
    balancers can remove the process first.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol or bounded_protocol(settings.problem_type_base),
        ws="none",
        log_config=None,
        access_log=False,  # RequestContextMiddleware logs accesses
        proxy_headers=False,  # uvicorn would trust any local process about the client's address
        server_header=False,
        headers=list((headers or {}).items()),
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        timeout_keep_alive=75,
        backlog=2048,
    )
    server = _Server(config, on_exit)
    # What is loaded so far stays loaded: without this, each full collection traverses a hundred thousand objects in
    # vain. And requests and records create hardly any cycles, so a collection every few of them is not needed.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    server.run()
    if not server.started:
        sys.exit(3)  # as `uvicorn.run` does if the lifespan fails
