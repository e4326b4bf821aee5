"""Routes that declare their policy, and what follows from it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from starlette.routing import Match

from photomesh_shared.auth import MaybeViewer, Staff, Viewer
from photomesh_shared.errors import NotFound
from photomesh_shared.http import (
    ApiRouter,
    Auth,
    Creation,
    InternalRouter,
    Page,
    Paging,
    RateClass,
    Readiness,
    RoutePolicy,
    app_deps,
    create_api_app,
)
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.http.router import RouteDeclaration
from photomesh_shared.internal_api import Operation
from photomesh_shared.settings import ServiceSettings
from photomesh_shared.tokens.access import TokenVerifier
from photomesh_shared.tokens.roles import Role
from photomesh_shared.tokens.scopes import Scope
from tests.support.problems import expect_problem
from tests.support.services import client_of
from tests.support.tokens import Issuer

SETTINGS = ServiceSettings(public_url="https://api.example")


class NoSuchOrder(NotFound):
    """There is no such order."""

    code, title = "test-no-such-order", "There is no such order"


class Order(BaseModel):
    name: str


@dataclass
class Deps:
    token_verifier: TokenVerifier
    cursors: CursorCodec
    numbers: range = range(5)


Dependencies = Annotated[Deps, Depends(app_deps)]

router = ApiRouter(prefix="/v1/orders", tags=["orders"])


@router.get("", auth=Auth.NONE, rate=RateClass.READ, paged=True, summary="List")
async def list_orders(deps: Dependencies, paging: Paging) -> Page[int]:
    """Even numbers and odd ones."""
    position = paging.position("orders")
    begin = position[0] if position else 0
    end = begin + paging.limit
    return paging.page("orders", deps.numbers[begin:end], [end] if end < len(deps.numbers) else None)


@router.get(
    "/{order_id}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    problems=[NoSuchOrder],
    summary="Show",
)
async def show_order(order_id: int, viewer: MaybeViewer) -> int | None:
    return viewer.account_id if viewer else None


@router.patch("/{order_id}", auth=Auth.REQUIRED, rate=RateClass.WRITE, conditional=True, max_body=50, summary="Change")
async def change_order(order_id: int, body: Order, viewer: Viewer) -> str:
    return body.name


@router.delete("", auth=Auth.REQUIRED, rate=RateClass.WRITE, status_code=204, summary="Delete all")
async def delete_orders(viewer: Viewer) -> None:
    return None


def app_of(deps: Any, *routers: ApiRouter, internal: tuple[InternalRouter, ...] = ()) -> FastAPI:
    @asynccontextmanager
    async def open_deps(_: Readiness) -> AsyncIterator[Any]:
        yield deps

    return create_api_app("Test", SETTINGS, open_deps, routers=routers, internal=internal, description="")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def deps(issuer: Issuer) -> Deps:
    async def keys() -> dict[str, list[dict[str, str]]]:
        return issuer.jwks()

    verifier = TokenVerifier(keys, issuer="photomesh", audience="photomesh-api")
    return Deps(verifier, CursorCodec("secret"))


@pytest.fixture
async def client(deps: Deps) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(deps, router)) as client:
        yield client


def documented(method: str, path: str) -> dict[str, set[str]]:
    """The problem codes that an operation documents, by status; a status without problems has none."""
    operation = app_of(None, router).openapi()["paths"][path][method]
    return {
        status: set(answer.get("content", {}).get("application/problem+json", {}).get("examples", ()))
        for status, answer in operation["responses"].items()
    }


def test_problems_follow_from_the_declaration() -> None:
    assert documented("get", "/v1/orders") == {
        "200": set(),
        "304": set(),
        "400": {"invalid-cursor"},
        "422": {"invalid-request"},
        "503": {"unavailable"},
    }
    assert documented("get", "/v1/orders/{order_id}") == {
        "200": set(),
        "304": set(),
        "401": {"invalid-token", "expired-token"},
        "403": {"session-required"},
        "404": {"test-no-such-order"},
        "422": {"invalid-request"},
        "503": {"unavailable"},
    }
    assert documented("patch", "/v1/orders/{order_id}") == {
        "200": set(),
        "400": {"malformed-json"},
        "401": {"missing-token", "invalid-token", "expired-token"},
        "403": {"session-required"},
        "412": {"precondition-failed"},
        "415": {"unsupported-media-type"},
        "422": {"invalid-request"},
        "503": {"unavailable"},
    }
    assert documented("delete", "/v1/orders") == {
        "204": set(),
        "401": {"missing-token", "invalid-token", "expired-token"},
        "403": {"session-required"},
        "503": {"unavailable"},
    }


def test_the_scope_of_a_route_follows_from_its_tag() -> None:
    posts = ApiRouter(tags=["posts"])

    @posts.get("/read", auth=Auth.OPTIONAL, rate=RateClass.READ, summary="Read")
    async def read(viewer: MaybeViewer) -> None: ...

    @posts.put("/write", auth=Auth.REQUIRED, rate=RateClass.WRITE, summary="Write")
    async def write(viewer: Viewer) -> None: ...

    @posts.put("/session", auth=Auth.REQUIRED, rate=RateClass.WRITE, scope=None, summary="Needs a session")
    async def session(viewer: Viewer) -> None: ...

    @posts.get("/public", auth=Auth.NONE, rate=RateClass.READ, summary="Takes no token")
    async def public() -> None: ...

    accounts = ApiRouter(tags=["accounts"])

    @accounts.delete("/me", auth=Auth.REQUIRED, rate=RateClass.WRITE, summary="Never derived")
    async def leave(viewer: Viewer) -> None: ...

    scopes = {operation.path: operation.policy.scope for router in (posts, accounts) for operation in router.operations}
    assert scopes == {
        "/read": Scope.POSTS_READ,
        "/write": Scope.POSTS_WRITE,
        "/session": None,
        "/public": None,
        "/me": None,
    }


async def test_a_route_of_staff_needs_the_role_that_it_declares(issuer: Issuer, deps: Deps) -> None:
    staff = ApiRouter(prefix="/v1/staff", tags=["staff"])

    @staff.get("/cases", auth=Auth.STAFF, role=Role.SUPPORT, rate=RateClass.READ, summary="List cases")
    async def cases(viewer: Staff) -> list[int]:
        return [viewer.account_id]

    app = app_of(deps, staff)
    operation = app.openapi()["paths"]["/v1/staff/cases"]["get"]
    assert RoutePolicy.of(operation) == RoutePolicy(Auth.STAFF, RateClass.READ, role=Role.SUPPORT)
    async with client_of(app) as api:
        for roles, status in (("", 403), ("moderator", 403), ("moderator support", 200), ("administrator", 200)):
            answer = await api.get("/v1/staff/cases", headers=issuer.headers(7, roles=roles))
            assert answer.status_code == status, roles
        answer = await api.get("/v1/staff/cases", headers=issuer.headers(7))
        assert expect_problem(answer, 403, "role-required")["required_role"] == "support"
        scoped = issuer.headers(7, roles="support", scope="posts:read")
        expect_problem(await api.get("/v1/staff/cases", headers=scoped), 403, "session-required")
        expect_problem(await api.get("/v1/staff/cases"), 401, "missing-token")


@pytest.mark.parametrize(("auth", "role"), [(Auth.STAFF, None), (Auth.REQUIRED, Role.SUPPORT)])
def test_a_role_is_declared_for_staff_and_nobody_else(auth: Auth, role: Role | None) -> None:
    declared: RouteDeclaration = {"auth": auth, "rate": RateClass.READ, "summary": "List"}
    if role:
        declared["role"] = role
    with pytest.raises(TypeError, match=f"declares auth {auth} and the role {role}"):
        ApiRouter().get("/v1/cases", **declared)


def test_the_policy_is_in_the_document() -> None:
    operation = app_of(None, router).openapi()["paths"]["/v1/orders/{order_id}"]["patch"]
    assert RoutePolicy.of(operation) == RoutePolicy(Auth.REQUIRED, RateClass.WRITE, max_body=50)


def test_idempotent_routes_document_their_problems_and_take_keys() -> None:
    creating = ApiRouter(prefix="/v1/orders")

    @creating.post("/{order_id}/items", auth=Auth.NONE, rate=RateClass.WRITE, idempotent=True, summary="Add")
    async def add(order_id: int, creation: Creation) -> int:
        return order_id

    app = app_of(None, creating)
    responses = app.openapi()["paths"]["/v1/orders/{order_id}/items"]["post"]["responses"]
    assert set(responses["409"]["content"]["application/problem+json"]["examples"]) == {"idempotency-key-in-use"}
    [middleware] = app.user_middleware
    assert middleware.kwargs["paths"] == {"/v1/orders/{order_id}/items": 16 * 1024}


def test_an_idempotent_route_without_a_creation_id_is_refused() -> None:
    async def order() -> int:
        return 1

    with pytest.raises(TypeError, match="POST /v1/orders is idempotent, but takes no creation id"):
        ApiRouter().post("/v1/orders", auth=Auth.NONE, rate=RateClass.WRITE, idempotent=True, summary="Order")(order)


async def test_idempotent_routes_need_a_store(deps: Deps) -> None:
    creating = ApiRouter()

    @creating.post("/v1/orders", auth=Auth.NONE, rate=RateClass.WRITE, idempotent=True, summary="Order")
    async def order(creation: Creation) -> int:
        return 1

    with pytest.raises(TypeError, match="idempotency"):
        async with client_of(app_of(deps, creating)):
            pass


@pytest.mark.parametrize("auth", [Auth.NONE, Auth.OPTIONAL])
def test_a_declared_auth_that_the_parameters_contradict_is_refused(auth: Auth) -> None:
    with pytest.raises(TypeError, match=f"PUT /v1/lists declares auth {auth}, its parameters say required"):

        @ApiRouter(prefix="/v1").put("/lists", auth=auth, rate=RateClass.WRITE, summary="Put")
        async def put(viewer: Viewer) -> int:
            return viewer.account_id


def test_required_auth_without_a_viewer_is_refused() -> None:
    async def put() -> int:
        return 1

    with pytest.raises(TypeError, match="declares auth required, its parameters say none"):
        ApiRouter().put("/v1/lists", auth=Auth.REQUIRED, rate=RateClass.WRITE, summary="Put")(put)


def test_a_route_without_a_policy_is_refused() -> None:
    with pytest.raises(KeyError, match="auth"):
        ApiRouter().put("/v1/lists", summary="Put")  # type: ignore[call-arg]


def test_only_internal_routes_need_no_policy() -> None:
    internal = InternalRouter()
    with pytest.raises(ValueError, match="policy"):
        internal.serves(Operation("GET", "/v1/orders/count", int, callers=frozenset()))

    @internal.serves(Operation("GET", "/internal/orders/count", int, callers=frozenset({"shop"})))
    async def count() -> int:
        return 1

    app = app_of(None, internal=(internal,))
    assert "paths" not in app.openapi() or not app.openapi()["paths"]


def test_public_requests_are_compared_with_no_internal_operation() -> None:
    router = InternalRouter()

    @router.serves(Operation("GET", "/internal/orders", int, callers=frozenset({"till"})))
    async def count_orders() -> int:
        return 1

    class Route:
        def matches(self, scope: object) -> Any:
            raise AssertionError("compared")

    router.routes.insert(0, Route())  # type: ignore[arg-type]
    assert router.matches({"type": "http", "method": "GET", "path": "/v1/orders"}) == (Match.NONE, {})


async def test_tokens_are_checked_as_declared(client: httpx.AsyncClient, issuer: Issuer) -> None:
    expect_problem(await client.delete("/v1/orders"), 401, "missing-token")
    assert (await client.get("/v1/orders/1")).json() is None
    token = {"Authorization": f"Bearer {issuer.token(7)}"}
    assert (await client.get("/v1/orders/1", headers=token)).json() == 7
    assert (await client.delete("/v1/orders", headers=token)).status_code == 204


async def test_a_body_has_at_most_as_many_bytes_as_declared(client: httpx.AsyncClient, issuer: Issuer) -> None:
    token = {"Authorization": f"Bearer {issuer.token(7)}"}
    assert (await client.patch("/v1/orders/1", json={"name": "x" * 30}, headers=token)).json() == "x" * 30
    expect_problem(await client.patch("/v1/orders/1", json={"name": "x" * 50}, headers=token), 413, "payload-too-large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b'"123456789'

    expect_problem(
        await client.patch("/v1/orders/1", content=pieces(), headers=token | {"Content-Type": "application/json"}),
        413,
        "payload-too-large",
    )


async def test_pages_lead_from_one_to_the_next(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/orders?limit=3")
    assert first.json()["items"] == [0, 1, 2]
    assert first.headers["cache-control"] == "private, no-cache"
    cursor = first.json()["next_cursor"]
    assert first.headers["link"] == f'<https://api.example/v1/orders?limit=3&cursor={cursor}>; rel="next"'
    last = await client.get("/v1/orders", params={"limit": 3, "cursor": cursor})
    assert last.json() == {"items": [3, 4], "next_cursor": None}
    assert "link" not in last.headers


async def test_wrong_pages_are_refused(client: httpx.AsyncClient) -> None:
    expect_problem(await client.get("/v1/orders?cursor=abc"), 400, "invalid-cursor")
    for query in ("limit=0", "limit=51", "cursor=" + "x" * 501):
        expect_problem(await client.get(f"/v1/orders?{query}"), 422, "invalid-request")


async def test_every_read_has_an_entity_tag(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/v1/orders?limit=3"), await client.get("/v1/orders?limit=2")
    assert first.headers["etag"] == (await client.get("/v1/orders?limit=3")).headers["etag"]
    assert first.headers["etag"] != second.headers["etag"]
    known = await client.get("/v1/orders?limit=3", headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == first.headers["etag"]
    assert known.headers["cache-control"] == "private, no-cache"
    changed = await client.get("/v1/orders?limit=2", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    undecided = await client.get("/v1/orders/1")
    assert undecided.headers["cache-control"] == "private, no-cache"
    assert "etag" not in (await client.get("/v1/orders?cursor=abc")).headers


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("APPLICATION/JSON", True),
        ("application/merge-patch+json", True),
        (None, False),
        ("", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/jsonp", False),
    ],
)
async def test_a_body_is_json_and_says_so(
    client: httpx.AsyncClient, issuer: Issuer, content_type: str | None, accepted: bool
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(7)}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    answer = await client.patch("/v1/orders/1", content=b'{"name": "x"}', headers=headers)
    if accepted:
        assert answer.json() == "x"
    else:
        expect_problem(answer, 415, "unsupported-media-type")
        assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "identity, gzip"])
async def test_a_body_in_a_content_coding_is_refused(client: httpx.AsyncClient, issuer: Issuer, coding: str) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(7)}", "Content-Type": "application/json"}
    body = gzip.compress(b'{"name": "x"}')
    answer = await client.patch("/v1/orders/1", content=body, headers=headers | {"Content-Encoding": coding})
    expect_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "identity"
    plain = headers | {"Content-Encoding": "identity"}
    assert (await client.patch("/v1/orders/1", json={"name": "x"}, headers=plain)).json() == "x"


async def test_no_body_needs_no_type(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.patch("/v1/orders/1", headers={"Authorization": f"Bearer {issuer.token(7)}"})
    expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("path", ["/v1/orders/", "/healthz/", "//evil.example", "/v1/orders/1/"])
async def test_nothing_redirects(client: httpx.AsyncClient, path: str) -> None:
    """A redirect would be built from the request's `Host`, which anybody may write."""
    answer = await client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code in (404, 422)
    assert "evil.example" not in str(answer.headers)
