"""The server side of an internal API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.routing import Match
from starlette.types import Scope

from photomesh_shared.errors import Forbidden
from photomesh_shared.http.router import BoundedRoute
from photomesh_shared.internal_api.credentials import CallVerifier
from photomesh_shared.internal_api.operation import Operation

__all__ = ["InternalRouter"]

R = TypeVar("R")

_CALLERS = "x-callers"
_PREFIX = "/internal/"


class _InternalRoute(BoundedRoute):
    """Admits the callers of its operation, before anything of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        assert self.openapi_extra is not None
        callers = self.openapi_extra[_CALLERS]

        async def admitted(request: Request) -> Response:
            verifier: CallVerifier = request.app.state.call_verifier
            caller = verifier.caller(request.headers.get("authorization"))
            if caller not in callers:
                raise Forbidden(f"{caller} does not call this operation.")
            return await handle(request)

        return admitted


class InternalRouter(APIRouter):
    """Serves operations of an internal API to the callers that they name: no OpenAPI document, no route at the gateway.

        @router.serves(GET_POSTS)
        async def get_posts(query: Annotated[PostsQuery, Query()], deps: Dependencies) -> Posts: ...

    A handler may return a `Response` whose body is already encoded. Raises ValueError for a public path.
    """

    def __init__(self) -> None:
        super().__init__(include_in_schema=False, route_class=_InternalRoute)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Compares requests of the public API with no operation: apps look here first."""
        return super().matches(scope) if scope["path"].startswith(_PREFIX) else (Match.NONE, {})

    def serves(
        self, operation: Operation[R]
    ) -> Callable[[Callable[..., Awaitable[R | Response]]], Callable[..., Awaitable[R | Response]]]:
        if not operation.path.startswith(_PREFIX):
            raise ValueError(f"{operation.path}: a public route declares its policy (ApiRouter)")
        return self.api_route(
            operation.path,
            methods=[operation.method],
            response_model=None if operation.response is bytes else operation.response,
            openapi_extra={_CALLERS: operation.callers},
        )
