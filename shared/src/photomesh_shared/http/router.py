"""Public routes with declared policies::

    router = ApiRouter(tags=["likes"])

    @router.put("/v1/posts/{post_id}/like", auth=Auth.REQUIRED, rate=RateClass.WRITE, problems=[PostNotFound],
                summary="Like a post")
    async def like_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> LikeState: ...

Derived from the declaration: the documented problems (of tokens, validation, cursors and idempotency keys), the paths
of the idempotency middleware, the maximum body, and the gateway's routing table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Required, TypedDict, TypeVar, Unpack

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from photomesh_shared.auth import optional_principal, required_principal, staff_principal
from photomesh_shared.errors import (
    ExpiredToken,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    PreconditionFailed,
    Problem,
    Unavailable,
    UnsupportedMediaType,
)
from photomesh_shared.http.conditional import NOT_MODIFIED, with_content_tag
from photomesh_shared.http.idempotency import current_creation
from photomesh_shared.http.policy import MAX_BODY, POLICY, Auth, Budget, RateClass, RoutePolicy
from photomesh_shared.http.problems import problems
from photomesh_shared.tokens.errors import InsufficientScope, RoleRequired, SessionRequired
from photomesh_shared.tokens.roles import Role
from photomesh_shared.tokens.scopes import Scope, scope_of

__all__ = ["ApiRouter", "BoundedRoute", "Operation", "RouteDeclaration"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_INTERNAL_MAX_BODY = 1024 * 1024  # between services: bounded, and large enough for a batch of ids
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json", re.IGNORECASE)
_TOKEN_PROBLEMS: dict[Auth, tuple[type[Problem], ...]] = {
    Auth.REQUIRED: (MissingToken, InvalidToken, ExpiredToken),
    Auth.STAFF: (MissingToken, InvalidToken, ExpiredToken, RoleRequired),
    Auth.OPTIONAL: (InvalidToken, ExpiredToken),
    Auth.NONE: (),
}


class RouteDeclaration(TypedDict, total=False):
    """The declaration of a route. Members without a comment are as in FastAPI."""

    auth: Required[Auth]
    rate: Required[RateClass]
    summary: Required[str]
    problems: Sequence[type[Problem]]  # the route's own; those derived from its declaration are added
    conditional: bool  # a write that heeds If-Match (412)
    max_body: int  # bytes
    budget: Budget  # of requests whose effect is kept
    scope: Scope | None  # of personal access tokens; derived from the tag if not declared; None: needs a session
    role: Role  # of staff; with `Auth.STAFF` only
    status_code: int
    tags: list[str | Enum]
    response_model: Any
    response_class: type[Response]
    responses: dict[int | str, dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    policy: RoutePolicy


class ApiRouter:
    """Collects a service's public routes for `create_api_app`. Every route must have a policy."""

    def __init__(self, *, prefix: str = "", tags: Sequence[str] = ()) -> None:
        self.routes = APIRouter(prefix=prefix, tags=list(tags), route_class=BoundedRoute)
        self.operations: list[Operation] = []

    def get(
        self, path: str, *, paged: bool = False, **declared: Unpack[RouteDeclaration]
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a GET route. A `paged` route takes `Paging`."""
        return self._route("GET", path, declared, paged=paged)

    def post(
        self, path: str, *, idempotent: bool = False, **declared: Unpack[RouteDeclaration]
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a POST route. An `idempotent` route takes an `Idempotency-Key`, and creates under the id of
        `Creation`."""
        return self._route("POST", path, declared, idempotent=idempotent)

    def put(self, path: str, **declared: Unpack[RouteDeclaration]) -> Callable[[Endpoint], Endpoint]:
        return self._route("PUT", path, declared)

    def patch(self, path: str, **declared: Unpack[RouteDeclaration]) -> Callable[[Endpoint], Endpoint]:
        return self._route("PATCH", path, declared)

    def delete(self, path: str, **declared: Unpack[RouteDeclaration]) -> Callable[[Endpoint], Endpoint]:
        return self._route("DELETE", path, declared)

    def _scope(self, method: str, declared: RouteDeclaration) -> Scope | None:
        if declared["auth"] in (Auth.NONE, Auth.STAFF):
            return None
        if "scope" in declared:
            return declared["scope"]
        tags = [*self.routes.tags, *declared.get("tags", [])]
        return scope_of(str(tags[0]), reads=method == "GET") if tags else None

    def _route(
        self, method: str, path: str, declared: RouteDeclaration, *, paged: bool = False, idempotent: bool = False
    ) -> Callable[[Endpoint], Endpoint]:
        policy = RoutePolicy(
            declared["auth"],
            declared["rate"],
            idempotent,
            declared.get("max_body", MAX_BODY),
            declared.get("budget"),
            self._scope(method, declared),
            declared.get("role"),
        )
        if (policy.role is None) is (policy.auth is Auth.STAFF):
            raise TypeError(f"{method} {path} declares auth {policy.auth} and the role {policy.role}")
        conditional = declared.get("conditional", False)
        own = ("auth", "rate", "problems", "conditional", "max_body", "budget", "scope", "role", "responses")
        options: dict[str, Any] = {name: value for name, value in declared.items() if name not in own}

        def register(endpoint: Endpoint) -> Endpoint:
            full_path = self.routes.prefix + path
            dependants = list(_tree(get_dependant(path=full_path, call=endpoint)))
            if (taken := _auth_of(dependants)) is not policy.auth:
                raise TypeError(f"{method} {full_path} declares auth {policy.auth}, its parameters say {taken}")
            if idempotent and all(dependant.call is not current_creation for dependant in dependants):
                raise TypeError(f"{method} {full_path} is idempotent, but takes no creation id (`Creation`)")
            has_body = any(dependant.body_params for dependant in dependants)
            kinds: list[type[Problem]] = [*_TOKEN_PROBLEMS[policy.auth], *declared.get("problems", ())]
            if policy.auth is not Auth.NONE:
                kinds.append(InsufficientScope if policy.scope else SessionRequired)
            if paged:
                kinds.append(InvalidCursor)
            if idempotent:
                kinds += [IdempotencyKeyInUse, IdempotencyKeyReused]
            if has_body:
                kinds += [MalformedJson, UnsupportedMediaType]
            if has_body or any(d.path_params or d.query_params or d.header_params for d in dependants):
                kinds.append(InvalidRequest)
            if conditional:
                kinds.append(PreconditionFailed)
            responses = problems(*kinds, Unavailable) | declared.get("responses", {})
            if method == "GET" and policy.rate is not RateClass.STREAM:
                responses[304] = NOT_MODIFIED
            self.routes.add_api_route(
                path,
                endpoint,
                methods=[method],
                responses=responses,
                openapi_extra=policy.extension(),
                **options,
            )
            self.operations.append(Operation(method, full_path, policy))
            return endpoint

        return register


class BoundedRoute(APIRoute):
    """`needed_scope` and `needed_role` are those of the route's policy, for `photomesh_shared.auth`.

    Refuses a body that is not plain JSON, or larger than the route's policy allows. (FastAPI's `max_body_size`
    responds in plain text, bypassing the app's error handlers.) Responses of public GETs have an `ETag`."""

    @property
    def needed_scope(self) -> str | None:
        scope: str | None = (self.openapi_extra or {}).get(POLICY, {}).get("scope")
        return scope

    @property
    def needed_role(self) -> str | None:
        role: str | None = (self.openapi_extra or {}).get(POLICY, {}).get("role")
        return role

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.openapi_extra and self.methods == {"GET"}:

            async def conditional(request: Request) -> Response:
                return with_content_tag(request, await handle(request))

            return conditional
        if self.body_field is None:
            return handle
        max_body: int = (self.openapi_extra or {}).get(POLICY, {}).get("max_body", _INTERNAL_MAX_BODY)

        async def bounded(request: Request) -> Response:
            _require_plain_json(request)
            return await handle(Request(request.scope, _bounded(request, max_body)))

        return bounded


def _bounded(request: Request, max_body: int) -> Receive:
    """Return the request's `receive`, bounded. It raises HTTPException, because FastAPI reports any other error as a
    malformed body."""
    rest = max_body

    async def receive() -> Message:
        nonlocal rest
        message = await request.receive()
        rest -= len(message.get("body", b""))
        if rest < 0:
            raise HTTPException(413)
        return message

    return receive


def _require_plain_json(request: Request) -> None:
    """Raise UnsupportedMediaType if there is a body of another type, of none, or in a content coding."""
    headers = request.headers
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body has a `Content-Encoding`.", headers={"Accept-Encoding": "identity"})
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if not _JSON.fullmatch(headers.get("content-type", "").partition(";")[0].strip()):
        detail = "The `Content-Type` is not `application/json`." if "content-type" in headers else None
        raise UnsupportedMediaType(detail or "The body has no `Content-Type`.", headers={"Accept": "application/json"})


def _tree(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for child in dependant.dependencies:
        yield from _tree(child)


def _auth_of(dependants: Sequence[Dependant]) -> Auth:
    """Derive the auth from the endpoint's parameters: `Staff`, `Viewer`, `MaybeViewer` or none of them."""
    calls = [dependant.call for dependant in dependants]
    if staff_principal in calls:
        return Auth.STAFF
    if required_principal in calls:
        return Auth.REQUIRED
    return Auth.OPTIONAL if optional_principal in calls else Auth.NONE
