"""Finding the resource at a path."""

from __future__ import annotations

import pytest

from photomesh_gateway.routing.router import Route, Router
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.http import Auth, RateClass

router = Router(ROUTES)


def route(method: str, template: str) -> Route:
    return Route(method, template, Upstream.POST, Auth.NONE, RateClass.READ, max_body=0)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/me", "/v1/me"),
        ("/v1/photos/p_1", "/v1/photos/{photo_id}"),
        ("/v1/photos/%C3%A9", "/v1/photos/{photo_id}"),
        ("/v1/photos/..p", "/v1/photos/{photo_id}"),
        ("/v1/users/by-username/ada", "/v1/users/by-username/{username}"),
        ("/v1/users/u_1/posts", "/v1/users/{user_id}/posts"),
        ("/v1/uploads/init", "/v1/uploads/init"),
        ("/v1/uploads/up_1", "/v1/uploads/{upload_id}"),
    ],
)
def test_a_path_and_its_template(path: str, template: str) -> None:
    resource = router.match(path)
    assert resource is not None
    assert resource.template == template


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/photos",
        "/v1/photos/",
        "/v1/photos/p_1/",
        "//v1/photos/p_1",
        "/v1//photos/p_1",
        "/v2/photos/p_1",
        "/V1/photos/p_1",
        "/v1/users/by-username",
    ],
)
def test_a_path_that_nothing_is_at(path: str) -> None:
    resource = router.match(path)
    assert resource is None or resource.template == "/v1/users/{user_id}"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/photos/..",
        "/v1/photos/.",
        "/v1/photos/%2e%2e",
        "/v1/photos/.%2E",
        "/v1/photos/p%2fposts",
        "/v1/photos/p%5Cposts",
        "/v1/photos/p%00",
        "/v1/photos/../me",
    ],
)
def test_a_path_that_a_service_might_read_otherwise(path: str) -> None:
    assert router.match(path) is None


def test_head_goes_where_get_goes() -> None:
    resource = router.match("/v1/photos/p_1")
    assert resource is not None
    assert resource.methods["HEAD"] is resource.methods["GET"]
    assert resource.allow == "GET, HEAD, OPTIONS"


def test_a_literal_segment_wins_in_any_order() -> None:
    for routes in ([route("GET", "/a/{x}"), route("GET", "/a/b")], [route("GET", "/a/b"), route("GET", "/a/{x}")]):
        resource = Router(routes).match("/a/b")
        assert resource is not None
        assert resource.template == "/a/b"


def test_a_route_that_is_listed_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        Router([route("GET", "/a/{x}"), route("GET", "/a/{y}")])
