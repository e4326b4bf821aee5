"""Which responses are compressed for whom, and how entity tags and conditions stay right."""

from __future__ import annotations

import gzip

import pytest

from photomesh_gateway.compression import (
    VARY,
    Headers,
    accepts_gzip,
    compress,
    gzip_headers,
    is_compressible,
    not_modified_headers,
    plain_tags,
)

JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (None, False),
        (b"", False),
        (b"identity", False),
        (b"gzip", True),
        (b"GZip", True),
        (b"x-gzip", True),
        (b"br, zstd, deflate", False),
        (b"gzip, deflate, br, zstd", True),
        (b"br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        (b"gzip;q=0", False),
        (b"gzip ; q=0.000", False),
        (b"gzip;q=0.001", True),
        (b"*", True),
        (b"*;q=0", False),
        (b"gzip;q=0, *", False),
        (b"*;q=0, gzip", True),
        (b"identity;q=0.5, gzip;q=1.0", True),
        (b"identity;q=1.0, gzip;q=0.5", False),
        (b"identity;q=0, gzip;q=0.1", True),
        (b"gzip;q=nonsense", False),
        (b"gzipped", False),
        (b"\xff,;;=,gzip", True),
    ],
)
def test_who_accepts_gzip(accept_encoding: bytes | None, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@pytest.mark.parametrize(
    ("status", "headers", "worth_it"),
    [
        (200, [JSON, (b"content-length", b"1400")], True),
        (201, [JSON, (b"content-length", b"15000")], True),
        (422, [(b"content-type", b"application/problem+json"), (b"content-length", b"3000")], True),
        (200, [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"3000")], True),
        (200, [JSON, (b"content-length", b"1399")], False),
        (200, [JSON, (b"content-length", b"300000")], False),
        (200, [JSON], False),  # a stream
        (200, [(b"content-type", b"image/jpeg"), (b"content-length", b"15000")], False),
        (200, [(b"content-length", b"15000")], False),
        (200, [JSON, (b"content-length", b"15000"), (b"content-encoding", b"br")], False),
        (200, [JSON, (b"content-length", b"15000"), (b"cache-control", b"private, no-transform")], False),
        (206, [JSON, (b"content-length", b"15000")], False),
        (204, [], False),
        (304, [JSON, (b"content-length", b"15000")], False),
    ],
)
def test_what_is_worth_it(status: int, headers: Headers, worth_it: bool) -> None:
    assert is_compressible(status, headers) is worth_it


def test_the_headers_of_a_compressed_response() -> None:
    body = b'{"items": []}' * 500
    compressed = compress(body)
    assert gzip.decompress(compressed) == body
    assert len(compressed) < len(body) / 10
    assert gzip_headers([JSON, (b"content-length", b"6500"), (b"etag", b'"v1"'), VARY], 70) == [
        JSON,
        (b"etag", b'"v1-gzip"'),
        VARY,
        (b"content-encoding", b"gzip"),
        (b"content-length", b"70"),
    ]
    assert gzip_headers([(b"etag", b'W/"v1"')], 70)[0] == (b"etag", b'W/"v1"')


@pytest.mark.parametrize(
    ("condition", "known"),
    [
        ('"v1-gzip"', '"v1"'),
        ('"v1", W/"v2-gzip", "v3-gzip"', '"v1", W/"v2", "v3"'),
        ("*", "*"),
        ('"gzip"', '"gzip"'),
        ("nonsense", "nonsense"),
    ],
)
def test_services_get_conditions_on_tags_that_they_know(condition: str, known: str) -> None:
    assert plain_tags(condition) == known


@pytest.mark.parametrize(
    ("if_none_match", "tag"),
    [
        (b'"v1-gzip"', b'"v1-gzip"'),
        (b'"v0-gzip", "v1-gzip"', b'"v1-gzip"'),
        (b'W/"v1-gzip"', b'"v1-gzip"'),
        (b'"v1"', b'"v1"'),
        (b'"v0-gzip", "v1"', b'"v1"'),
        (b"*", b'"v1"'),
        (None, b'"v1"'),
    ],
)
def test_a_304_has_the_tag_of_the_representation_that_the_client_has(if_none_match: bytes | None, tag: bytes) -> None:
    assert not_modified_headers([(b"etag", b'"v1"')], if_none_match) == [(b"etag", tag), VARY]
