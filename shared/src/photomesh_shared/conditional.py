"""Conditional requests (RFC 9110): `If-None-Match` when reading, `If-Match` when writing.

offer(request, response, version_tag(account.version), cache_control="no-cache")   # may raise NotModified
require_match(request, version_tag(account.version))                               # may raise PreconditionFailed
"""

from __future__ import annotations

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from photomesh_shared.errors import PreconditionFailed

__all__ = ["NotModified", "offer", "require_match", "version_tag"]


class NotModified(HTTPException):
    """The client has the present representation already: an answer without a body, and not an error."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(304, headers=headers)


def version_tag(version: int) -> str:
    """The entity tag of a thing that counts its versions."""
    return f'"{version}"'


def offer(request: Request, response: Response, tag: str, *, cache_control: str) -> None:
    """Sets `ETag` and `Cache-Control`. Raises NotModified when `If-None-Match` names the tag."""
    headers = {"ETag": tag, "Cache-Control": cache_control}
    if _names(request.headers.getlist("if-none-match"), tag, weak=True):
        raise NotModified(headers)
    response.headers.update(headers)


def require_match(request: Request, tag: str) -> None:
    """Raises PreconditionFailed when there is an `If-Match` that does not name the tag."""
    wanted = request.headers.getlist("if-match")
    if wanted and not _names(wanted, tag, weak=False):
        raise PreconditionFailed(headers={"ETag": tag})


def _names(headers: list[str], tag: str, *, weak: bool) -> bool:
    """Our tags hold no commas, so splitting by them cannot make a false match."""
    listed = {part.strip() for header in headers for part in header.split(",")}
    return "*" in listed or tag in listed or (weak and f"W/{tag}" in listed)
