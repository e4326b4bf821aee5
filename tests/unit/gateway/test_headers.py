"""Headers on their way through."""

from __future__ import annotations

import pytest

from photomesh_gateway.errors import HeaderNotText
from photomesh_gateway.proxy.headers import to_client, to_service

Raw = list[tuple[bytes, bytes]]


def forwarded(headers: Raw, **own: str) -> dict[str, list[str]]:
    result = to_service(headers, dict(headers), own)
    return {name.lower(): result.getall(name) for name in result}


def test_ordinary_headers_go_through() -> None:
    headers: Raw = [
        (b"accept", b"image/*"),
        (b"accept-encoding", b"br"),
        (b"user-agent", b"curl"),
        (b"x-mine", b"1"),
        (b"x-mine", b"2"),
        (b"if-none-match", b'"v"'),
    ]
    assert forwarded(headers) == {
        "accept": ["image/*"],
        "accept-encoding": ["identity"],  # the gateway compresses
        "user-agent": ["curl"],
        "x-mine": ["1", "2"],
        "if-none-match": ['"v"'],
        "via": ["1.1 photomesh"],
    }


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Host",
        "Expect",
        "Content-Length",
        "Forwarded",
        "Request-Id",
        "X-Request-Id",
        "X-Real-Ip",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "X-Photomesh-Account",
        "Traceparent",
        "Tracestate",
        "Authorization",
    ],
)
def test_what_ends_at_the_gateway(name: str) -> None:
    assert name.lower() not in forwarded([(name.lower().encode(), b"x")])


def test_what_connection_names_ends_at_the_gateway() -> None:
    headers: Raw = [(b"connection", b"close, X-Secret ,x-other"), (b"x-secret", b"1"), (b"x-other", b"2"), (b"x", b"3")]
    assert {"x"} == forwarded(headers).keys() - {"accept", "accept-encoding", "user-agent", "via"}


def test_nothing_that_the_client_did_not_say_gets_a_meaning() -> None:
    assert forwarded([]) == {
        "accept": ["*/*"],
        "accept-encoding": ["identity"],
        "user-agent": ["photomesh"],
        "via": ["1.1 photomesh"],
    }


def test_the_gateway_adds_its_own_and_a_via_of_the_client_stays() -> None:
    result = forwarded([(b"via", b"1.0 cache"), (b"x-forwarded-for", b"6.6.6.6")], **{"X-Forwarded-For": "1.2.3.4"})
    assert result["x-forwarded-for"] == ["1.2.3.4"]
    assert result["via"] == ["1.0 cache", "1.1 photomesh"]


def test_a_header_that_is_not_text() -> None:
    assert forwarded([(b"x-name", "Zoë".encode())])["x-name"] == ["Zoë"]
    with pytest.raises(HeaderNotText):
        forwarded([(b"x-name", b"Zo\xeb")])


def test_what_of_an_answer_reaches_the_client() -> None:
    answer: Raw = [
        (b"Content-Type", b"application/json"),
        (b"ETag", b'"v"'),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Server", b"uvicorn"),
        (b"Date", b"today"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"X-Internal"),
        (b"X-Internal", b"1"),
        (b"Request-Id", b"forged"),
        (b"RateLimit", b"forged"),
        (b"Access-Control-Allow-Origin", b"forged"),
    ]
    assert to_client(answer) == [
        (b"content-type", b"application/json"),
        (b"etag", b'"v"'),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
