"""Requests on their way through the gateway and back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.integration.gateway.stand_in import Service, respond


async def test_a_request_arrives_whole(gateway: httpx.AsyncClient, service: Service, someone: dict[str, str]) -> None:
    answer = await gateway.post(
        "/v1/posts?draft=%C3%A9&x=1", json={"caption": "Zoë"}, headers={**someone, "Idempotency-Key": "k"}
    )
    assert answer.status_code == 200
    assert answer.json() == {"ok": True}
    seen = service.last
    assert (seen.method, seen.path, seen.query) == ("POST", "/v1/posts", "draft=%C3%A9&x=1")
    assert seen.body == '{"caption":"Zoë"}'.encode()
    assert seen.header("content-type") == "application/json"
    assert seen.header("content-length") == str(len(seen.body))
    assert seen.header("idempotency-key") == "k"
    assert seen.header("authorization") == someone["Authorization"]
    assert seen.header("host") == service.url.removeprefix("http://")


async def test_the_path_goes_on_as_it_came(gateway: httpx.AsyncClient, service: Service) -> None:
    await gateway.get("/v1/users/by-username/%C3%A4da%20l")
    assert service.last.path == "/v1/users/by-username/%C3%A4da%20l"


async def test_a_body_without_a_length_or_a_type(gateway: httpx.AsyncClient, service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"login":', b'"ada"', b"}"):
            yield piece

    await gateway.post("/v1/sessions", content=pieces())
    assert service.last.body == b'{"login":"ada"}'
    assert service.last.header("content-type") is None


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/v1/me"), ("DELETE", "/v1/sessions/current")])
async def test_other_methods(
    gateway: httpx.AsyncClient, service: Service, someone: dict[str, str], method: str, path: str
) -> None:
    assert (await gateway.request(method, path, headers=someone)).status_code == 200
    assert (service.last.method, service.last.path, service.last.body) == (method, path, b"")


async def test_head_is_get_without_the_body(gateway: httpx.AsyncClient, service: Service) -> None:
    answer = await gateway.head("/v1/photos/p_1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(b'{"ok":true}'))
    assert service.last.method == "GET"
    assert (await gateway.get("/v1/photos/p_1")).json() == {"ok": True}  # the connection is in order


async def test_forged_headers_do_not_arrive(gateway: httpx.AsyncClient, service: Service) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Server": "evil",
        "Forwarded": "for=6.6.6.6",
        "X-Request-Id": "forged-request-id",
        "X-Real-Ip": "6.6.6.6",
        "X-Photomesh-Account": "u_1",
        "Connection": "X-Hop, keep-alive",
        "X-Hop": "1",
        "Proxy-Authorization": "Basic x",
        "TE": "trailers",
    }
    await gateway.get("/v1/photos/p_1", headers=forged)
    seen = service.last
    names = {name for name, _ in seen.headers}
    assert not names & {"x-hop", "forwarded", "x-request-id", "x-real-ip", "x-photomesh-account", "te", "connection"}
    assert "proxy-authorization" not in names
    assert "x-forwarded-server" not in names
    assert seen.header("via") == "1.1 photomesh"
    assert seen.header("x-forwarded-proto") == "http"


async def test_the_request_id_joins_answer_and_service(gateway: httpx.AsyncClient, service: Service) -> None:
    answer = await gateway.get("/v1/photos/p_1")
    assert answer.headers["request-id"].startswith("req_")
    assert service.last.header("request-id") == answer.headers["request-id"]
    answer = await gateway.get("/v1/photos/p_1", headers={"Request-Id": "my-own-id-42"})
    assert answer.headers.get_list("request-id") == ["my-own-id-42"]
    assert service.last.header("request-id") == "my-own-id-42"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space in it", 'quote"quote', "new\tline-id"])
async def test_an_id_that_could_do_harm_is_replaced(gateway: httpx.AsyncClient, service: Service, given: str) -> None:
    answer = await gateway.get("/v1/photos/p_1", headers={"Request-Id": given})
    assert answer.headers["request-id"].startswith("req_")
    assert service.last.header("request-id") == answer.headers["request-id"]


async def test_the_trace_goes_on(gateway: httpx.AsyncClient, service: Service) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    await gateway.get("/v1/photos/p_1", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert trace in (service.last.header("traceparent") or "")
    await gateway.get("/v1/photos/p_1")
    assert trace not in (service.last.header("traceparent") or "")
    assert service.last.header("traceparent")


async def test_an_answer_arrives_whole(gateway: httpx.AsyncClient, service: Service) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"Location", b"/v1/posts/o_1"),
            (b"Set-Cookie", b"a=1"),
            (b"Set-Cookie", b"b=2"),
            (b"Content-Encoding", b"gzip"),
            (b"Connection", b"X-Internal"),
            (b"X-Internal", b"1"),
            (b"Server", b"secret 1.0"),
            (b"Access-Control-Allow-Origin", b"https://evil.example"),
        ]
        await respond(send, b"not really gzip", status=201, headers=headers)

    service.answer = answer
    async with gateway.stream("GET", "/v1/photos/p_1") as got:
        body = b"".join([piece async for piece in got.aiter_raw()])
    assert (got.status_code, body) == (201, b"not really gzip")  # nothing is unpacked on the way
    assert got.headers["location"] == "/v1/posts/o_1"
    assert got.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert got.headers.get_list("server") == ["photomesh"]
    assert len(got.headers.get_list("date")) == 1
    assert "x-internal" not in got.headers
    assert "access-control-allow-origin" not in got.headers


async def test_cookies_of_one_client_are_not_sent_for_another(gateway: httpx.AsyncClient, service: Service) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"", headers=[(b"set-cookie", b"session=secret; Path=/")])

    service.answer = answer
    await gateway.get("/v1/photos/p_1")
    service.answer = None
    gateway.cookies.clear()
    await gateway.get("/v1/photos/p_1")
    assert service.last.header("cookie") is None


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_have_no_body(gateway: httpx.AsyncClient, service: Service, status: int) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b'"v"')]})
        await send({"type": "http.response.body"})

    service.answer = answer
    for _ in range(2):
        got = await gateway.get("/v1/photos/p_1")
        assert (got.status_code, got.content, got.headers["etag"]) == (status, b"", '"v"')


async def test_redirects_are_the_clients_to_follow(gateway: httpx.AsyncClient, service: Service) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"", status=307, headers=[(b"location", b"http://127.0.0.1:1/elsewhere")])

    service.answer = answer
    got = await gateway.get("/v1/photos/p_1")
    assert (got.status_code, got.headers["location"]) == (307, "http://127.0.0.1:1/elsewhere")


async def test_pages_in_browsers_may_call(gateway: httpx.AsyncClient, service: Service) -> None:
    page = {"Origin": "https://app.example"}
    preflight = await gateway.options("/v1/posts", headers=page | {"Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert service.seen == []
    for path in ("/v1/photos/p_1", "/v1/limits", "/v1/nothing"):
        answer = await gateway.get(path, headers=page)
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert "Request-Id" in answer.headers["access-control-expose-headers"]


async def test_options_of_a_path(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.options("/v1/posts/o_1")
    assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
