"""Pages of lists in which some entries are hidden from the viewer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["PageBuilder", "chunked"]

Entry = TypeVar("Entry")
View = TypeVar("View")

_MAX_SCANNED = 500
"""After so many entries a page ends, short or even empty, and the list goes on with the next."""


@dataclass
class PageBuilder(Generic[Entry, View]):
    """Fills a page from chunks of a list::

    page = PageBuilder[Entry, View](limit)
    async with aclosing(chunked(entries, limit + 1)) as chunks:
        async for chunk in chunks:
            if page.add(chunk, await views_of(chunk)):
                break
    return page.items, page.next_after
    """

    limit: int
    items: list[View] = field(default_factory=list)
    next_after: Entry | None = None
    """The entry after which the next page begins; None if there is no more."""
    _last: Entry | None = None
    _scanned: int = 0

    def add(self, entries: Sequence[Entry], views: Sequence[View | None], *, cost: int | None = None) -> bool:
        """Adds the views of these entries, None for a hidden one; returns True once the page is complete. `cost`: as
        how many entries they count."""
        for entry, view in zip(entries, views, strict=True):
            if view is None:
                continue
            if len(self.items) == self.limit:
                self.next_after = self._last
                return True
            self.items.append(view)
            self._last = entry
        self._scanned += len(entries) if cost is None else cost
        if self._scanned >= _MAX_SCANNED:
            self.next_after = entries[-1]
            return True
        return False


async def chunked(entries: AsyncGenerator[Entry, None], size: int) -> AsyncGenerator[list[Entry], None]:
    chunk: list[Entry] = []
    async with aclosing(entries):
        async for entry in entries:
            chunk.append(entry)
            if len(chunk) == size:
                yield chunk
                chunk = []
    if chunk:
        yield chunk
