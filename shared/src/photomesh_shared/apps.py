"""The app of an API. `consumer` has the one of a consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from fastapi import APIRouter, FastAPI

from photomesh_shared.auth import TokenVerifier
from photomesh_shared.http import Readiness, create_service_app
from photomesh_shared.idempotency import IdempotencyMiddleware, IdempotencyStore
from photomesh_shared.settings import ServiceSettings

__all__ = ["ApiDeps", "create_api_app"]


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
    paths = dict.fromkeys(idempotent_paths, 1024 * 1024)
    app.add_middleware(IdempotencyMiddleware, paths=paths, problem_type_base=settings.problem_type_base)
    return app
