"""Pagination of a list route::

    async def list_likes(post_id: PostId, viewer: MaybeViewer, deps: Dependencies, paging: Paging) -> Page[Author]:
        kind = f"likes-of-post:{encode('o', post_id)}"
        accounts, last = await deps.likes.list_likes(post_id, after=paging.position(kind), limit=paging.limit)
        return paging.page(kind, [Author.of(account) for account in accounts], last)

A position is the sort key of the last item on a page, as a list of numbers and strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from photomesh_shared.http.cursors import CursorCodec

__all__ = ["PRIVATE", "Cursor", "Limit", "Page", "PageRequest", "Paging"]

Item = TypeVar("Item")

PRIVATE = "private, no-cache"
"""`Cache-Control` of responses that differ by viewer."""

Limit = Annotated[int, Query(ge=1, le=50, description="Items at most; a page may have fewer.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the previous page.")]


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Send it back as `cursor` to get the next page.")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page. Needs `cursors` and `public_url` in the service's dependencies."""

    request: Request
    response: Response
    limit: int
    cursor: str | None

    def position(self, kind: str) -> list[Any] | None:
        """Return the position after which the page begins; None for the first page. `kind` names the list, such as
        ``posts-by-author:u_1``. Raises InvalidCursor."""
        return self._cursors.decode(kind, self.cursor) if self.cursor else None

    def next_cursor(self, kind: str, position: Sequence[int | str] | None) -> str | None:
        """Return the cursor of the page after `position`; None if there is none."""
        return self._cursors.encode(kind, list(position)) if position is not None else None

    def set_link(self, response: Response, next_cursor: str | None) -> None:
        """Set the `Link` header (RFC 8288) to the next page."""
        if next_cursor:
            url = self.request.url.include_query_params(cursor=next_cursor)
            public_url: str = self.request.app.state.settings.public_url
            response.headers["Link"] = f'<{public_url}{url.path}?{url.query}>; rel="next"'

    def page(
        self,
        kind: str,
        items: Sequence[Item],
        next_position: Sequence[int | str] | None,
        *,
        cache_control: str = PRIVATE,
    ) -> Page[Item]:
        """Return the page, and set its headers. `next_position` is None on the last page."""
        cursor = self.next_cursor(kind, next_position)
        self.set_link(self.response, cursor)
        self.response.headers["Cache-Control"] = cache_control
        return Page(items=list(items), next_cursor=cursor)

    @property
    def _cursors(self) -> CursorCodec:
        cursors: CursorCodec = self.request.app.state.deps.cursors
        return cursors


async def _paging(request: Request, response: Response, limit: Limit = 20, cursor: Cursor = None) -> PageRequest:
    return PageRequest(request, response, limit, cursor)


Paging = Annotated[PageRequest, Depends(_paging)]
