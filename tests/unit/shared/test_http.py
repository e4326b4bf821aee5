"""What every service's app does alike."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from photomesh_shared.errors import InvalidRequest, NotFound, TooManyRequests, Unavailable
from photomesh_shared.http import Readiness, create_service_app, ops_app
from photomesh_shared.http.conditional import offer, require_match, version_tag
from photomesh_shared.http.problems import problems
from photomesh_shared.http.request_context import new_request_id, well_formed_request_id
from photomesh_shared.ids import PhotoId
from photomesh_shared.settings import ServiceSettings
from tests.support.problems import expect_problem
from tests.support.services import client_of

SETTINGS = ServiceSettings(public_url="https://api.example")


class PhotoGone(NotFound):
    """The photo was here. It is no longer."""

    code, title = "test-photo-gone", "The photo is gone"


def _no_spam(text: str) -> str:
    if "spam" in text:
        raise ValueError("must not be spam")
    return text


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    eggs: int
    name: Annotated[str, AfterValidator(_no_spam)] = ""
    lines: list[dict[str, int]] = []


router = APIRouter()


@router.post("/v1/orders", status_code=201, responses=problems(InvalidRequest, Unavailable))
async def order(body: Order) -> Order:
    body.name.encode()
    return body


@router.get("/v1/photos/{photo_id}", responses=problems(PhotoGone, TooManyRequests))
async def photo(photo_id: PhotoId, limit: Annotated[int, Query(le=10)] = 5) -> int:
    raise PhotoGone("Deleted yesterday.", photo_id="p_1", headers={"X-Extra": "1"})


@router.get("/v1/things/{number}")
async def thing(request: Request, response: Response, number: int) -> int:
    offer(request, response, version_tag(number), cache_control="no-cache")
    return number


@router.put("/v1/things/{number}")
async def put_thing(request: Request, number: int) -> int:
    require_match(request, version_tag(number))
    return number


@router.get("/v1/broken")
async def broken() -> int:
    raise RuntimeError("the secret is 42")


@router.get("/v1/half")
async def half() -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("broken off")

    return StreamingResponse(body())


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    yield


def _client(readiness: Readiness | None = None) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    readiness = readiness or Readiness()
    return client_of(create_service_app("Test", SETTINGS, lifespan=_lifespan, routers=[router], readiness=readiness))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with _client() as client:
        yield client


async def test_a_problem_is_rendered_whole(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/photos/p_1")
    assert expect_problem(answer, 404, "test-photo-gone") == {
        "type": "https://api.example/problems/test-photo-gone",
        "title": "The photo is gone",
        "status": 404,
        "code": "test-photo-gone",
        "retryable": False,
        "detail": "Deleted yesterday.",
        "photo_id": "p_1",
        "request_id": answer.headers["request-id"],
    }
    assert answer.headers["x-extra"] == "1"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/eggs"}),
        ({"eggs": "many", "name": 5}, {"/eggs", "/name"}),
        ({"eggs": 1, "a/b~c": 1}, {"/a~1b~0c"}),
        ({"eggs": 1, "lines": [{"x": 1}, {"y": "z"}]}, {"/lines/1/y"}),
        ([], {""}),
        ("text", {""}),
    ],
)
async def test_wrong_fields_are_pointed_at(client: httpx.AsyncClient, body: Any, pointers: set[str]) -> None:
    expect_problem(await client.post("/v1/orders", json=body), 422, "invalid-request", *pointers)


async def test_junk_does_not_come_back_as_more_junk(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/orders", json={"eggs": 1} | {f"unknown{number}": number for number in range(2_000)})
    problem = expect_problem(answer, 422, "invalid-request")
    assert problem["detail"] == "There are 2000 errors; these are the first."
    assert len(problem["errors"]) == 20
    answer = await client.post("/v1/orders", json={"eggs": 1, "\x01" * 10_000: 1})
    expect_problem(answer, 422, "invalid-request")
    assert len(answer.content) < 2_000


async def test_reasons_are_sentences(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/orders", json={"eggs": 1, "name": "spam"})
    assert expect_problem(answer, 422, "invalid-request")["errors"] == [
        {"pointer": "/name", "detail": "must not be spam", "location": "body"}
    ]


async def test_wrong_paths_and_queries_are_pointed_at(client: httpx.AsyncClient) -> None:
    expect_problem(await client.get("/v1/photos/u_1"), 422, "invalid-request", "/photo_id")
    expect_problem(await client.get("/v1/photos/p_1?limit=11"), 422, "invalid-request", "/limit")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b"\xff\xfe\x00", b'{"eggs": 1', b"[" * 100_000, b'{"eggs": ' + b"9" * 5000 + b"}"],
    ids=["nothing", "open", "nonsense", "bytes", "cut", "deep", "long number"],
)
async def test_what_is_no_json(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/orders", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) in {(400, "malformed-json"), (422, "invalid-request")}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        rb'{"eggs": 1, "name": "\ud800"}',
        rb'{"eggs": 1, "\udfff": 1}',
        rb'{"eggs": "\ud800"}',
        rb'{"eggs": 1, "lines": [{"\ud800": "x"}]}',
    ],
)
async def test_half_a_surrogate_pair(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/orders", content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 422, "invalid-request")


async def test_paths_and_methods_that_are_not_there(client: httpx.AsyncClient) -> None:
    expect_problem(await client.get("/v1/nothing"), 404, "route-not-found")
    answer = await client.delete("/v1/orders")
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


async def test_what_nobody_foresaw_is_logged_and_not_told(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/v1/broken")
    expect_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "the secret is 42" in str(record.exc_info[1])


async def test_an_answer_that_breaks_off_is_cut(client: httpx.AsyncClient) -> None:
    """Its status has gone out, so only the missing end can tell."""
    app = client._transport.app  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as strict:
        with pytest.raises(RuntimeError, match="broken off"):
            await strict.get("/v1/half")


async def test_request_ids_are_kept_or_made(client: httpx.AsyncClient) -> None:
    given = {"Request-Id": "req_from-the-gateway"}
    assert (await client.get("/v1/things/1", headers=given)).headers["request-id"] == "req_from-the-gateway"
    for bad in ("short", "x" * 65, "with space", "semi;colon", ""):
        made = (await client.get("/v1/things/1", headers={"Request-Id": bad})).headers.get_list("request-id")
        assert len(made) == 1
        assert made[0].startswith("req_")
    assert well_formed_request_id(new_request_id())
    assert well_formed_request_id(None) is None
    assert well_formed_request_id("12345678\n") is None


async def test_the_access_log_has_the_route_and_no_query(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "photomesh.access")
    await client.get("/v1/things/12345")  # the gateway's to log
    await client.get("/v1/things/many?token=secret")
    await client.get("/v1/nothing/secret-ish")
    await client.get("/healthz")
    lines = [record.__dict__ for record in caplog.records if record.name == "photomesh.access"]
    assert [(line["route"], line["status"]) for line in lines] == [("/v1/things/{number}", 422), ("unmatched", 404)]
    assert "secret" not in lines[0]["message"]


async def test_metrics_count_routes_not_paths(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/v1/things/{number}")
    text = (await client.get("/metrics")).text
    assert 'photomesh_http_requests_total{method="GET",route="/v1/things/{number}",status="200"}' in text
    assert "/v1/things/1" not in text


async def test_middleware_that_is_added_stands_inside_the_frame() -> None:
    class Refuse:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                raise RuntimeError("out of order")
            await self._app(scope, receive, send)

    app = create_service_app("Test", SETTINGS, lifespan=_lifespan, routers=[router], readiness=Readiness())
    app.add_middleware(Refuse)
    async with client_of(app) as client:
        expect_problem(await client.get("/v1/things/1"), 500, "internal-error")


async def test_readiness_names_what_is_missing() -> None:
    readiness = Readiness()
    away = True

    async def well() -> None:
        return None

    async def sick() -> None:
        if away:
            raise ConnectionError("no route")

    readiness.add("well", well)
    readiness.add("sick", sick)
    async with _client(readiness) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "failures": {"sick": "ConnectionError: no route"}}
        assert (await client.get("/healthz")).status_code == 200
        away = False
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "failures": {}})
        readiness.draining = True
        assert (await client.get("/readyz")).json()["failures"] == {"process": "draining"}


async def test_a_check_that_hangs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photomesh_shared.http.health._CHECK_SECONDS", 0.01)
    readiness = Readiness()

    async def hang() -> None:
        await asyncio.Event().wait()

    readiness.add("hanging", hang)
    assert (await readiness.failures())["hanging"].startswith("TimeoutError")


async def test_it_is_not_ready_while_it_goes_down() -> None:
    readiness = Readiness()
    async with _client(readiness):
        assert await readiness.failures() == {}
    assert await readiness.failures() == {"process": "draining"}


async def test_a_consumer_says_when_it_is_stuck() -> None:
    alive = True
    app = ops_app(lifespan=_lifespan, readiness=Readiness(), alive=lambda: alive)
    async with client_of(app) as client:
        assert (await client.get("/healthz")).status_code == 200
        alive = False
        assert (await client.get("/healthz")).status_code == 503


def test_the_document_shows_problems_as_problems() -> None:
    app = create_service_app("Test", SETTINGS, lifespan=_lifespan, routers=[router], readiness=Readiness())
    document = app.openapi()
    assert document is app.openapi()
    assert set(document["paths"]) == {
        "/v1/orders",
        "/v1/photos/{photo_id}",
        "/v1/things/{number}",
        "/v1/broken",
        "/v1/half",
    }
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    [(media_type, content)] = answer["content"].items()
                    assert media_type == "application/problem+json"
                    assert content["schema"] == {"$ref": "#/components/schemas/ProblemDocument"}
                    for example in content["examples"].values():
                        assert example["value"]["status"] == int(status)
    assert set(document["paths"]["/v1/orders"]["post"]["responses"]) == {"201", "422", "503"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize(
    ("header", "status"),
    [('"5"', 304), ('W/"5"', 304), ('"4", "5"', 304), ("*", 304), ('"4"', 200), ("5", 200), ("", 200), ('"5', 200)],
)
async def test_if_none_match(client: httpx.AsyncClient, header: str, status: int) -> None:
    answer = await client.get("/v1/things/5", headers={"If-None-Match": header})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"5"'
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == (b"" if status == 304 else b"5")


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 200), ('"5"', 200), ('"4", "5"', 200), ("*", 200), ('W/"5"', 412), ('"4"', 412), ("5", 412), ("", 412)],
)
async def test_if_match(client: httpx.AsyncClient, header: str | None, status: int) -> None:
    answer = await client.put("/v1/things/5", headers={} if header is None else {"If-Match": header})
    if status == 412:
        expect_problem(answer, 412, "precondition-failed")
        assert answer.headers["etag"] == '"5"'
    else:
        assert answer.status_code == 200
