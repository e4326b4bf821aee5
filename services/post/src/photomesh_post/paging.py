"""Pages of lists in which not everything is for everybody."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

__all__ = ["page_of"]

Listed = TypeVar("Listed")
Shown = TypeVar("Shown")

_MOST_LOOKED_AT = 500
"""Where so many in a row are hidden, the page is short, or empty, and goes on with the next."""


async def page_of(
    listed: AsyncGenerator[Listed, None],
    limit: int,
    show: Callable[[Sequence[Listed]], Awaitable[Sequence[Shown | None]]],
) -> tuple[list[Shown], Listed | None]:
    """The first of a list that are shown, and the one after which the next page begins if there is more.

    `show` is given some of the list at a time, and says what is shown of each: None where it is hidden.
    """
    page: list[Shown] = []
    last: Listed | None = None
    looked_at = 0
    async with aclosing(_parts(listed, limit + 1)) as parts:
        async for part in parts:
            for one, shown in zip(part, await show(part), strict=True):
                if shown is None:
                    continue
                if len(page) == limit:
                    return page, last
                page.append(shown)
                last = one
            looked_at += len(part)
            if looked_at >= _MOST_LOOKED_AT:
                return page, part[-1]
    return page, None


async def _parts(listed: AsyncGenerator[Listed, None], size: int) -> AsyncGenerator[list[Listed], None]:
    part: list[Listed] = []
    async with aclosing(listed):
        async for one in listed:
            part.append(one)
            if len(part) == size:
                yield part
                part = []
    if part:
        yield part
