"""Compression of services' responses and of the gateway's own pages."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.integration.gateway.stand_in import Service, respond

PATH = "/v1/photos/p_1"
BODY = json.dumps({"items": [{"id": f"o_{number}", "caption": "By the lake"} for number in range(200)]}).encode()
JSON = [(b"content-type", b"application/json")]


async def raw(
    client: httpx.AsyncClient, path: str, method: str = "GET", **headers: str
) -> tuple[httpx.Response, bytes]:
    """The response, and its body as it was sent."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.stream(method, path, headers=sent) as response:
        return response, b"".join([piece async for piece in response.aiter_raw()])


@pytest.fixture
def conditions(service: Service) -> list[tuple[str, str]]:
    """The service answers as one with an entity tag; the conditions that reached it."""
    seen: list[tuple[str, str]] = []

    async def answer(scope: Scope, _: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        assert headers["accept-encoding"] == "identity"
        seen.extend((name, headers[name]) for name in ("if-none-match", "if-match") if name in headers)
        tag = [(b"etag", b'"v1"')]
        if '"v1"' in headers.get("if-none-match", ""):
            await send({"type": "http.response.start", "status": 304, "headers": tag})
            await send({"type": "http.response.body", "body": b""})
        else:
            await respond(send, BODY, headers=[*JSON, *tag])

    service.answer = answer
    return seen


async def test_a_response_is_compressed_for_whom_accepts_it(
    gateway: httpx.AsyncClient, conditions: list[tuple[str, str]]
) -> None:
    response, body = await raw(gateway, PATH, Accept_Encoding="br;q=1.0, gzip;q=0.8")
    assert gzip.decompress(body) == BODY
    assert len(body) < len(BODY) / 5
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["vary"] == "Accept-Encoding"
    for refused in ("identity", "br", "gzip;q=0", ""):
        response, body = await raw(gateway, PATH, Accept_Encoding=refused)
        assert body == BODY
        assert "content-encoding" not in response.headers
        assert response.headers["vary"] == "Accept-Encoding"
        assert response.headers["etag"] == '"v1"'


async def test_each_representation_has_its_entity_tag(
    gateway: httpx.AsyncClient, conditions: list[tuple[str, str]], someone: dict[str, str]
) -> None:
    compressed, _ = await raw(gateway, PATH, Accept_Encoding="gzip")
    assert compressed.headers["etag"] == '"v1-gzip"'
    again, body = await raw(gateway, PATH, Accept_Encoding="gzip", If_None_Match='"v1-gzip"')
    assert (again.status_code, body, again.headers["etag"]) == (304, b"", '"v1-gzip"')
    assert again.headers["vary"] == "Accept-Encoding"
    plain, _ = await raw(gateway, PATH, Accept_Encoding="identity", If_None_Match='"v1"')
    assert (plain.status_code, plain.headers["etag"]) == (304, '"v1"')
    await raw(gateway, "/v1/posts/o_1", "DELETE", If_Match='"v1-gzip"', **someone)
    assert conditions == [("if-none-match", '"v1"'), ("if-none-match", '"v1"'), ("if-match", '"v1"')]


async def test_head_describes_the_response_to_get(
    gateway: httpx.AsyncClient, conditions: list[tuple[str, str]]
) -> None:
    get, _ = await raw(gateway, PATH, Accept_Encoding="gzip")
    head, nothing = await raw(gateway, PATH, "HEAD", Accept_Encoding="gzip")
    assert nothing == b""
    for name in ("etag", "content-encoding", "content-length", "vary"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY[:1000], JSON),
        (b"x" * 300_000, JSON),
        (BODY, [(b"content-type", b"image/jpeg")]),
        (BODY, [*JSON, (b"cache-control", b"no-transform")]),
        (gzip.compress(BODY * 100), [*JSON, (b"content-encoding", b"gzip")]),
    ],
    ids=["small", "large", "image", "no-transform", "encoded"],
)
async def test_what_is_left_as_it_is(
    gateway: httpx.AsyncClient, service: Service, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, body, headers=headers)

    service.answer = answer
    response, sent = await raw(gateway, PATH, Accept_Encoding="gzip")
    assert sent == body
    assert response.headers.get_list("content-encoding") == [v.decode() for n, v in headers if n == b"content-encoding"]


async def test_a_stream_is_not_held_back(gateway: httpx.AsyncClient, service: Service) -> None:
    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        for _number in range(3):
            await send({"type": "http.response.body", "body": BODY, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    service.answer = answer
    response, sent = await raw(gateway, PATH, Accept_Encoding="gzip")
    assert sent == 3 * BODY
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/problems/"])
async def test_own_pages_are_compressed(gateway: httpx.AsyncClient, path: str) -> None:
    plain, expected = await raw(gateway, path, Accept_Encoding="identity")
    compressed, body = await raw(gateway, path, Accept_Encoding="gzip")
    assert gzip.decompress(body) == expected
    assert compressed.headers["content-length"] == str(len(body))
    assert "Accept-Encoding" in plain.headers["vary"]
    assert compressed.headers["vary"] == plain.headers["vary"]
    assert compressed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    for response in (plain, compressed):
        again, nothing = await raw(gateway, path, Accept_Encoding="gzip", If_None_Match=response.headers["etag"])
        assert (again.status_code, nothing) == (304, b"")
        assert again.headers["etag"] == response.headers["etag"]


async def test_the_openapi_document_is_a_tenth(gateway: httpx.AsyncClient) -> None:
    response, body = await raw(gateway, "/openapi.json", Accept_Encoding="gzip, deflate, br, zstd")
    assert len(body) < len(gzip.decompress(body)) / 10
    assert response.headers["content-type"] == "application/json"
