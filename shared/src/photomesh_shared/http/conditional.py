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
    """The client has the present representation already: an answer without a body, and not an error."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(304, headers=headers)


def version_tag(version: int) -> str:
    """The entity tag of a thing that counts its versions."""
    return f'"{version}"'


def content_tag(shown: BaseModel) -> str:
    """An entity tag of everything that is shown, for what no one version covers."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:24]}"'


def offer(request: Request, response: Response, tag: str, *, cache_control: str, vary: str | None = None) -> None:
    """Sets `ETag`, `Cache-Control` and `Vary`. Raises NotModified when `If-None-Match` names the tag."""
    headers = {"ETag": tag, "Cache-Control": cache_control} | ({"Vary": vary} if vary else {})
    if _names(request.headers.getlist("if-none-match"), tag, weak=True):
        raise NotModified(headers)
    response.headers.update(headers)


def require_match(request: Request, tag: str, *, stem: str | None = None) -> None:
    """Raises PreconditionFailed when there is an `If-Match` that does not name the tag.

    With a `stem`, a tag that begins like this one will do: what comes after it speaks of things that the write does not
    depend on, such as counts."""
    wanted = request.headers.getlist("if-match")
    if wanted and not _names(wanted, tag, weak=False) and not (stem and _named_with(wanted, stem)):
        raise PreconditionFailed(headers={"ETag": tag})


def _listed(headers: list[str]) -> set[str]:
    """Our tags hold no commas, so splitting by them cannot make a false match."""
    return {part.strip() for header in headers for part in header.split(",")}


def _named_with(headers: list[str], stem: str) -> bool:
    return any(tag.startswith(stem) for tag in _listed(headers))


def _names(headers: list[str], tag: str, *, weak: bool) -> bool:
    listed = _listed(headers)
    return "*" in listed or tag in listed or (weak and f"W/{tag}" in listed)
