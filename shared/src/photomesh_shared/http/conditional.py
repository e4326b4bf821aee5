"""Conditional requests (RFC 9110): `If-None-Match` when reading, `If-Match` when writing.

Every public GET has an entity tag (`with_content_tag`). A route offers one of its own where that saves work, or where
writes depend on it.

offer(request, response, version_tag(account.version), cache_control="no-cache")   # may raise NotModified
require_match(request, version_tag(account.version))                               # may raise PreconditionFailed
"""

from __future__ import annotations

import hashlib

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from photomesh_shared.errors import PreconditionFailed

__all__ = [
    "NOT_MODIFIED",
    "NotModified",
    "content_tag",
    "names_tag",
    "offer",
    "require_match",
    "version_tag",
    "with_content_tag",
]

NOT_MODIFIED = {"description": "The representation that `If-None-Match` names is still current."}
"""Documents a 304 in `responses=` of a route."""

_OF_304 = ("cache-control", "content-location", "etag", "vary")  # RFC 9110, section 15.4.5


class NotModified(HTTPException):
    """The client's representation is current: a 304 response without a body, not an error."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(304, headers=headers)


def version_tag(version: int) -> str:
    """Return the entity tag of a versioned resource."""
    return f'"{version}"'


def content_tag(body: bytes) -> str:
    """Return the entity tag of a response that no single version covers: a digest of its bytes."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def with_content_tag(request: Request, response: Response) -> Response:
    """Return the response with an `ETag`, or a 304 if `If-None-Match` names it. Leaves a response that has a tag of its
    own, is a stream or is not a 200. Without a `Cache-Control` of its own, caches must revalidate it."""
    if response.status_code != 200 or "etag" in response.headers or isinstance(response, StreamingResponse):
        return response
    tag = content_tag(bytes(response.body))
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if names_tag(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers={k: v for k, v in response.headers.items() if k in _OF_304})
    return response


def offer(request: Request, response: Response, tag: str, *, cache_control: str, vary: str | None = None) -> None:
    """Set `ETag`, `Cache-Control` and `Vary`. Raises NotModified if `If-None-Match` names the tag."""
    headers = {"ETag": tag, "Cache-Control": cache_control} | ({"Vary": vary} if vary else {})
    if names_tag(request.headers.getlist("if-none-match"), tag):
        raise NotModified(headers)
    response.headers.update(headers)


def names_tag(if_none_match: list[str], tag: str) -> bool:
    """Return whether the headers name the tag, compared weakly."""
    listed = _listed(if_none_match)
    return "*" in listed or tag in listed or f"W/{tag}" in listed


def require_match(request: Request, tag: str, *, stem: str | None = None) -> None:
    """Raise PreconditionFailed if there is an `If-Match` that does not name the tag.

    With a `stem`, any tag with this prefix matches: the rest of the tag covers data that the write does not depend on,
    such as counts."""
    wanted = request.headers.getlist("if-match")
    if (
        wanted
        and not ("*" in (listed := _listed(wanted)) or tag in listed)
        and not (stem and _named_with(wanted, stem))
    ):
        raise PreconditionFailed(headers={"ETag": tag})


def _listed(headers: list[str]) -> set[str]:
    """Split the headers into tags. Our tags contain no commas, so splitting cannot cause a false match."""
    return {part.strip() for header in headers for part in header.split(",")}


def _named_with(headers: list[str], stem: str) -> bool:
    return any(tag.startswith(stem) for tag in _listed(headers))
