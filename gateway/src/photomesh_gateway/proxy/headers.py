"""Headers that pass the gateway, those that end at this hop, and those that only the gateway may set.

RFC 9110 section 7.6.1: the connection's own fields, and those that `Connection` names, end here. So do fields that
parts of the platform send to each other, if a client sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from multidict import CIMultiDict

from photomesh_gateway.compression import plain_tags
from photomesh_gateway.errors import HeaderNotText

__all__ = ["RawHeaders", "to_client", "to_service"]

RawHeaders = Iterable[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    [
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    ]
)
# A service gets these from the gateway alone. Our server answered `Expect`; the HTTP client writes the framing; the
# gateway compresses.
_NOT_TO_SERVICE = _HOP_BY_HOP | {
    b"accept-encoding",
    b"authorization",
    b"content-length",
    b"expect",
    b"forwarded",
    b"host",
    b"request-id",
    b"traceparent",
    b"tracestate",
    b"x-real-ip",
    b"x-request-id",
}
_RESERVED = (b"x-forwarded-", b"x-photomesh-")
# A client gets these from the gateway alone; `Date` is our server's.
_NOT_TO_CLIENT = _HOP_BY_HOP | {b"date", b"server", b"request-id", b"ratelimit", b"ratelimit-policy"}
_CORS = b"access-control-"
_CONDITIONS = (("If-Match", b"if-match"), ("If-None-Match", b"if-none-match"))
_NEUTRAL = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", "photomesh"))


def to_service(headers: RawHeaders, fields: Mapping[bytes, bytes], own: Mapping[str, str]) -> CIMultiDict[str]:
    """The request headers to forward, with `own` added. Raises HeaderNotText.

    `fields` are the same headers as a mapping. The HTTP client would add three headers of its own where they are
    missing, so neutral values take their place.
    """
    try:
        forwarded = CIMultiDict(
            [
                (name.decode(), value.decode())
                for name, value in headers
                if name not in _NOT_TO_SERVICE and not name.startswith(_RESERVED)
            ]
        )
    except UnicodeDecodeError:
        raise HeaderNotText from None
    for named in _named(fields.get(b"connection")):
        forwarded.popall(named.decode("latin-1"), None)
    for name, raw_name in _CONDITIONS:
        if raw_name in fields and (values := forwarded.getall(name, None)):
            forwarded[name] = ", ".join(map(plain_tags, values))
    for key, default in _NEUTRAL:
        forwarded.setdefault(key, default)
    forwarded.extend(own)
    forwarded.add("Via", "1.1 photomesh")
    return forwarded


def to_client(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The response headers to forward."""
    kept, connection = [], None
    for name, value in headers:
        key = name.lower()
        if key == b"connection":
            connection = value
        elif key not in _NOT_TO_CLIENT and not key.startswith(_CORS):
            kept.append((key, value))
    if named := _named(connection):
        kept = [(name, value) for name, value in kept if name not in named]
    return kept


def _named(connection: bytes | None) -> set[bytes]:
    """The fields that a Connection header limits to this hop."""
    if connection is None:
        return set()
    return {token.strip().lower() for token in connection.split(b",")} - {b"keep-alive", b"close", b""}
