"""The server side of an internal API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Response

from photomesh_shared.http.router import BoundedRoute
from photomesh_shared.internal_api.operation import Operation

__all__ = ["InternalRouter"]

R = TypeVar("R")


class InternalRouter(APIRouter):
    """Serves operations of an internal API: no policy, no token, no OpenAPI document, and no route at the gateway.

        @router.serves(GET_POSTS)
        async def get_posts(query: Annotated[PostsQuery, Query()], deps: Dependencies) -> Posts: ...

    A handler may return a `Response` whose body is already encoded. Raises ValueError for a public path.
    """

    def __init__(self) -> None:
        super().__init__(include_in_schema=False, route_class=BoundedRoute)

    def serves(
        self, operation: Operation[R]
    ) -> Callable[[Callable[..., Awaitable[R | Response]]], Callable[..., Awaitable[R | Response]]]:
        if not operation.path.startswith("/internal/"):
            raise ValueError(f"{operation.path}: a public route declares its policy (ApiRouter)")
        return self.api_route(
            operation.path,
            methods=[operation.method],
            response_model=None if operation.response is bytes else operation.response,
        )
