"""What the gateway answers itself."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.stand_in import Service
from tests.support.problems import expect_problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_the_index_leads_everywhere(gateway: httpx.AsyncClient) -> None:
    index = (await gateway.get("/")).json()
    public = index["openapi"].removesuffix("/openapi.json")
    for link in ("documentation", "openapi", "limits", "problems", "keys"):
        assert (await gateway.get(index[link].removeprefix(public))).status_code == 200, link


async def test_limits(start_gateway: StartGateway) -> None:
    async with start_gateway(rate_upload="7/70", max_headers="50") as gateway:
        limits = (await gateway.get("/v1/limits")).json()
    rates = {rate["name"]: (rate["quota"], rate["window_seconds"]) for rate in limits["rates"]}
    assert rates["upload"] == (7, 70)
    assert limits["requests"]["max_headers"] == 50
    assert limits["uploads"]["max_bytes"] == 50_000_000
    assert "image/heic" in limits["uploads"]["content_types"]
    assert limits["uploads"]["max_pixels"]


async def test_every_problem_type_has_a_page_for_people_and_one_for_programs(gateway: httpx.AsyncClient) -> None:
    listed = (await gateway.get("/problems/")).json()["items"]
    assert len(listed) > 20
    for problem in listed:
        path = httpx.URL(problem["type"]).path
        assert (await gateway.get(path)).json() == problem
        page = await gateway.get(path, headers=BROWSER)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert problem["code"] in page.text
        assert "Accept" in page.headers["vary"].split(", ")
        assert "`" not in page.text
    overview = await gateway.get("/problems/", headers=BROWSER)
    assert all(f"/problems/{problem['code']}" in overview.text for problem in listed)


async def test_a_problem_answers_at_its_own_type(gateway: httpx.AsyncClient) -> None:
    problem = (await gateway.get("/v1/me")).json()
    page = await gateway.get(httpx.URL(problem["type"]).path)
    assert page.json()["code"] == problem["code"] == "missing-token"


async def test_a_problem_type_that_does_not_exist(gateway: httpx.AsyncClient) -> None:
    expect_problem(await gateway.get("/problems/<script>"), 404, "not-found")


async def test_the_openapi_document(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    again = await gateway.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_documentation_asks_nobody_else(gateway: httpx.AsyncClient) -> None:
    page = await gateway.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        asset = await gateway.get(link)
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith(("text/css", "text/javascript"))
        assert asset.headers["x-content-type-options"] == "nosniff"
    assert "http" not in re.sub(r"<!doctype[^>]*>", "", page.text)
    assert '"/openapi.json"' in (await gateway.get("/docs/start.js")).text
    expect_problem(await gateway.get("/docs/..%2f..%2fsettings.py"), 404, "route-not-found")
    expect_problem(await gateway.get("/docs/nothing.js"), 404, "not-found")


async def test_probes_and_metrics(gateway: httpx.AsyncClient) -> None:
    await gateway.get("/v1/photos/p_1")
    assert (await gateway.get("/healthz")).status_code == 200
    assert (await gateway.get("/readyz")).json()["ready"] is True
    metrics = (await gateway.get("/metrics")).text
    assert 'photomesh_http_requests_total{method="GET",route="/v1/photos/{photo_id}",status="200"}' in metrics
    assert 'photomesh_gateway_upstream_seconds_count{upstream="post"}' in metrics


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/photos/p_1/", "/v1/photos/p%2Fq", "/v1/photos/%2e%2e", "/v1", "/internal"]
)
async def test_a_path_that_nothing_is_at(gateway: httpx.AsyncClient, service: Service, path: str) -> None:
    answer = await gateway.get(path, headers={"Origin": "https://app.example"})
    expect_problem(answer, 404, "route-not-found")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert service.seen == []


async def test_a_method_that_a_path_does_not_take(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.put("/v1/posts/o_1")
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    answer = await gateway.post("/v1/limits")
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


OWN_PAGES = [
    "/",
    "/docs",
    "/docs/",
    "/docs/start.js",
    "/openapi.json",
    "/v1/limits",
    "/problems",
    "/problems/not-found",
]


@pytest.mark.parametrize("path", OWN_PAGES)
async def test_own_pages_take_head_and_options(gateway: httpx.AsyncClient, path: str) -> None:
    get, head = await gateway.get(path), await gateway.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "content-security-policy", "cache-control"):
        assert head.headers.get(name) == get.headers.get(name), name
    options = await gateway.options(path)
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await gateway.head(path, headers={"If-None-Match": get.headers["etag"]})).status_code == 304
    expect_problem(await gateway.put(path), 405, "method-not-allowed")


async def test_methods_of_a_path_that_nothing_is_at(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.head("/nothing")).status_code == 404
    expect_problem(await gateway.options("/nothing"), 404, "route-not-found")
    expect_problem(await gateway.put("/nothing"), 404, "route-not-found")


@pytest.mark.parametrize("path", ["/v1/limits/", "/openapi.json/", "/problems/not-found/", "/readyz/"])
async def test_nothing_redirects_to_a_foreign_host(gateway: httpx.AsyncClient, path: str) -> None:
    for name in ("Host", "X-Forwarded-Host"):
        answer = await gateway.get(path, headers={name: "evil.example"})
        assert answer.status_code == 404
        assert "location" not in answer.headers
