"""Conditional requests (RFC 9110): `If-None-Match` when reading, `If-Match` when writing.

offer(request, response, version_tag(account.version), cache_control="no-cache")   # may raise NotModified
offer(request, response, content_tag(body), cache_control="private, no-cache")
require_match(request, version_tag(account.version))                               # may raise PreconditionFailed
"""

from __future__ import annotations

import hashlib

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from photomesh_shared.errors import PreconditionFailed

__all__ = ["NotModified", "content_tag", "offer", "require_match", "version_tag"]


class NotModified(HTTPException):
    """The client's representation is current: a 304 response without a body, not an error."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(304, headers=headers)


def version_tag(version: int) -> str:
    """Return the entity tag of a versioned resource."""
    return f'"{version}"'


def content_tag(shown: BaseModel) -> str:
    """Return an entity tag of the whole response, for resources that no single version covers."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:24]}"'


def offer(request: Request, response: Response, tag: str, *, cache_control: str, vary: str | None = None) -> None:
    """Set `ETag`, `Cache-Control` and `Vary`. Raises NotModified if `If-None-Match` names the tag."""
    headers = {"ETag": tag, "Cache-Control": cache_control} | ({"Vary": vary} if vary else {})
    if _names(request.headers.getlist("if-none-match"), tag, weak=True):
        raise NotModified(headers)
    response.headers.update(headers)


def require_match(request: Request, tag: str, *, stem: str | None = None) -> None:
    """Raise PreconditionFailed if there is an `If-Match` that does not name the tag.

    With a `stem`, any tag with this prefix matches: the rest of the tag covers data that the write does not depend on,
    such as counts."""
    wanted = request.headers.getlist("if-match")
    if wanted and not _names(wanted, tag, weak=False) and not (stem and _named_with(wanted, stem)):
        raise PreconditionFailed(headers={"ETag": tag})


def _listed(headers: list[str]) -> set[str]:
    """Split the headers into tags. Our tags contain no commas, so splitting cannot cause a false match."""
    return {part.strip() for header in headers for part in header.split(",")}


def _named_with(headers: list[str], stem: str) -> bool:
    return any(tag.startswith(stem) for tag in _listed(headers))


def _names(headers: list[str], tag: str, *, weak: bool) -> bool:
    listed = _listed(headers)
    return "*" in listed or tag in listed or (weak and f"W/{tag}" in listed)
